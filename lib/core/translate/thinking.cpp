#include "core/translate/thinking.hpp"

#include "core/json_access.hpp"

#include <array>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::int64_t least_budget = 1024; // Messages API, thinking.budget_tokens
constexpr std::int64_t usual_budget = 4096;

// What an effort is worth to models that think by a budget.
struct effort_budget {
  std::string_view effort;
  std::int64_t tokens;
};
constexpr std::array<effort_budget, 6> efforts{
    {{"minimal", 1024}, {"low", 1024}, {"medium", usual_budget}, {"high", 8192}, {"xhigh", 16384}, {"max", 32768}}};

effort_budget const* find_effort(std::string_view name) {
  for (auto const& known : efforts)
    if (known.effort == name)
      return &known;
  return nullptr;
}

bool is_above_high(std::string_view effort) { return effort == "xhigh" || effort == "max"; }

} // namespace

void thinking_plan::read(request_fields const& request) {
  if (auto* config = request[request_field::output_config]) {
    if (auto* object = config->if_object())
      output_config_ = std::move(*object);
    else
      context_.report.reject(json_path("output_config"), "expected an object, got " + describe_value(*config));
    effort_ = find_string(output_config_, "effort");
    effort_is_native_ = !effort_.empty();
    output_config_.stable_erase("effort");
  }
  // The most particular of them decides.
  if (auto* thinking = request[request_field::thinking])
    read_thinking(*thinking);
  else if (auto* reasoning = request[request_field::reasoning])
    read_reasoning(*reasoning);
  else if (auto* effort = request[request_field::reasoning_effort])
    read_effort(*effort, json_path("reasoning_effort"));
}

void thinking_plan::read_effort(json::value& effort, json_path const& path) {
  path_ = path;
  auto const* word = effort.if_string();
  if (word && *word == "none")
    kind_ = kind::disabled;
  else if (word && find_effort(*word))
    ask_for(*word);
  else
    context_.report.reject(path, "expected \"none\", \"minimal\", \"low\", \"medium\", \"high\", \"xhigh\" or \"max\"");
}

void thinking_plan::ask_for(std::string_view effort) {
  kind_ = context_.model().adaptive_thinking ? kind::adaptive : kind::budget;
  effort_ = effort == "minimal" ? std::string_view("low") : effort;
  effort_is_native_ = false;
  budget_ = find_effort(effort)->tokens;
  if (!context_.model().thinking_text_by_default)
    display_ = "summarized";
}

// The form of OpenRouter.
void thinking_plan::read_reasoning(json::value& value) {
  path_ = json_path("reasoning");
  auto* reasoning = value.if_object();
  if (!reasoning) {
    context_.report.reject(path_, "expected an object, got " + describe_value(value));
    return;
  }
  auto const* enabled = find_given(*reasoning, "enabled");
  if (auto* effort = find_given(*reasoning, "effort")) {
    static json_path const parent("reasoning");
    read_effort(*effort, json_path(parent, "effort"));
  } else if (auto const* tokens = find_given(*reasoning, "max_tokens")) {
    static json_path const parent("reasoning");
    json_path const tokens_path(parent, "max_tokens");
    auto const budget = to_integer(*tokens);
    if (!budget || *budget < least_budget) {
      context_.report.reject(tokens_path, "expected an integer ≥ 1024, got " + describe_value(*tokens));
      return;
    }
    ask_for("medium");
    path_ = tokens_path;
    budget_ = *budget;
    effort_.clear();
    if (context_.model().budget_thinking)
      kind_ = kind::budget;
    else if (context_.model().adaptive_thinking)
      context_.report.lose(tokens_path, context_.quoted_model() + " decides itself how much it thinks");
  } else if (enabled && *enabled == true) {
    ask_for("medium");
  }
  if (enabled && *enabled == false)
    kind_ = kind::disabled;
  if (auto const* exclude = find_given(*reasoning, "exclude"); exclude && *exclude == true) {
    context_.answer.hide_reasoning = true;
    display_.clear();
  }
}

void thinking_plan::read_thinking(json::value& value) {
  auto* thinking = value.if_object();
  if (!thinking) {
    context_.report.reject(path_, "expected an object, got " + describe_value(value));
    return;
  }
  auto const type = find_string(*thinking, "type");
  if (type == "enabled") {
    kind_ = kind::budget;
    static json_path const parent("thinking");
    auto const* tokens = find_given(*thinking, "budget_tokens");
    auto const budget = tokens ? to_integer(*tokens) : std::nullopt;
    if (!budget || *budget < least_budget)
      context_.report.reject(json_path(parent, "budget_tokens"), "expected an integer ≥ 1024");
    else
      budget_ = *budget;
  } else if (type == "adaptive") {
    kind_ = kind::adaptive;
    auto const* known = find_effort(effort_);
    budget_ = known ? known->tokens : usual_budget;
  } else if (type == "disabled") {
    kind_ = kind::disabled;
  } else if (type == "between_tools") {
    kind_ = kind::between_tools;
  } else {
    static json_path const parent("thinking");
    context_.report.reject(json_path(parent, "type"),
                           "expected \"enabled\", \"adaptive\", \"disabled\" or \"between_tools\"");
  }
  display_ = find_string(*thinking, "display");
  for (auto& [key, member] : *thinking)
    if (key != "type" && key != "budget_tokens" && key != "display")
      native_.emplace(key, std::move(member));
}

void thinking_plan::settle(std::int64_t max_tokens) {
  settle_kind(max_tokens);
  settle_effort();
}

void thinking_plan::settle_kind(std::int64_t max_tokens) {
  auto const& model = context_.model();
  if (kind_ == kind::budget && !model.budget_thinking) {
    if (model.adaptive_thinking)
      context_.report.lose(path_, context_.quoted_model() + " decides itself how much it thinks",
                           "the budget was left out");
    else
      context_.report.lose(path_, context_.quoted_model() + " does not think");
    kind_ = model.adaptive_thinking ? kind::adaptive : kind::unsaid;
  } else if (kind_ == kind::adaptive && !model.adaptive_thinking) {
    if (!model.budget_thinking)
      context_.report.lose(path_, context_.quoted_model() + " does not think");
    else
      context_.report.note(path_, context_.quoted_model() + " thinks by a budget: given " + std::to_string(budget_) +
                                      " tokens");
    kind_ = model.budget_thinking ? kind::budget : kind::unsaid;
  } else if (kind_ == kind::between_tools && !model.between_tools_thinking) {
    context_.report.lose(path_, context_.quoted_model() + " can't think between tools only");
    kind_ = kind::unsaid;
  } else if (kind_ == kind::disabled && !model.thinking_by_default) {
    kind_ = kind::unsaid;
  } else if (kind_ == kind::disabled && !model.disabling_thinking) {
    if (model.between_tools_thinking) {
      context_.report.note(path_, context_.quoted_model() + " can't but think between tools");
      kind_ = kind::between_tools;
    } else {
      context_.report.lose(path_, context_.quoted_model() + " can't but think", "asked for little of it");
      kind_ = kind::unsaid;
      effort_ = "low";
    }
  }
  if (kind_ == kind::budget && budget_ >= max_tokens) {
    budget_ = max_tokens - 1;
    if (budget_ < least_budget) {
      context_.report.lose(path_, "max_tokens leaves no room for the least budget of 1024 tokens");
      kind_ = kind::unsaid;
    }
  }
}

void thinking_plan::settle_effort() {
  auto const& model = context_.model();
  static json_path const parent("output_config");
  json_path const path = effort_is_native_ ? json_path(parent, "effort") : path_;
  // A budget that was made of an effort says it already.
  if (!model.effort || (kind_ == kind::budget && !effort_is_native_)) {
    if (effort_is_native_)
      context_.report.lose(path, context_.quoted_model() + " has no choice of effort");
    effort_.clear();
    return;
  }
  std::string const asked = effort_;
  if (effort_ == "max" && !model.max_effort)
    effort_ = "xhigh";
  if (effort_ == "xhigh" && !model.xhigh_effort)
    effort_ = "high";
  bool const quiet = kind_ == kind::disabled || kind_ == kind::between_tools;
  if (quiet && model.high_effort_needs_thinking && is_above_high(effort_))
    effort_ = "high";
  if (effort_ != asked)
    context_.report.note(path, "\"" + asked + "\" was lowered to \"" + effort_ + "\", the most that " +
                                   context_.quoted_model() + " takes here");
}

void thinking_plan::drop_budget() {
  context_.report.lose(path_, "the last tool calls of the messages come without the thinking before them");
  kind_ = kind::unsaid;
}

void thinking_plan::write(json::object& out) {
  constexpr std::array<std::string_view, 5> names{"", "disabled", "between_tools", "adaptive", "enabled"};
  if (kind_ != kind::unsaid) {
    auto thinking = context_.make_object(3);
    thinking.emplace("type", json::string_view(names[static_cast<std::size_t>(kind_)]));
    if (kind_ == kind::budget)
      thinking.emplace("budget_tokens", budget_);
    if (thinks() && !display_.empty())
      thinking.emplace("display", display_);
    for (auto& [key, member] : native_)
      thinking.emplace(key, std::move(member));
    out.emplace("thinking", std::move(thinking));
  }
  if (!effort_.empty())
    output_config_.emplace("effort", effort_);
  if (!output_config_.empty())
    out.emplace("output_config", std::move(output_config_));
}

} // namespace claudio
