#include "async/as_result.hpp"
#include "core/json_access.hpp"
#include "core/schema_check.hpp"

#include <claudio/toolbox.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace claudio {
namespace asio = boost::asio;
namespace json = boost::json;

tool_result::tool_result(std::string text) {
  json::object part;
  part.emplace("type", "text");
  part.emplace("text", text);
  parts_.emplace_back(std::move(part));
}

tool_result tool_result::image(std::string_view media_type, std::string_view base64) {
  std::string url = "data:";
  url.append(media_type).append(";base64,").append(base64);
  json::object address;
  address.emplace("url", url);
  json::object part;
  part.emplace("type", "image_url");
  part.emplace("image_url", std::move(address));
  tool_result made;
  made.parts_.emplace_back(std::move(part));
  return made;
}

tool_result tool_result::failure(tool_result why) {
  why.is_error_ = true;
  return why;
}

tool_result& tool_result::add(tool_result more) & {
  for (auto& part : more.parts_)
    parts_.emplace_back(std::move(part));
  is_error_ = is_error_ || more.is_error_;
  return *this;
}

json::value tool_result::content() const {
  if (parts_.empty())
    return "";
  if (auto const* text = parts_.front().get_object().if_contains("text"); text && parts_.size() == 1)
    return *text;
  return parts_;
}

class toolbox::tool {
public:
  std::string name;
  std::string description;
  json::object schema;
  detail::tool_function function;
};

namespace {

asio::awaitable<result<tool_result>> give(tool_result outcome) { co_return outcome; }

} // namespace

toolbox& toolbox::put(std::string name, std::string description, json::object schema, detail::tool_function function) {
  if (name.empty())
    throw configuration_error(error(errc::configuration, "a tool without a name"));
  for (auto const& known : tools_)
    if (known->name == name)
      throw configuration_error(error(errc::configuration, "a second tool of the name \"" + name + "\""));
  auto added = std::make_shared<tool>();
  added->name = std::move(name);
  added->description = std::move(description);
  added->schema = std::move(schema);
  added->function = std::move(function);
  tools_.push_back(std::move(added));
  return *this;
}

asio::awaitable<result<tool_result>> toolbox::call(std::string_view name, std::string arguments) const {
  std::string names;
  for (auto const& known : tools_) {
    if (known->name == name)
      return run(known, std::move(arguments));
    names += (names.empty() ? "" : ", ") + known->name;
  }
  return give(tool_result::failure("there is no tool \"" + std::string(name) +
                                   "\"; there are: " + (names.empty() ? "none" : names)));
}

asio::awaitable<result<tool_result>> toolbox::run(std::shared_ptr<tool const> called, std::string arguments) {
  auto parsed = parse_json(arguments);
  if (!parsed)
    co_return tool_result::failure("the arguments are " + parsed.error().message());
  if (!parsed->is_object())
    co_return tool_result::failure("arguments: expected an object, got " + describe_value(*parsed));
  if (auto fault = find_schema_fault(*parsed, called->schema, "arguments"))
    co_return tool_result::failure(std::move(*fault));
  std::string failure = "unknown exception";
  try {
    auto running = called->function(std::move(parsed->get_object()));
    auto outcome = co_await std::move(running);
    if (outcome)
      co_return outcome;
    failure = outcome.error().message();
  } catch (std::exception const& thrown) {
    failure = thrown.what();
  } catch (...) {
  }
  // A handler may meet operation_aborted or errc::cancelled on its own; only the caller's cancellation is one.
  auto const state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    co_return cancelled_by_caller();
  co_return tool_result::failure("the tool failed: " + failure);
}

json::array toolbox::definitions() const {
  json::array out;
  for (auto const& each : tools_) {
    json::object function;
    function.emplace("name", each->name);
    if (!each->description.empty())
      function.emplace("description", each->description);
    function.emplace("parameters", each->schema);
    json::object definition;
    definition.emplace("type", "function");
    definition.emplace("function", std::move(function));
    out.emplace_back(std::move(definition));
  }
  return out;
}

} // namespace claudio
