#pragma once

#include <claudio/sse.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>
#include <string_view>

/// What OpenAI's clients make of a stream of chunks.
namespace claudio::test {

class merged_chunks {
public:
  explicit merged_chunks(std::string_view events) {
    sse_parser parser;
    parser.feed(events);
    while (auto const event = parser.next()) {
      done = event->data == "[DONE]";
      boost::system::error_code failure;
      auto const chunk = boost::json::parse(event->data, failure);
      if (!failure && chunk.as_object().contains("choices"))
        take(chunk.as_object());
    }
  }

  boost::json::object message;
  boost::json::object first; ///< chunk
  boost::json::object last;  ///< with a finish_reason
  std::string fault;         ///< where a client fails, or loses something
  bool done = false;

  /// What the chunks leave out or say otherwise than the whole answer; empty: nothing.
  std::string compare(boost::json::object const& response) const {
    if (!fault.empty())
      return fault;
    auto const& choice = response.at("choices").at(0).as_object();
    auto const whole = comparable(choice.at("message").as_object());
    auto const merged = comparable(message);
    if (whole != merged)
      return boost::json::serialize(merged) + " is not " + boost::json::serialize(whole);
    if (last.empty() || last.at("choices").at(0).at("finish_reason") != choice.at("finish_reason"))
      return "another finish_reason";
    for (auto const* field : {"anthropic", "service_tier"})
      if (member(last, field) != member(response, field))
        return "another " + std::string(field) + ": " + boost::json::serialize(member(last, field));
    for (auto const* field : {"id", "model", "created"})
      if (member(first, field) != member(response, field))
        return "another " + std::string(field);
    return {};
  }

private:
  static boost::json::value member(boost::json::object const& object, std::string_view name) {
    auto const* found = object.if_contains(name);
    return found ? *found : boost::json::value();
  }

  // Without what is empty, and arguments as what they are JSON of: they may be spelled otherwise.
  static boost::json::object comparable(boost::json::object const& message) {
    boost::json::object kept;
    for (auto const& [key, value] : message)
      if (!value.is_null() && value != "" && !(value.is_array() && value.get_array().empty()))
        kept.emplace(key, value);
    if (auto* calls = kept.if_contains("tool_calls")) {
      for (auto& call : calls->as_array()) {
        call.as_object().erase("index");
        parse_arguments(call.as_object()["function"].as_object());
      }
      // Chunks number them as they start, which may be in another order.
      std::sort(calls->as_array().begin(), calls->as_array().end(),
                [](auto const& a, auto const& b) { return a.at("id").as_string() < b.at("id").as_string(); });
    }
    if (auto* call = kept.if_contains("function_call"))
      parse_arguments(call->as_object());
    return kept;
  }

  // Arguments that were cut off are a text in the whole answer.
  static void parse_arguments(boost::json::object& function) {
    boost::system::error_code failure;
    auto parsed = boost::json::parse(function.at("arguments").as_string(), failure);
    if (!failure)
      function["arguments"] = std::move(parsed);
  }

  void take(boost::json::object const& chunk) {
    if (first.empty())
      first = chunk;
    if (chunk.contains("system_fingerprint"))
      fault = "a system_fingerprint";
    auto const& choices = chunk.at("choices").as_array();
    if (choices.empty())
      return;
    if (!last.empty() && fault.empty())
      fault = "more after the finish: " + boost::json::serialize(chunk);
    auto const& choice = choices[0].as_object();
    merge(message, choice.at("delta").as_object());
    if (!choice.at("finish_reason").is_null())
      last = chunk;
  }

  // openai-python, accumulate_delta(). openai-node puts members that it does not know in the place of those before.
  void merge(boost::json::object& to, boost::json::object const& delta) {
    for (auto const& [key, value] : delta) {
      auto& known = to[key];
      if (known.is_null() || key == "index" || key == "type")
        known = value;
      else if (known.is_string() && value.is_string())
        known.as_string().append(value.as_string());
      else if (known.is_object() && value.is_object())
        merge(known.as_object(), value.as_object());
      else if (known.is_array() && value.is_array())
        merge(key, known.as_array(), value.as_array());
    }
  }

  void merge(std::string_view key, boost::json::array& to, boost::json::array const& more) {
    for (auto const& entry : more) {
      auto const* object = entry.if_object();
      auto const* index = object ? object->if_contains("index") : nullptr;
      if (!index || key != "tool_calls") {
        fault = std::string(key) + " comes twice";
        return;
      }
      auto const place = index->to_number<std::size_t>();
      if (place < to.size())
        merge(to[place].as_object(), *object);
      else
        to.emplace_back(entry);
    }
  }
};

} // namespace claudio::test
