#pragma once

#include <claudio/translate.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

/// Translation between JSON objects. What it makes lies in the memory of what it is given, whose parts it moves.
namespace claudio {

/// A translated request, still in the memory of the one that it was made of.
class request_parts {
public:
  explicit request_parts(boost::json::object&& made) : request(std::move(made)) {}

  boost::json::object request;
  std::vector<std::string> warnings;
  std::vector<std::string> betas;
  answer_context answer;
};

result<request_parts> translate_request(boost::json::object&& request, translation_target const& target);

/// @param warnings the answer's own are added
boost::json::object translate_answer(boost::json::object&& answer, answer_context const& context,
                                     std::chrono::system_clock::time_point created, std::vector<std::string>& warnings);

} // namespace claudio
