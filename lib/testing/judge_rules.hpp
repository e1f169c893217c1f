#pragma once

#include <claudio/models.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
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

template <std::size_t N>
bool is_among(std::array<std::string_view, N> const& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// API version 2026-10-21, migration page.
inline bool is_new_version(std::string_view version) { return version == "2026-10-21"; }

/// What the model takes of sampling, thinking, `output_config` and sizes.
verdict check_model_rules(boost::json::object const& body, std::string_view text, model_capabilities const& model,
                          std::string_view version);

/// A string or blocks of a message, or of `system`.
verdict check_content(boost::json::value const& content, std::string_view role, std::string_view version,
                      std::string const& path);

/// How assistant turns end. The messages' form was checked before.
verdict check_turns(boost::json::object const& body, boost::json::array const& messages,
                    model_capabilities const& model);

/// The cache breakpoints of a whole request.
verdict check_cache_control(boost::json::object const& body);

/// The definitions in `tools` and the `tool_choice`.
verdict check_tools(boost::json::object const& body, model_capabilities const& model);

/// A `tool_use` or `tool_result` block by itself.
verdict check_tool_block(boost::json::object const& block, std::string_view role, std::string const& path);

/// The schemas that answers and arguments are to be held to, one by one and all together. The form of the tools was
/// checked before.
verdict check_enforced_schemas(boost::json::object const& body);

/// Whether a value is a schema of JSON Schema draft 2020-12, as far as its commoner words go.
bool is_draft_2020(boost::json::value const& value);

/// Calls and results belong together. The messages' form was checked before.
verdict check_tool_turns(boost::json::array const& messages);

/// The answer to a `GET`.
reply answer_get(std::string_view path, std::string_view query);

/// The answer to a request that was found valid: a thought, a forced tool's call, an instance of the schema that is
/// asked for, or an echo.
reply answer_unscripted(boost::json::object const& body, model_capabilities const& model);

} // namespace claudio::testing
