#pragma once

#include <claudio/error.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

enum class model_lifecycle : std::uint8_t {
  active,
  deprecated, ///< answers still, with a date of retirement
  retired     ///< Anthropic's own API refuses it; mirrors and other hosts may serve it
};

enum class sampling_support : std::uint8_t {
  none,        ///< temperature, top_p and top_k are refused
  exclusive,   ///< temperature or top_p, not both
  unrestricted ///< all of them together
};

/// What a model accepts. Translation reads every restriction from here and nowhere else.
/// Source: Anthropic's model pages and the error rules of API version 2023-06-01, as of November 2026.
class model_capabilities {
public:
  model_capabilities() = default;

  std::int64_t max_output_tokens = 4096; ///< upper bound of `max_tokens`
  std::int64_t context_tokens = 200'000; ///< size of the context window
  model_lifecycle lifecycle = model_lifecycle::active;
  sampling_support sampling = sampling_support::unrestricted;
  bool budget_thinking = false;            ///< `thinking: {type: "enabled", budget_tokens}`
  bool adaptive_thinking = false;          ///< `thinking: {type: "adaptive"}`
  bool disabling_thinking = true;          ///< `thinking: {type: "disabled"}`
  bool between_tools_thinking = false;     ///< `thinking: {type: "between_tools"}`
  bool thinking_by_default = false;        ///< thinks when the request says nothing
  bool thinking_text_by_default = true;    ///< shows what it thought without `display: "summarized"`
  bool forced_tool_choice = true;          ///< `tool_choice` of type `any` or `tool`
  bool prefill = true;                     ///< a final assistant message
  bool native_output_format = false;       ///< `output_config.format`
  bool effort = false;                     ///< `output_config.effort`: low, medium, high
  bool xhigh_effort = false;               ///< effort `xhigh`
  bool max_effort = false;                 ///< effort `max`
  bool high_effort_needs_thinking = false; ///< effort above `high` is refused while thinking is disabled
  bool user_turn_first = false;            ///< a conversation has to begin with a user's turn
  bool mid_conversation_system = false;    ///< role `system` inside `messages`
};

/// One row of the catalogue.
class catalogue_entry {
public:
  std::string_view name;
  model_capabilities capabilities;
  std::string_view end_of_life; ///< the day on which the API ends or ended it, "2027-01-22"; empty: none is announced
};

/// All models known by name, newest first. Valid for the life of the program.
std::span<catalogue_entry const> model_catalogue() noexcept;

/// The catalogue's row of exactly this name, or nothing.
std::optional<model_capabilities> find_model(std::string_view name) noexcept;

/// The row that a name means: the one of exactly this name, else the newest of the same model. An alias ends in
/// "-latest", has no date, another one, or "-0" in place of it. Null: the catalogue has no such model.
catalogue_entry const* find_catalogue_entry(std::string_view name) noexcept;

/// What to assume of a model: that of its row, by any alias, else the newest Claude's for names that begin with
/// "claude-", else what every model accepted from the beginning.
model_capabilities capabilities_of(std::string_view name) noexcept;

/// The newest active model of the same line (Opus, Sonnet, Haiku, Mythos, Fable), which is to be used in place of one
/// that is deprecated or retired. For models older than these lines it is a Sonnet.
std::string_view successor_of(std::string_view name) noexcept;

/// What a caller should know of a model's name, as one sentence without a full stop: that the model is retired or
/// deprecated, and what to use in its place; or that the catalogue does not have it, and what it may be a misspelling
/// of. Empty: there is nothing to say.
std::string model_advice(std::string_view name);

/// Overrides `base` by the members of `overrides`, which are named like those of `model_capabilities`
/// (`lifecycle` and `sampling` by their enumerator's name).
/// Errors: `errc::configuration`, with the member at fault in `param()`.
result<model_capabilities> override_capabilities(model_capabilities base, boost::json::object const& overrides);

/// The name among `names` that `name` is most likely a misspelling of, if any is near.
std::optional<std::string> nearest_name(std::string_view name, std::vector<std::string> const& names);

} // namespace claudio
