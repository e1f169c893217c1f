#pragma once

#include "core/event_json.hpp"
#include "core/message_accumulator.hpp"
#include "fuzz/fuzz_input.hpp"

#include <claudio/sse.hpp>
#include <claudio/stream_translator.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <vector>

/// Streams whose blocks interleave in any way, and what has to come of them: for a test and a fuzz target.
namespace claudio::test {

/// A stream of events made by a fuzzer's decisions, and the answer that it is.
class interleaved_stream {
public:
  explicit interleaved_stream(fuzz::fuzz_input& input) : input_(input) {
    if (input_.number() != 7)
      add(R"({"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[]}})");
    else
      fits = false;
    while (!input_.empty() && fits && !stopped_)
      step();
    if (stopped_ || input_.number() % 8 == 0) {
      fits = fits || text.empty(); // without any event none can be out of place
      return;
    }
    add(R"({"type":"message_delta","delta":{"stop_reason":"tool_use"}})");
    stop_message();
  }

  /// Whether the answer is complete: all events fit, and the last one is `message_stop`.
  bool complete() const { return fits && stopped_; }
  /// The content of the whole answer.
  boost::json::array content() const {
    auto blocks = blocks_;
    std::stable_sort(blocks.begin(), blocks.end(),
                     [](block const& one, block const& other) { return one.index < other.index; });
    boost::json::array content;
    for (auto const& one : blocks)
      content.emplace_back(one.json());
    return content;
  }

  std::string text;
  bool fits = true;

private:
  static constexpr std::size_t indexes = 5;
  static constexpr char const* types[] = {"text", "thinking", "tool_use", "server_tool_use", "novel"};

  struct block {
    std::size_t index;
    std::size_t type;
    std::size_t number;
    bool open = true;
    std::string said;

    bool is_tool() const { return type == 2 || type == 3; }
    // What the tool is called with, in all.
    std::string whole_input() const { return R"({"of":)" + std::to_string(number) + R"(,"deep":[1,{"a":"b"}]})"; }

    boost::json::object start() const {
      boost::json::object made;
      made.emplace("type", types[type]);
      if (type == 0 || type == 4)
        made.emplace("text", "");
      if (type == 1)
        made.emplace("thinking", "");
      if (is_tool()) {
        made.emplace("id", "t" + std::to_string(number));
        made.emplace("name", "f" + std::to_string(number));
        made.emplace("input", boost::json::object());
      }
      return made;
    }
    boost::json::object json() const {
      auto made = start();
      if (!is_tool())
        made[type == 1 ? "thinking" : "text"] = said;
      else if (said == whole_input())
        made["input"] = boost::json::parse(said);
      else if (!said.empty())
        made["input"] = said;
      return made;
    }
  };

  void add(std::string const& data) { text += "data: " + data + "\n\n"; }

  block* latest(std::size_t index) {
    auto const found =
        std::find_if(blocks_.rbegin(), blocks_.rend(), [&](block const& one) { return one.index == index; });
    return found == blocks_.rend() ? nullptr : &*found;
  }

  void step() {
    auto const choice = input_.number();
    auto const index = choice / 16 % indexes;
    auto* const of = latest(index);
    bool const is_open = of && of->open;
    switch (choice % 16) {
    case 0:
      text += "data:\n\n: comment\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n";
      break;
    case 1:
      if (input_.number() % 8 == 0)
        stop_message();
      break;
    case 2:
      if (input_.number() % 8 == 0 && !is_open)
        add_delta(index, "text_delta", "text", "x");
      else if (input_.number() % 8 == 0 && is_open && of->type != 0 && of->type != 4)
        add_delta(index, "text_delta", "text", "x");
      else
        break;
      fits = false;
      break;
    case 3:
    case 4:
      start(index);
      break;
    case 5:
    case 6:
      if (is_open || input_.number() % 16 == 0) {
        fits = is_open;
        if (is_open)
          of->open = false;
        add(R"({"type":"content_block_stop","index":)" + std::to_string(index) + "}");
      }
      break;
    default:
      if (is_open)
        say_more(*of);
      else
        start(index);
    }
  }

  void start(std::size_t index) {
    block started{index, input_.number() % std::size(types), blocks_.size(), true, {}};
    boost::json::object event;
    event.emplace("type", "content_block_start");
    event.emplace("index", index);
    event.emplace("content_block", started.start());
    add(boost::json::serialize(event));
    blocks_.push_back(std::move(started));
  }

  void say_more(block& of) {
    auto piece = std::to_string(of.number) + static_cast<char>('a' + input_.number() % 26);
    if (of.is_tool()) {
      auto const rest = of.whole_input().substr(of.said.size());
      // Whole, most of the time.
      auto const size = input_.number() % 4 == 0 ? rest.size() / 2 : rest.size();
      piece = rest.substr(0, size);
    }
    of.said += piece;
    if (of.is_tool())
      add_delta(of.index, "input_json_delta", "partial_json", piece);
    else
      add_delta(of.index, of.type == 1 ? "thinking_delta" : "text_delta", of.type == 1 ? "thinking" : "text", piece);
  }

  void add_delta(std::size_t index, char const* type, char const* member, std::string const& value) {
    boost::json::object delta;
    delta.emplace("type", type);
    delta.emplace(member, value);
    boost::json::object event;
    event.emplace("type", "content_block_delta");
    event.emplace("index", index);
    event.emplace("delta", std::move(delta));
    add(boost::json::serialize(event));
  }

  void stop_message() {
    stopped_ = fits;
    add(R"({"type":"message_stop"})");
  }

  fuzz::fuzz_input& input_;
  std::vector<block> blocks_;
  bool stopped_ = false;
};

/// What a client of OpenAI's API makes of a stream of chunks.
class collected_chunks {
public:
  explicit collected_chunks(std::string_view sse) {
    sse_parser parser;
    parser.feed(sse);
    while (auto const event = parser.next()) {
      last = event->data;
      if (event->data == "[DONE]")
        continue;
      auto const chunk = boost::json::parse(event->data).as_object();
      if (auto const* choices = chunk.if_contains("choices"); choices && !choices->as_array().empty())
        take(choices->as_array()[0].as_object());
    }
  }

  std::string content;
  std::string reasoning;
  std::string finish_reason;
  std::vector<std::string> calls; ///< id, name and arguments, sorted
  std::string last;
  boost::json::object lists; ///< thinking_blocks and content_blocks
  bool twice = false;        ///< one of them came twice

  /// The same of a whole response.
  static std::vector<std::string> calls_of(boost::json::array const& tool_calls) {
    std::vector<std::string> calls;
    for (auto const& value : tool_calls) {
      auto const& call = value.as_object();
      auto const& function = call.at("function").as_object();
      calls.push_back(describe(call.at("id").as_string(), function.at("name").as_string(),
                               std::string(function.at("arguments").as_string())));
    }
    std::sort(calls.begin(), calls.end());
    return calls;
  }
  void collect() {
    for (auto const& [index, call] : calls_)
      calls.push_back(describe(std::get<0>(call), std::get<1>(call), std::get<2>(call)));
    std::sort(calls.begin(), calls.end());
  }

private:
  // Arguments that were cut off are a text in the whole answer.
  static std::string describe(std::string_view id, std::string_view name, std::string arguments) {
    boost::system::error_code failure;
    auto const value = boost::json::parse(arguments, failure);
    if (!failure)
      arguments = value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
    return std::string(id) + " " + std::string(name) + " " + arguments;
  }

  void take(boost::json::object const& choice) {
    if (auto const* reason = choice.at("finish_reason").if_string())
      finish_reason += std::string_view(*reason);
    auto const& delta = choice.at("delta").as_object();
    if (auto const* more = delta.if_contains("content"))
      content += std::string_view(more->as_string());
    if (auto const* more = delta.if_contains("reasoning_content"))
      reasoning += std::string_view(more->as_string());
    for (auto const* list : {"thinking_blocks", "content_blocks"})
      if (auto const* given = delta.if_contains(list))
        twice = twice || !lists.emplace(list, *given).second;
    auto const* list = delta.if_contains("tool_calls");
    if (!list)
      return;
    auto const& call = list->as_array()[0].as_object();
    auto& known = calls_[call.at("index").to_number<std::size_t>()];
    auto const& function = call.at("function").as_object();
    if (auto const* id = call.if_contains("id"))
      std::get<0>(known) += std::string_view(id->as_string());
    if (auto const* name = function.if_contains("name"))
      std::get<1>(known) += std::string_view(name->as_string());
    std::get<2>(known) += std::string_view(function.at("arguments").as_string());
  }

  std::map<std::size_t, std::tuple<std::string, std::string, std::string>> calls_;
};

/// What is wrong with how such a stream is accumulated and translated; empty: nothing is. Text of blocks that
/// interleave comes in another order in chunks than in the answer.
inline std::string find_disagreement(interleaved_stream const& stream, std::size_t read_size) {
  message_accumulator accumulator;
  event_json event;
  sse_parser parser;
  parser.feed(stream.text);
  bool fits = true;
  while (auto const next = parser.next()) {
    if (next->data.empty())
      continue;
    if (!event.read(next->data))
      return "an event can't be read";
    fits = fits && accumulator.apply(event).has_value();
  }
  if (fits != stream.fits || accumulator.complete() != stream.complete())
    return "accumulated: the events fit, or do not";
  if (stream.complete() && accumulator.result().content() != stream.content())
    return "accumulated: " + boost::json::serialize(accumulator.result().content());

  stream_translator translator(answer_context(), {});
  std::string out;
  for (std::string_view rest = stream.text; !rest.empty(); rest.remove_prefix(std::min(read_size, rest.size())))
    translator.feed(rest.substr(0, read_size), out);
  translator.finish(out);
  collected_chunks chunks(out);
  chunks.collect();
  if ((chunks.last == "[DONE]") != stream.complete() || chunks.last.starts_with("{\"error\":") == stream.complete())
    return "translated: the end";
  if (!stream.complete())
    return {};
  auto const response = translator.response();
  auto const sorted = [](std::string_view text) {
    std::string bytes(text);
    std::sort(bytes.begin(), bytes.end());
    return bytes;
  };
  if (sorted(chunks.content) != sorted(response.text()))
    return "translated: the text " + chunks.content;
  auto const message = response.message();
  auto const* const reasoning = message.if_contains("reasoning_content");
  if (sorted(chunks.reasoning) != sorted(reasoning ? std::string_view(reasoning->as_string()) : std::string_view()))
    return "translated: the reasoning " + chunks.reasoning;
  for (auto const* list : {"thinking_blocks", "content_blocks"}) {
    auto const* const whole = message.if_contains(list);
    auto const* const sent = chunks.lists.if_contains(list);
    if (chunks.twice || (whole != nullptr) != (sent != nullptr) || (whole && *whole != *sent))
      return "translated: the " + std::string(list);
  }
  if (chunks.calls != collected_chunks::calls_of(response.tool_calls()))
    return "translated: the calls";
  if (chunks.finish_reason != response.finish_reason())
    return "translated: the finish_reason " + chunks.finish_reason;
  return {};
}

} // namespace claudio::test
