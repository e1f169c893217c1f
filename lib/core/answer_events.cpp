#include "core/answer_events.hpp"

#include "core/json_access.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <string_view>
#include <utility>

namespace claudio {
namespace json = boost::json;

namespace {

class event_writer {
public:
  void write(std::string_view type, json::object members = json::object()) {
    members["type"] = json::string_view(type);
    text_ += "data: " + json::serialize(members) + "\n\n";
  }

  void write_block(std::size_t index, json::value block) {
    auto* const object = block.if_object();
    auto const deltas = object ? take_deltas(*object) : json::array();
    json::object start;
    start.emplace("index", index);
    start.emplace("content_block", std::move(block));
    write("content_block_start", std::move(start));
    for (auto const& delta : deltas) {
      json::object members;
      members.emplace("index", index);
      members.emplace("delta", delta);
      write("content_block_delta", std::move(members));
    }
    json::object stop;
    stop.emplace("index", index);
    write("content_block_stop", std::move(stop));
  }

  std::string take() { return std::move(text_); }

private:
  // What the API leaves out of a block's start, and sends in deltas.
  static json::array take_deltas(json::object& block) {
    json::array deltas;
    auto const add = [&](std::string_view type, std::string_view member, json::value value) {
      json::object delta;
      delta.emplace("type", json::string_view(type));
      delta.emplace(member, std::move(value));
      deltas.emplace_back(std::move(delta));
    };
    auto const add_text = [&](std::string_view type, std::string_view member) {
      auto* const value = find_value(block, member);
      if (value && value->is_string())
        add(type, member, std::exchange(*value, json::value("")));
    };
    auto const type = std::string(find_string(block, "type"));
    if (type == "text") {
      add_text("text_delta", "text");
      if (auto* const citations = find_value(block, "citations"); citations && citations->is_array()) {
        auto const taken = std::exchange(*citations, json::array());
        for (auto const& citation : taken.get_array())
          add("citations_delta", "citation", citation);
      }
    } else if (type == "thinking") {
      add_text("thinking_delta", "thinking");
      add_text("signature_delta", "signature");
    } else if (type.ends_with("tool_use")) {
      if (auto* const input = find_value(block, "input"))
        add("input_json_delta", "partial_json", json::string(json::serialize(std::exchange(*input, json::object()))));
    }
    return deltas;
  }

  std::string text_;
};

} // namespace

std::string to_answer_events(json::object answer) {
  event_writer writer;
  auto content = std::exchange(answer["content"], json::array());
  json::object end;
  for (std::string_view const member : {"stop_reason", "stop_sequence"})
    if (auto* const value = find_value(answer, member))
      end.emplace(member, std::exchange(*value, nullptr));
  json::object start;
  start.emplace("message", std::move(answer));
  writer.write("message_start", std::move(start));
  if (auto* const blocks = content.if_array())
    for (std::size_t i = 0; i < blocks->size(); ++i)
      writer.write_block(i, std::move((*blocks)[i]));
  json::object delta;
  delta.emplace("delta", std::move(end));
  writer.write("message_delta", std::move(delta));
  writer.write("message_stop");
  return writer.take();
}

} // namespace claudio
