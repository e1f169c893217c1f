#pragma once

#include "core/translate/context.hpp"
#include "core/translate/request_fields.hpp"
#include "core/translate/schema_cost.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace claudio {

/// What a request says of the use of its tools.
enum class tool_use : std::uint8_t {
  automatic,
  any,   ///< some tool has to be called
  named, ///< a certain tool has to be called
  none
};

/// The tools of a request, and how they are to be used.
class toolset {
public:
  explicit toolset(translation_context& context) : context_(context), tools_(context.storage) {}

  /// Reads `tools`, or `functions`; takes `tool_choice`, `function_call`, `parallel_tool_calls`, `web_search_options`.
  void read(request_fields const& request);

  /// The tool by which an older model answers in a schema (translation.md, `response_format`): called instead of, or
  /// beside, the others. False when the choice of tools leaves no room for it.
  bool add_answer_tool(boost::json::object&& tool, std::string name);
  /// Definitions of tools that only the conversation knows; Claude refuses calls without any.
  void add_missing(std::vector<std::string> const& called);
  /// Has the arguments of the tools that ask for it held to their schemas, as far as the API enforces these. Where all
  /// of them are beyond the limits of a request, as few as needed give it up, the costliest first.
  /// @param answer what the schema of the answer costs already
  void settle_strictness(schema_cost const& answer);
  /// Citations of Anthropic's tools can't stand in an answer that is held to a schema.
  void drop_citations();
  /// Gives up forcing a tool where the model refuses to be forced.
  void settle(bool thinks);

  bool empty() const noexcept { return tools_.empty(); }
  bool forces() const noexcept { return use_ == tool_use::any || use_ == tool_use::named; }
  std::size_t count_cache_breakpoints() const;
  /// Takes the first `excess` cache breakpoints away, and counts down by those.
  void drop_cache_breakpoints(std::size_t& excess);
  /// Adds `tools` and `tool_choice` to a Messages request.
  void write(boost::json::object& out);

private:
  void read_list(boost::json::array& list);
  void read_functions(boost::json::array& list);
  void read_function(boost::json::object& function, json_path const& path, boost::json::object* tool,
                     json_path const& tool_path);
  void read_extensions(boost::json::object& from, json_path const& path, boost::json::object& made, bool inside);
  void lose_unknown_fields(boost::json::object& tool, json_path const& path);
  void read_native(boost::json::object&& tool, json_path const& path);
  void add(boost::json::object&& tool, std::string_view wire_name, json_path const& path);
  void read_web_search(boost::json::value& options);
  void read_choice(boost::json::value& choice);
  void read_choice_word(std::string_view word, json_path const& path);
  void choose(std::string_view name, json_path const& path);
  void allow_only(boost::json::object& allowed, json_path const& path);
  void read_parallel(boost::json::value const& parallel);

  translation_context& context_;
  boost::json::array tools_;
  std::vector<std::string> names_; // as sent, beside tools_
  boost::unordered_flat_map<std::string, std::size_t, text_hash, std::equal_to<>> place_of_;
  tool_use use_ = tool_use::automatic;
  bool said_ = false; // use_ was said by the request
  std::string chosen_;
  std::vector<std::pair<std::string, std::string>> strict_wishes_; // names as sent, and where in the request
  bool one_at_a_time_ = false;
};

} // namespace claudio
