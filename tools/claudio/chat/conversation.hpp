#pragma once

#include <claudio/chat.hpp>

#include <boost/json/array.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace claudio::tool {

/// What was said so far, and what each request says beside it.
class conversation {
public:
  conversation() = default;

  std::string model; ///< that is asked
  std::string system;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  boost::json::array messages;    ///< of turns that are complete: questions and answers
  boost::json::array attachments; ///< parts that the next question begins with

  /// The user's message: the attachments, and then the text, which may be empty when there are some.
  boost::json::object question(std::string_view text) const;
  /// All of it, with this question.
  chat_request request(boost::json::object const& question) const;
  /// Adds a turn that is complete; the attachments are part of it.
  void add(boost::json::object question, boost::json::array answer);
  void clear();

  /// For people: who said what, in Markdown.
  std::string transcript() const;
};

} // namespace claudio::tool
