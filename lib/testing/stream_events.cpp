#include "core/json_access.hpp"
#include "testing/messages_api.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <limits>

namespace claudio::testing {
namespace json = boost::json;

namespace {

constexpr std::size_t words_per_delta = 3;
constexpr std::size_t longest_delta = 48;
constexpr std::size_t longest_input_delta = 16;

stream_event make_event(std::string_view name, json::object data) {
  json::object typed;
  typed.emplace("type", json::string_view(name));
  for (auto& [key, value] : data)
    typed.emplace(key, std::move(value));
  stream_event made;
  made.text = "event: " + std::string(name) + "\ndata: " + json::serialize(typed) + "\n\n";
  return made;
}

stream_event ping() { return make_event("ping", json::object()); }

stream_event message_start(answer const& made) {
  json::object data;
  data.emplace("message", begin_message(made, 1));
  return make_event("message_start", std::move(data));
}

stream_event delta_event(std::size_t index, std::string_view type, std::string_view field, std::string_view value) {
  json::object delta;
  delta.emplace("type", json::string_view(type));
  delta.emplace(field, json::string_view(value));
  json::object data;
  data.emplace("index", index);
  data.emplace("delta", std::move(delta));
  return make_event("content_block_delta", std::move(data));
}

// The size of the first delta: a few words, or what is longest, but no part of a character of UTF-8.
std::size_t delta_size(std::string_view text, std::size_t longest) {
  std::size_t words = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const continues = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    if (i >= longest && !continues)
      return i;
    if (text[i] == ' ' && ++words == words_per_delta)
      return i + 1;
  }
  return text.size();
}

// Takes a text block's text, or such, out of the block and makes deltas of it.
class block_writer {
public:
  block_writer(std::vector<stream_event>& events, std::size_t index, json::object block)
      : events_(events), index_(index), block_(std::move(block)) {}

  void write(std::optional<std::size_t> repeat) {
    auto const type = std::string(find_string(block_, "type"));
    if (type == "thinking") {
      std::string const text = take("thinking");
      std::string const signature = take("signature");
      start();
      deltas("thinking_delta", "thinking", text, longest_delta);
      events_.push_back(delta_event(index_, "signature_delta", "signature", signature));
    } else if (type == "tool_use") {
      std::string const input = json::serialize(block_["input"]);
      block_["input"] = json::object();
      start();
      events_.push_back(delta_event(index_, "input_json_delta", "partial_json", ""));
      if (input != "{}")
        deltas("input_json_delta", "partial_json", input, longest_input_delta);
    } else {
      std::string const text = take("text");
      start();
      if (repeat) {
        events_.push_back(delta_event(index_, "text_delta", "text", text));
        events_.back().times = *repeat;
      } else {
        deltas("text_delta", "text", text, longest_delta);
      }
    }
    json::object data;
    data.emplace("index", index_);
    events_.push_back(make_event("content_block_stop", std::move(data)));
  }

private:
  std::string take(std::string_view field) {
    std::string const value(find_string(block_, field));
    block_[field] = "";
    return value;
  }

  void start() {
    json::object data;
    data.emplace("index", index_);
    data.emplace("content_block", block_);
    events_.push_back(make_event("content_block_start", std::move(data)));
    if (index_ == 0) // where the API sends its first
      events_.push_back(ping());
  }

  void deltas(std::string_view type, std::string_view field, std::string_view text, std::size_t longest) {
    while (!text.empty()) {
      std::size_t const size = delta_size(text, longest);
      events_.push_back(delta_event(index_, type, field, text.substr(0, size)));
      text.remove_prefix(size);
    }
  }

  std::vector<stream_event>& events_;
  std::size_t index_;
  json::object block_;
};

} // namespace

std::vector<stream_event> answer_events(answer const& made) {
  std::vector<stream_event> events{message_start(made)};
  for (std::size_t i = 0; i < made.content.size(); ++i)
    block_writer(events, i, made.content[i].get_object()).write(made.repeat);
  json::object delta;
  delta.emplace("stop_reason", made.stop_reason);
  delta.emplace("stop_sequence", nullptr);
  json::object usage;
  usage.emplace("output_tokens", output_tokens(made));
  json::object data;
  data.emplace("delta", std::move(delta));
  data.emplace("usage", std::move(usage));
  events.push_back(make_event("message_delta", std::move(data)));
  events.push_back(make_event("message_stop", json::object()));
  return events;
}

std::vector<stream_event> ping_events(answer const& made) {
  std::vector<stream_event> events{message_start(made), ping()};
  events.back().times = std::numeric_limits<std::uint64_t>::max();
  return events;
}

void cut_events(std::vector<stream_event>& events, std::uint64_t count) {
  for (auto& event : events) {
    event.times = std::min(event.times, count);
    count -= event.times;
  }
}

stream_event error_event(std::string_view type, std::string_view message) {
  json::object inner;
  inner.emplace("type", json::string_view(type));
  inner.emplace("message", json::string_view(message));
  json::object data;
  data.emplace("error", std::move(inner));
  return make_event("error", std::move(data));
}

} // namespace claudio::testing
