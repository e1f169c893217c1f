#pragma once

#include <claudio/chat.hpp>
#include <claudio/message.hpp>

#include <boost/json/parse.hpp>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// What the requests of a benchmark are built from, call by call.
class conversation {
public:
  /// About 1 KB, in three turns.
  conversation()
      : model("claude-sonnet-4-6"), system(filler("You are a careful support engineer. ", 300)),
        turns{{"user", filler("The nightly backup fails with \"connection reset by peer\". ", 250)},
              {"assistant", filler("Does it always come after the same time? ", 150)},
              {"user", filler("Always after 40 minutes;\nhere is the log. ", 200)}} {}

  /// From a file: {"model", "system", "turns": [{"role", "content"}, …]}.
  explicit conversation(std::string const& path) {
    std::ifstream file(path);
    if (!file)
      throw std::runtime_error("can't read " + path);
    auto const json = boost::json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    model = text(json.at("model"));
    system = text(json.at("system"));
    for (auto const& turn : json.at("turns").as_array())
      turns.emplace_back(text(turn.at("role")), text(turn.at("content")));
  }

  claudio::message_request native(long call) const {
    claudio::message_request request;
    request.model(model).max_tokens(1024).set("temperature", 0.7).system(system);
    for (auto const& [role, content] : turns)
      role == "user" ? request.user(content) : request.assistant(content);
    boost::json::object metadata;
    metadata["user_id"] = "user-" + std::to_string(call);
    request.set("metadata", std::move(metadata));
    return request;
  }

  claudio::chat_request openai(long call) const {
    claudio::chat_request request;
    request.model(model).max_tokens(1024).temperature(0.7).system(system);
    for (auto const& [role, content] : turns)
      role == "user" ? request.user(content) : request.assistant(content);
    request.set("user", boost::json::string("user-" + std::to_string(call)));
    return request;
  }

  std::string model;
  std::string system;
  std::vector<std::pair<std::string, std::string>> turns;

private:
  static std::string text(boost::json::value const& value) { return std::string(std::string_view(value.as_string())); }
  static std::string filler(std::string_view sentence, std::size_t size) {
    std::string filled;
    while (filled.size() < size)
      filled += sentence;
    return filled;
  }
};

} // namespace bench
