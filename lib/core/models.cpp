#include "core/json_access.hpp"

#include <claudio/models.hpp>

#include <algorithm>
#include <array>

namespace claudio {
namespace {

constexpr std::int64_t thousand = 1000;

// The families, oldest first: each says how it differs from the one before it.

model_capabilities claude_2(std::int64_t context_tokens) {
  model_capabilities c;
  c.context_tokens = context_tokens;
  c.lifecycle = model_lifecycle::retired;
  c.user_turn_first = true;
  return c;
}

model_capabilities claude_3(std::int64_t max_output_tokens) {
  model_capabilities c;
  c.max_output_tokens = max_output_tokens;
  c.lifecycle = model_lifecycle::retired;
  c.user_turn_first = true;
  return c;
}

model_capabilities claude_3_7() {
  model_capabilities c = claude_3(64 * thousand);
  c.budget_thinking = true;
  return c;
}

model_capabilities claude_4(std::int64_t max_output_tokens) {
  model_capabilities c = claude_3_7();
  c.max_output_tokens = max_output_tokens;
  c.user_turn_first = false;
  return c;
}

model_capabilities opus_4_1() {
  model_capabilities c = claude_4(32 * thousand);
  c.sampling = sampling_support::exclusive;
  return c;
}

model_capabilities claude_4_5() {
  model_capabilities c;
  c.max_output_tokens = 64 * thousand;
  c.sampling = sampling_support::exclusive;
  c.budget_thinking = true;
  c.native_output_format = true;
  return c;
}

model_capabilities opus_4_5() {
  model_capabilities c = claude_4_5();
  c.lifecycle = model_lifecycle::deprecated;
  c.effort = true;
  return c;
}

model_capabilities sonnet_4_5() {
  model_capabilities c = claude_4_5();
  c.lifecycle = model_lifecycle::deprecated;
  return c;
}

model_capabilities claude_4_6() {
  model_capabilities c = opus_4_5();
  c.lifecycle = model_lifecycle::active;
  c.max_output_tokens = 128 * thousand;
  c.context_tokens = 1000 * thousand;
  c.adaptive_thinking = true;
  c.max_effort = true;
  c.prefill = false;
  return c;
}

model_capabilities opus_4_7() {
  model_capabilities c = claude_4_6();
  c.sampling = sampling_support::none;
  c.budget_thinking = false;
  c.thinking_text_by_default = false;
  c.xhigh_effort = true;
  return c;
}

model_capabilities opus_4_8() {
  model_capabilities c = opus_4_7();
  c.mid_conversation_system = true;
  return c;
}

model_capabilities sonnet_5() {
  model_capabilities c = opus_4_7();
  c.thinking_by_default = true;
  return c;
}

model_capabilities opus_5() {
  model_capabilities c = opus_4_8();
  c.thinking_by_default = true;
  c.high_effort_needs_thinking = true;
  return c;
}

model_capabilities fable_5() {
  model_capabilities c = sonnet_5();
  c.disabling_thinking = false;
  return c;
}

model_capabilities fable_5_1() {
  model_capabilities c = fable_5();
  c.forced_tool_choice = false;
  return c;
}

model_capabilities haiku_5_5() {
  model_capabilities c = sonnet_5();
  c.high_effort_needs_thinking = true;
  return c;
}

model_capabilities opus_5_5() { return fable_5_1(); }

model_capabilities sonnet_5_5() {
  model_capabilities c = opus_5_5();
  c.between_tools_thinking = true;
  c.high_effort_needs_thinking = true;
  return c;
}

model_capabilities mythos_preview() {
  model_capabilities c = fable_5();
  c.lifecycle = model_lifecycle::deprecated;
  return c;
}

auto const& catalogue() {
  static std::array<catalogue_entry, 35> const rows{{
      {"claude-fable-5-2", fable_5_1(), ""},
      {"claude-mythos-5-2", fable_5_1(), ""},
      {"claude-haiku-5-5", haiku_5_5(), ""},
      {"claude-sonnet-5-5", sonnet_5_5(), ""},
      {"claude-opus-5-5", opus_5_5(), ""},
      {"claude-fable-5-1", fable_5_1(), ""},
      {"claude-mythos-5-1", fable_5_1(), ""},
      {"claude-opus-5", opus_5(), ""},
      {"claude-sonnet-5", sonnet_5(), ""},
      {"claude-fable-5", fable_5(), ""},
      {"claude-mythos-5", fable_5(), ""},
      {"claude-opus-4-8", opus_4_8(), ""},
      {"claude-opus-4-7", opus_4_7(), ""},
      {"claude-mythos-preview", mythos_preview(), "2026-06-30"},
      {"claude-opus-4-6", claude_4_6(), ""},
      {"claude-sonnet-4-6", claude_4_6(), ""},
      {"claude-haiku-4-5", claude_4_5(), ""},
      {"claude-haiku-4-5-20251001", claude_4_5(), ""},
      {"claude-opus-4-5", opus_4_5(), "2027-01-22"},
      {"claude-opus-4-5-20251101", opus_4_5(), "2027-01-22"},
      {"claude-sonnet-4-5", sonnet_4_5(), "2026-11-30"},
      {"claude-sonnet-4-5-20250929", sonnet_4_5(), "2026-11-30"},
      {"claude-opus-4-1-20250805", opus_4_1(), "2026-08-05"},
      {"claude-opus-4-20250514", claude_4(32 * thousand), "2026-06-15"},
      {"claude-sonnet-4-20250514", claude_4(64 * thousand), "2026-06-15"},
      {"claude-3-7-sonnet-20250219", claude_3_7(), "2026-02-19"},
      {"claude-3-5-sonnet-20241022", claude_3(8192), "2025-10-28"},
      {"claude-3-5-haiku-20241022", claude_3(8192), "2026-02-19"},
      {"claude-3-opus-20240229", claude_3(4096), "2026-01-05"},
      {"claude-3-sonnet-20240229", claude_3(4096), "2025-07-21"},
      {"claude-3-haiku-20240307", claude_3(4096), "2026-04-20"},
      {"claude-2.1", claude_2(200 * thousand), "2025-07-21"},
      {"claude-2.0", claude_2(100 * thousand), "2025-07-21"},
      {"claude-instant-1.2", claude_2(100 * thousand), "2024-11-06"},
      {"claude-1.3", claude_2(100 * thousand), "2024-11-06"},
  }};
  return rows;
}

error wrong_capability(std::string_view name, std::string const& expected, boost::json::value const& value) {
  error_details details;
  details.param = std::string(name);
  details.message = "expected " + expected + ", got " + describe_value(value);
  return error(errc::configuration, 0, std::move(details));
}

struct flag_member {
  std::string_view name;
  bool model_capabilities::*member;
};

constexpr std::array<flag_member, 15> flag_members{{
    {"budget_thinking", &model_capabilities::budget_thinking},
    {"adaptive_thinking", &model_capabilities::adaptive_thinking},
    {"disabling_thinking", &model_capabilities::disabling_thinking},
    {"between_tools_thinking", &model_capabilities::between_tools_thinking},
    {"thinking_by_default", &model_capabilities::thinking_by_default},
    {"thinking_text_by_default", &model_capabilities::thinking_text_by_default},
    {"forced_tool_choice", &model_capabilities::forced_tool_choice},
    {"prefill", &model_capabilities::prefill},
    {"native_output_format", &model_capabilities::native_output_format},
    {"effort", &model_capabilities::effort},
    {"xhigh_effort", &model_capabilities::xhigh_effort},
    {"max_effort", &model_capabilities::max_effort},
    {"high_effort_needs_thinking", &model_capabilities::high_effort_needs_thinking},
    {"user_turn_first", &model_capabilities::user_turn_first},
    {"mid_conversation_system", &model_capabilities::mid_conversation_system},
}};

template <class Enumeration>
struct named_value {
  std::string_view name;
  Enumeration value;
};

constexpr std::array<named_value<model_lifecycle>, 3> lifecycle_names{{{"active", model_lifecycle::active},
                                                                       {"deprecated", model_lifecycle::deprecated},
                                                                       {"retired", model_lifecycle::retired}}};

constexpr std::array<named_value<sampling_support>, 3> sampling_names{
    {{"none", sampling_support::none},
     {"exclusive", sampling_support::exclusive},
     {"unrestricted", sampling_support::unrestricted}}};

template <class Enumeration, std::size_t N>
bool assign_named(Enumeration& target, std::array<named_value<Enumeration>, N> const& names,
                  boost::json::value const& value) {
  auto const* text = value.if_string();
  if (!text)
    return false;
  for (auto const& known : names)
    if (known.name == std::string_view(*text)) {
      target = known.value;
      return true;
    }
  return false;
}

bool assign_count(std::int64_t& target, boost::json::value const& value) {
  auto const count = to_integer(value);
  if (!count || *count < 1)
    return false;
  target = *count;
  return true;
}

} // namespace

std::span<catalogue_entry const> model_catalogue() noexcept { return catalogue(); }

std::optional<model_capabilities> find_model(std::string_view name) noexcept {
  for (auto const& entry : catalogue())
    if (entry.name == name)
      return entry.capabilities;
  return std::nullopt;
}

model_capabilities capabilities_of(std::string_view name) noexcept {
  if (auto const* const known = find_catalogue_entry(name))
    return known->capabilities;
  if (name.starts_with("claude-"))
    return catalogue().front().capabilities;
  return model_capabilities();
}

result<model_capabilities> override_capabilities(model_capabilities base, boost::json::object const& overrides) {
  for (auto const& [key, value] : overrides) {
    std::string_view const name = key;
    auto const* const flag = std::find_if(flag_members.begin(), flag_members.end(),
                                          [&](flag_member const& known) { return known.name == name; });
    if (flag != flag_members.end()) {
      if (!value.is_bool())
        return wrong_capability(name, "true or false", value);
      base.*(flag->member) = value.get_bool();
    } else if (name == "max_output_tokens") {
      if (!assign_count(base.max_output_tokens, value))
        return wrong_capability(name, "an integer ≥ 1", value);
    } else if (name == "context_tokens") {
      if (!assign_count(base.context_tokens, value))
        return wrong_capability(name, "an integer ≥ 1", value);
    } else if (name == "lifecycle") {
      if (!assign_named(base.lifecycle, lifecycle_names, value))
        return wrong_capability(name, "\"active\", \"deprecated\" or \"retired\"", value);
    } else if (name == "sampling") {
      if (!assign_named(base.sampling, sampling_names, value))
        return wrong_capability(name, "\"none\", \"exclusive\" or \"unrestricted\"", value);
    } else {
      error_details details;
      details.param = std::string(name);
      details.message = "unknown field";
      return error(errc::configuration, 0, std::move(details));
    }
  }
  return base;
}

} // namespace claudio
