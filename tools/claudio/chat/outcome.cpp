#include "outcome.hpp"

#include "core/json_access.hpp"

#include <cstdio>

namespace claudio::tool {
namespace json = boost::json;

namespace {

// Anthropic's own word for the end, where OpenAI's does not tell it.
std::string_view stop_reason_of(chat_response const& response) {
  auto const* const extension = find_object(response.json(), "anthropic");
  return extension ? find_string(*extension, "stop_reason") : std::string_view();
}

} // namespace

std::optional<incomplete_answer> find_incomplete(chat_response const& response) {
  auto const stop = stop_reason_of(response);
  auto const finish = response.finish_reason();
  incomplete_answer found;
  if (stop == "model_context_window_exceeded") {
    found.reason = "the answer was cut off: the model's context window is full";
  } else if (finish == "length") {
    found.reason = "the answer was cut off after " + std::to_string(response.usage().completion_tokens) +
                   " tokens, the most it may have; --max-tokens sets another limit";
  } else if (finish == "content_filter") {
    auto const message = response.message();
    auto const refusal = find_string(message, "refusal");
    found.reason =
        refusal.empty() ? std::string("the answer was filtered") : "the answer was refused: " + std::string(refusal);
    found.is_kept = false;
  } else if (stop == "pause_turn") {
    found.reason = "the model has paused, and the answer is not complete";
  } else if (finish == "tool_calls" || finish == "function_call") {
    found.reason = "the model asks for a tool, and the answer is not complete";
  } else if (!stop.empty() && stop != "stop_sequence") {
    found.reason = "the answer ended early: " + std::string(stop);
  } else {
    return std::nullopt;
  }
  return found;
}

std::string describe_time(std::chrono::nanoseconds time) {
  char text[32];
  if (time < std::chrono::seconds(1))
    std::snprintf(text, sizeof text, "%.0f ms", std::chrono::duration<double, std::milli>(time).count());
  else
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
  return text;
}

std::string describe_usage(chat_response const& response) {
  auto const usage = response.usage();
  auto const& info = response.info();
  std::string line(response.model());
  line += line.empty() ? "" : ": ";
  line += std::to_string(usage.prompt_tokens) + " tokens in";
  if (usage.cached_tokens > 0)
    line += " (" + std::to_string(usage.cached_tokens) + " cached)";
  line += ", " + std::to_string(usage.completion_tokens) + " out";
  line += info.cost ? ", " + to_string(*info.cost) : std::string(", cost unknown");
  return line + ", " + describe_time(info.total);
}

} // namespace claudio::tool
