#include "core/error_kinds.hpp"
#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "observe/loggers.hpp"
#include "runtime/configuration_reader.hpp"

#include <algorithm>
#include <unordered_map>

namespace claudio {
namespace json = boost::json;

namespace {

bool is_text_or_texts(json::value const& value) {
  auto const* list = value.if_array();
  return value.is_string() ||
         (list && std::all_of(list->begin(), list->end(), [](json::value const& item) { return item.is_string(); }));
}

void check_model_params(json::object const& parameters, std::string const& path, object_reader& parent) {
  object_reader reader(parameters, path);
  for (std::string_view const name : {"temperature", "top_p"})
    if (auto const* value = parameters.if_contains(name))
      if (double const number = value->is_number() ? value->to_number<double>() : -1; !(number >= 0 && number <= 1))
        reader.fail(name, "expected a number from 0 to 1, got " + describe_value(*value));
  reader.integer("max_tokens", 1);
  reader.integer("max_completion_tokens", 1);
  reader.integer("top_k", 0);
  if (auto const* stop = parameters.if_contains("stop"); stop && !is_text_or_texts(*stop))
    reader.fail("stop", "expected a string or an array of strings");
  reader.known({"temperature", "top_p", "stop"});
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
}

std::optional<errc> find_fallback_kind(std::string_view name) {
  for (std::size_t i = 0; i < error_kind_count; ++i)
    if (auto const& kind = kind_of(static_cast<errc>(i)); kind.name == name && kind.has(error_kind::may_fall_back))
      return static_cast<errc>(i);
  return std::nullopt;
}

std::string fallback_kinds() {
  std::string names;
  for (std::size_t i = 0; i < error_kind_count; ++i)
    if (auto const& kind = kind_of(static_cast<errc>(i)); kind.has(error_kind::may_fall_back))
      names.append(names.empty() ? "" : ", ").append(kind.name);
  return names;
}

void read_fallback_kinds(json::array const& names, object_reader& reader, std::vector<errc>& kinds) {
  kinds.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const* name = names[i].if_string();
    if (auto const found = name ? find_fallback_kind(*name) : std::nullopt)
      kinds.push_back(*found);
    else
      reader.fail(element("on", i), "expected one of " + fallback_kinds());
  }
  if (names.empty())
    reader.fail("on", "expected at least one kind of error");
}

void read_fallbacks(json::array const& list, object_reader& parent, model_configuration& model) {
  for (std::size_t i = 0; i < list.size() && !parent.failed(); ++i) {
    auto const field = element("fallbacks", i);
    if (!list[i].is_object())
      return parent.fail(field, "expected an object, got " + describe_value(list[i]));
    model_fallback fallback;
    object_reader reader(list[i].get_object(), parent.path_of(field));
    reader.required_string("model", fallback.model);
    if (fallback.model == model.name)
      reader.fail("model", "a model can't be a fallback of its own");
    for (std::size_t other = 0; other < i; ++other)
      if (model.fallbacks[other].model == fallback.model)
        reader.fail("model", "the model stands in " + element("fallbacks", other) + " already");
    if (auto const* kinds = reader.array("on"))
      read_fallback_kinds(*kinds, reader, fallback.on);
    if (auto const done = reader.finish(); !done)
      return parent.fail(done.error());
    model.fallbacks.push_back(std::move(fallback));
  }
}

system_placement read_system_messages(object_reader& reader) {
  bool in_place = false; // the option's older form
  reader.boolean("system_in_place", in_place);
  std::string placement = in_place ? "in_place" : "hoist";
  reader.string("system_messages", placement);
  if (placement == "in_place")
    return system_placement::in_place;
  if (placement == "user_turn")
    return system_placement::user_turn;
  if (placement != "hoist")
    reader.fail("system_messages", "expected \"hoist\", \"in_place\" or \"user_turn\"");
  return system_placement::hoist;
}

} // namespace

result<model_configuration> read_model(json::value const& value, std::string const& path) {
  if (!value.is_object())
    return configuration_fault(path, "expected an object, got " + describe_value(value));
  model_configuration model;
  std::string type;
  object_reader reader(value.get_object(), path);
  read_name(reader, model.name);
  reader.required_string("type", type);
  if (!type.empty() && type != "LLM")
    reader.fail(configuration_fault(path + ".type",
                                    "only \"LLM\" is supported: Anthropic offers no embeddings or reranking API",
                                    errc::unsupported));
  reader.required_string("provider_name", model.provider_name);
  model.max_tokens = reader.integer("max_tokens", 1);
  if (auto const* parameters = reader.object("model_params")) {
    check_model_params(*parameters, reader.path_of("model_params"), reader);
    model.model_params = *parameters;
  }
  std::string mode = "lenient";
  reader.string("translation", mode);
  if (mode != "lenient" && mode != "strict")
    reader.fail("translation", "expected \"lenient\" or \"strict\"");
  model.mode = mode == "strict" ? translation_mode::strict : translation_mode::lenient;
  model.system_messages = read_system_messages(reader);
  if (auto const* fallbacks = reader.array("fallbacks"))
    read_fallbacks(*fallbacks, reader, model);
  if (auto const* overrides = reader.object("capabilities")) {
    auto const overridden = override_capabilities(capabilities_of(model.name), *overrides);
    if (overridden)
      model.capabilities = *overridden;
    else
      reader.fail("capabilities." + overridden.error().param(), overridden.error().message());
  }
  if (auto const done = reader.finish(); !done)
    return done.error();
  return model;
}

namespace {

error no_such_model(std::string path, std::string const& name, std::vector<model_configuration> const& models) {
  std::vector<std::string> names;
  for (auto const& model : models)
    names.push_back(model.name);
  auto const near = nearest_name(name, names);
  return configuration_fault(std::move(path), "no model is named \"" + name + "\"" +
                                                  (near ? "; did you mean \"" + *near + "\"?" : std::string()));
}

} // namespace

void note_unknown_model(model_configuration const& model) {
  if (!find_catalogue_entry(model.name) && !model.capabilities)
    call_log().warn("model_unknown model=\"{}\" advice=\"{}\"", model.name, model_advice(model.name));
}

result<void> check_references(configuration const& config,
                              std::function<std::string(std::string_view list, std::size_t index)> const& path_of) {
  using positions = std::unordered_map<std::string_view, std::size_t>;
  positions providers;
  for (std::size_t i = 0; i < config.providers.size(); ++i)
    if (auto const [first, added] = providers.emplace(config.providers[i].name, i); !added)
      return configuration_fault(path_of("providers", i) + ".name",
                                 "the name stands in " + path_of("providers", first->second) + " already");
  positions models;
  for (std::size_t i = 0; i < config.models.size(); ++i) {
    auto const& model = config.models[i];
    if (auto const [first, added] = models.emplace(model.name, i); !added)
      return configuration_fault(path_of("models", i) + ".name",
                                 "the name stands in " + path_of("models", first->second) + " already");
    if (!providers.contains(model.provider_name))
      return configuration_fault(path_of("models", i) + ".provider_name",
                                 "no provider is named \"" + model.provider_name + "\"");
  }
  for (std::size_t i = 0; i < config.models.size(); ++i)
    for (std::size_t j = 0; j < config.models[i].fallbacks.size(); ++j)
      if (auto const& name = config.models[i].fallbacks[j].model; !models.contains(name))
        return no_such_model(path_of("models", i) + "." + element("fallbacks", j) + ".model", name, config.models);
  return {};
}

} // namespace claudio
