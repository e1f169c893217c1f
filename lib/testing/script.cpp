#include "testing/script.hpp"

#include "core/json_access.hpp"
#include "core/object_reader.hpp"

#include <boost/json/serialize.hpp>

#include <array>

namespace claudio::testing {
namespace json = boost::json;

namespace {

constexpr std::int64_t most_repeats = 100'000;

struct fault_name {
  std::string_view name;
  connection_fault fault;
};

constexpr std::array<fault_name, 5> fault_names{{{"none", connection_fault::none},
                                                 {"reset", connection_fault::reset},
                                                 {"stall", connection_fault::stall},
                                                 {"garbage", connection_fault::garbage},
                                                 {"reset_handshake", connection_fault::reset_handshake}}};

void read_tool_call(json::value const& value, object_reader& reader, std::size_t index, reply& made) {
  std::string const field = "tool_calls[" + std::to_string(index) + "]";
  if (!value.is_object())
    return reader.fail(field, "expected an object, got " + describe_value(value));
  object_reader fields(value.get_object(), reader.path_of(field));
  std::string name;
  fields.required_string("name", name);
  auto const* input = fields.object("input");
  std::string id;
  fields.string("id", id);
  if (auto const done = fields.finish(); !done)
    reader.fail(done.error());
  made.tool_call(std::move(name), input ? *input : json::object(), std::move(id));
}

// What the server says, before any fault.
reply base_reply(json::object const& object, object_reader& reader) {
  auto const status = reader.integer("status", 100);
  std::string text;
  reader.string("text", text);
  std::string garbage;
  reader.string("garbage", garbage);
  std::string thinking;
  reader.string("thinking", thinking);
  auto const* tool_calls = reader.array("tool_calls");
  std::string stop_reason;
  reader.string("stop_reason", stop_reason);
  std::string content_type = "application/json";
  reader.string("content_type", content_type);
  reader.known({"body"});
  if (status && *status > 599)
    reader.fail("status", "expected a status from 100 to 599");
  int const number = static_cast<int>(status.value_or(200));
  auto const* body = object.if_contains("body");
  bool const answers = !text.empty() || !thinking.empty() || tool_calls || !stop_reason.empty();
  if ((body != nullptr) + answers + !garbage.empty() > 1 || (answers && number != 200))
    reader.fail("", "text and its like (with status 200), body and garbage exclude each other");
  if (!garbage.empty())
    return reply::garbage(std::move(garbage));
  if (body) {
    auto const* plain = body->if_string();
    return reply::status(number, plain ? std::string(*plain) : json::serialize(*body), std::move(content_type));
  }
  if (number != 200)
    return reply::status(number);
  reply made = reply::answer(std::move(text));
  if (!thinking.empty())
    made.thinking(std::move(thinking));
  for (std::size_t i = 0; tool_calls && i < tool_calls->size(); ++i)
    read_tool_call((*tool_calls)[i], reader, i, made);
  return made.stop_reason(std::move(stop_reason));
}

// What happens to a stream.
void read_stream_fields(object_reader& reader, reply& made) {
  std::chrono::milliseconds pace{0};
  reader.milliseconds("pace_ms", pace);
  made.pace(pace);
  bool record_per_event = false;
  reader.boolean("record_per_event", record_per_event);
  if (record_per_event)
    made.record_per_event();
  if (auto const every = reader.integer("pings_only_ms", 0))
    made.pings_only(std::chrono::milliseconds(*every));
  if (auto const times = reader.integer("repeat_deltas", 0))
    made.repeat_deltas(static_cast<std::size_t>(*times));
  if (auto const events = reader.integer("cut_after_events", 0))
    made.cut_after_events(static_cast<std::size_t>(*events));
  if (auto const* fault = reader.object("error_after")) {
    object_reader fields(*fault, reader.path_of("error_after"));
    auto const events = fields.integer("events", 0);
    std::string type = "overloaded_error";
    fields.string("type", type);
    std::string message = "Overloaded";
    fields.string("message", message);
    if (auto const done = fields.finish(); !done)
      reader.fail(done.error());
    made.error_after(static_cast<std::size_t>(events.value_or(0)), std::move(type), std::move(message));
  }
}

result<reply> read_reply(json::object const& object, std::string const& path, std::int64_t& times) {
  object_reader reader(object, path);
  reply made = base_reply(object, reader);
  if (auto const* headers = reader.object("headers"))
    for (auto const& [name, value] : *headers) {
      if (value.is_string())
        made.header(std::string(name), std::string(value.get_string()));
      else
        reader.fail("headers." + std::string(name), "expected a string, got " + describe_value(value));
    }
  std::chrono::milliseconds delay{0};
  reader.milliseconds("delay_ms", delay);
  made.delay(delay);
  if (auto const bytes = reader.integer("reset_after", 0))
    made.reset_after(static_cast<std::size_t>(*bytes));
  if (auto const bytes = reader.integer("close_after", 0))
    made.close_after(static_cast<std::size_t>(*bytes));
  if (auto const bytes = reader.integer("stall_after", 0))
    made.stall_after(static_cast<std::size_t>(*bytes));
  bool half_body = false;
  reader.boolean("half_body", half_body);
  if (half_body)
    made.half_body();
  bool then_close = false;
  reader.boolean("then_close", then_close);
  if (then_close)
    made.then_close();
  read_stream_fields(reader, made);
  times = reader.integer("times", 1).value_or(1);
  if (times > most_repeats)
    reader.fail("times", "expected an integer up to " + std::to_string(most_repeats));
  if (auto const done = reader.finish(); !done)
    return done.error();
  return made;
}

} // namespace

result<fault_script> parse_script(std::string_view text) {
  auto const value = parse_json(text);
  if (!value)
    return error(errc::configuration, value.error().message());
  if (!value->is_object())
    return error(errc::configuration,
                 "expected an object with requests and connections, got " + describe_value(*value));
  fault_script script;
  object_reader reader(value->get_object(), "");
  auto const* requests = reader.array("requests");
  auto const* connections = reader.array("connections");
  if (auto const done = reader.finish(); !done)
    return done.error();
  for (std::size_t i = 0; requests && i < requests->size(); ++i) {
    std::string const path = "requests[" + std::to_string(i) + "]";
    if (!(*requests)[i].is_object())
      return configuration_fault(path, "expected an object, got " + describe_value((*requests)[i]));
    std::int64_t times = 1;
    auto const made = read_reply((*requests)[i].get_object(), path, times);
    if (!made)
      return made.error();
    script.replies.insert(script.replies.end(), static_cast<std::size_t>(times), *made);
  }
  for (std::size_t i = 0; connections && i < connections->size(); ++i) {
    auto const* name = (*connections)[i].if_string();
    auto const* const known = std::find_if(fault_names.begin(), fault_names.end(), [&](fault_name const& candidate) {
      return name && candidate.name == std::string_view(*name);
    });
    if (known == fault_names.end())
      return configuration_fault("connections[" + std::to_string(i) + "]",
                                 "expected \"none\", \"reset\", \"stall\", \"garbage\" or \"reset_handshake\"");
    script.connections.push_back(known->fault);
  }
  return script;
}

} // namespace claudio::testing
