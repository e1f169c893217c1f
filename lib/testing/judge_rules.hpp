#pragma once

#include <claudio/models.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What the parts of the judge share.
namespace claudio::testing {

/// Why a request is refused.
class refusal {
public:
  refusal(std::string m, int s) : status(s), message(std::move(m)) {}

  int status;
  std::string message;
};
using verdict = std::optional<refusal>;

inline refusal refuse(std::string message, int status = 400) { return refusal(std::move(message), status); }

/// `messages.3`
inline std::string indexed(std::string_view path, std::size_t index) {
  return std::string(path) + "." + std::to_string(index);
}

/// The definitions in `tools` and the `tool_choice`.
verdict check_tools(boost::json::object const& body, model_capabilities const& model);

/// A `tool_use` or `tool_result` block by itself.
verdict check_tool_block(boost::json::object const& block, std::string_view role, std::string const& path);

/// Calls and results belong together. The messages' form was checked before.
verdict check_tool_turns(boost::json::array const& messages);

/// The answer to a request that was found valid: a thought, a forced tool's call, or an echo.
reply answer_unscripted(boost::json::object const& body, model_capabilities const& model);

} // namespace claudio::testing
