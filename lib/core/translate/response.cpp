#include "core/json_access.hpp"
#include "core/translate/answer_parts.hpp"
#include "core/translate/block_types.hpp"
#include "core/translate/translation.hpp"
#include "core/utf8.hpp"

#include <boost/json/serialize.hpp>

#include <cstddef>
#include <set>
#include <utility>

namespace claudio {
namespace json = boost::json;

namespace {

// An answer could have any number of types, of any length.
constexpr std::size_t most_unknown_types = 20;
constexpr std::size_t longest_type = 100;

class answer_translation {
public:
  answer_translation(json::object&& answer, answer_context const& context, std::vector<std::string>& warnings)
      : answer_(std::move(answer)), storage_(answer_.storage()), context_(context), warnings_(warnings),
        text_(storage_), reasoning_(storage_), thinking_(storage_), calls_(storage_), function_call_(storage_),
        annotations_(storage_), verbatim_(storage_), characters_(count_characters(context_.prefill)) {}

  json::object run(std::chrono::system_clock::time_point created) {
    if (auto* content = answer_.if_contains("content"); content && content->is_array()) {
      auto& blocks = content->get_array();
      if (needs_content_blocks(answer_))
        verbatim_ = blocks;
      for (auto& block : blocks)
        if (auto* object = block.if_object())
          read_block(*object);
    }
    json::object out(storage_);
    out.reserve(10);
    out.emplace("id", json::string_view(find_string(answer_, "id")));
    out.emplace("object", "chat.completion");
    out.emplace("created", std::chrono::duration_cast<std::chrono::seconds>(created.time_since_epoch()).count());
    out.emplace("model", json::string_view(find_string(answer_, "model")));
    json::array choices(storage_);
    choices.emplace_back(make_choice());
    out.emplace("choices", std::move(choices));
    json::object const none;
    auto const* usage = find_object(answer_, "usage");
    out.emplace("usage", to_openai_usage(usage ? *usage : none));
    if (auto const tier = to_openai_tier(answer_); !tier.empty())
      out.emplace("service_tier", json::string_view(tier));
    if (auto extension = anthropic_extension(answer_); !extension.empty())
      out.emplace("anthropic", std::move(extension));
    return out;
  }

private:
  void read_block(json::object& block) {
    auto const type = find_string(block, "type");
    if (type == "text")
      read_text(block);
    else if (type == "tool_use")
      read_call(block);
    else if (is_thinking(type))
      read_thinking(block);
    else if (!is_server_block(type))
      warn_of_unknown(shortened(type, longest_type));
  }

  void warn_of_unknown(std::string_view type) {
    if (unknown_.size() < most_unknown_types && unknown_.emplace(type).second)
      warnings_.push_back("the answer has blocks of the unknown type \"" + std::string(type) +
                          "\"; they stand in content_blocks");
  }

  void read_text(json::object& block) {
    auto* text = block.if_contains("text");
    if (!text || !text->is_string())
      return;
    bool const cited = block.contains("citations") && find_array(block, "citations");
    auto const begin = characters_;
    characters_ += count_characters(text->get_string());
    if (!has_text_)
      text_ = std::move(text->get_string());
    else
      text_.append(text->get_string());
    has_text_ = true;
    if (cited)
      add_annotations(block, begin, characters_, annotations_);
  }

  void read_thinking(json::object& block) {
    reasoning_.append(find_string(block, "thinking"));
    thinking_.emplace_back(std::move(block));
  }

  void read_call(json::object& block) {
    auto const* input = block.if_contains("input");
    auto const arguments = input && !input->is_null() ? json::serialize(*input) : std::string("{}");
    auto const name = find_string(block, "name");
    if (!context_.json_tool.empty() && name == context_.json_tool) {
      text_.append(arguments);
      characters_ += count_characters(arguments);
      has_text_ = true;
      return;
    }
    json::object function(storage_);
    function.emplace("name", json::string_view(original_tool_name(context_, name)));
    function.emplace("arguments", arguments);
    if (context_.function_call) {
      if (function_call_.empty())
        function_call_ = std::move(function);
      else if (!std::exchange(more_calls_, true))
        warnings_.push_back("the answer calls more than one function; function_call holds the first");
      return;
    }
    json::object call(storage_);
    call.emplace("id", json::string_view(find_string(block, "id")));
    call.emplace("type", "function");
    call.emplace("function", std::move(function));
    calls_.emplace_back(std::move(call));
  }

  json::object make_choice() {
    bool const calls_tools = !calls_.empty() || !function_call_.empty();
    auto const stop_reason = find_string(answer_, "stop_reason");
    auto finish = to_finish_reason(stop_reason, calls_tools);
    if (finish == "tool_calls" && context_.function_call)
      finish = "function_call";
    if (finish == "length" && calls_tools)
      warnings_.push_back("the answer was cut off: the arguments of its last tool call may not be whole");
    json::object choice(storage_);
    choice.emplace("index", 0);
    choice.emplace("message", make_message());
    choice.emplace("logprobs", nullptr);
    choice.emplace("finish_reason", json::string_view(finish));
    return choice;
  }

  json::object make_message() {
    json::object reply(storage_);
    reply.reserve(10);
    reply.emplace("role", "assistant");
    if (!context_.prefill.empty() && has_text_)
      text_.insert(0, context_.prefill);
    reply.emplace("content", has_text_ ? json::value(std::move(text_)) : json::value(nullptr, storage_));
    reply.emplace("refusal", to_refusal(answer_));
    if (!annotations_.empty())
      reply.emplace("annotations", std::move(annotations_));
    if (!calls_.empty())
      reply.emplace("tool_calls", std::move(calls_));
    if (!function_call_.empty())
      reply.emplace("function_call", std::move(function_call_));
    if (!reasoning_.empty() && !context_.hide_reasoning)
      reply.emplace("reasoning_content", std::move(reasoning_));
    if (!thinking_.empty())
      reply.emplace("thinking_blocks", std::move(thinking_));
    if (!verbatim_.empty())
      reply.emplace("content_blocks", std::move(verbatim_));
    return reply;
  }

  json::object answer_;
  json::storage_ptr storage_; // all that is made lies beside the answer, whose parts are moved
  answer_context const& context_;
  std::vector<std::string>& warnings_;
  std::set<std::string, std::less<>> unknown_;
  json::string text_;
  bool has_text_ = false;
  json::string reasoning_;
  json::array thinking_;
  json::array calls_;
  json::object function_call_;
  json::array annotations_;
  json::array verbatim_;
  std::size_t characters_; // of the text, with what it was begun with
  bool more_calls_ = false;
};

} // namespace

json::object translate_answer(json::object&& answer, answer_context const& context,
                              std::chrono::system_clock::time_point created, std::vector<std::string>& warnings) {
  return answer_translation(std::move(answer), context, warnings).run(created);
}

chat_response to_openai(message answer, answer_context const& context, std::chrono::system_clock::time_point created,
                        std::vector<std::string> warnings) {
  auto info = answer.shared_info();
  auto response = translate_answer(std::move(answer).json(), context, created, warnings);
  return chat_response(std::move(response), std::move(info), std::move(warnings));
}

} // namespace claudio
