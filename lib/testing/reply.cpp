#include <claudio/testing/fake_server.hpp>

namespace claudio::testing {
namespace {

constexpr char const* made_up_signature = "Y2xhdWRpbydzIGZha2Ugc2VydmVyIHRob3VnaHQgdGhpcw==";

} // namespace

reply reply::answer(std::string text) {
  reply made;
  made.text_ = std::move(text);
  return made;
}

reply reply::status(int status) {
  reply made;
  made.status_ = status;
  return made;
}

reply reply::status(int status, std::string body, std::string content_type) {
  reply made;
  made.status_ = status;
  made.body_ = std::move(body);
  made.content_type_ = std::move(content_type);
  return made;
}

reply reply::garbage(std::string bytes) {
  reply made;
  made.raw_ = std::move(bytes);
  made.then_close_ = true;
  return made;
}

reply& reply::header(std::string name, std::string value) & {
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

reply& reply::delay(std::chrono::milliseconds time) & {
  delay_ = time;
  return *this;
}

reply& reply::half_body() & { return cut(fault::half_body, 0); }

reply& reply::then_close() & {
  then_close_ = true;
  return *this;
}

reply& reply::cut(fault kind, std::size_t bytes) {
  fault_ = kind;
  fault_after_ = bytes;
  return *this;
}

reply& reply::thinking(std::string text) & {
  boost::json::object block;
  block.emplace("type", "thinking");
  block.emplace("thinking", text);
  block.emplace("signature", made_up_signature);
  thinking_.emplace_back(std::move(block));
  return *this;
}

reply& reply::tool_call(std::string name, boost::json::object input, std::string id) & {
  boost::json::object block;
  block.emplace("type", "tool_use");
  block.emplace("id", id);
  block.emplace("name", name);
  block.emplace("input", std::move(input));
  tool_calls_.emplace_back(std::move(block));
  return *this;
}

reply& reply::stop_reason(std::string reason) & {
  stop_reason_ = std::move(reason);
  return *this;
}

reply& reply::repeat_deltas(std::size_t n) & {
  repeat_deltas_ = n;
  return *this;
}

reply& reply::pace(std::chrono::milliseconds time) & {
  pace_ = time;
  return *this;
}

reply& reply::record_per_event() & {
  record_per_event_ = true;
  return *this;
}

reply& reply::cut_after_events(std::size_t events) & { return error_after(events, "", ""); }

reply& reply::error_after(std::size_t events, std::string type, std::string message) & {
  events_ = events;
  error_type_ = std::move(type);
  error_message_ = std::move(message);
  return *this;
}

reply& reply::pings_only(std::chrono::milliseconds every) & {
  pings_only_ = true;
  return pace(every);
}

std::string_view received_request::header(std::string_view name) const noexcept {
  for (auto const& [key, value] : headers)
    if (key == name)
      return value;
  return {};
}

} // namespace claudio::testing
