#include "configuration_file.hpp"

#include "core/json_access.hpp"
#include "core/secret_file.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <unistd.h>

namespace claudio::tool {
namespace json = boost::json;

namespace {

bool is_provider(json::object const& object) {
  return object.contains("provider_config") || object.contains("provider_type") ||
         object.contains("support_model_type");
}

bool is_model(json::object const& object) {
  return object.contains("provider_name") || object.contains("model_params");
}

bool is_configuration(json::object const& object) {
  return object.contains("providers") || object.contains("models") || !(is_provider(object) || is_model(object));
}

json::object wrapped(json::array&& entries) {
  json::array providers(entries.storage());
  json::array models(entries.storage());
  for (auto& entry : entries)
    (is_provider(entry.get_object()) ? providers : models).push_back(std::move(entry));
  json::object configuration(entries.storage());
  configuration.emplace("providers", std::move(providers));
  configuration.emplace("models", std::move(models));
  return configuration;
}

bool is_entry(json::value const& value) {
  auto const* const object = value.if_object();
  return object && !is_configuration(*object);
}

} // namespace

error in_file(std::string const& file, error const& fault) {
  error_details details;
  details.message = file + ": " + fault.message();
  details.param = fault.param();
  return error(fault.code(), 0, std::move(details));
}

result<json::object> read_configuration_file(std::string const& file) {
  auto const text = file == "-" ? read_secret(STDIN_FILENO, "standard input") : read_secret_file(file);
  if (!text)
    return text.error();
  auto value = parse_json_file(text->reveal());
  if (!value)
    return error(errc::configuration, file + ": " + value.error().message());
  if (is_entry(*value)) {
    json::array entries(value->storage());
    entries.push_back(std::move(*value));
    return wrapped(std::move(entries));
  }
  auto* const list = value->if_array();
  if (list && !list->empty() && std::all_of(list->begin(), list->end(), is_entry))
    return wrapped(std::move(*list));
  if (!value->is_object())
    return error(errc::configuration, file + ": expected an object, {\"providers\": [...], \"models\": [...]}, got " +
                                          describe_value(*value));
  return std::move(value->get_object());
}

} // namespace claudio::tool
