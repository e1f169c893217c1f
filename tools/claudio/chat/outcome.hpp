#pragma once

#include <claudio/chat.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace claudio::tool {

/// Why an answer is not all that was asked for.
class incomplete_answer {
public:
  incomplete_answer() = default;

  std::string reason;  ///< a sentence for people
  bool is_kept = true; ///< whether the conversation can go on from it; a refused one is to be left out
};

/// Nothing: the answer is complete.
std::optional<incomplete_answer> find_incomplete(chat_response const& response);

/// "claude-sonnet-4-6: 12 tokens in (10 cached), 34 out, $0.000123, 1.2 s".
std::string describe_usage(chat_response const& response);

/// "1.2 s", "350 ms".
std::string describe_time(std::chrono::nanoseconds time);

} // namespace claudio::tool
