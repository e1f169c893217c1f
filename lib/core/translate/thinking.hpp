#pragma once

#include "core/translate/context.hpp"
#include "core/translate/request_fields.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace claudio {

/// Whether and how much a model is to think: `reasoning_effort`, `reasoning`, `thinking` and `output_config` of a
/// request, made into what the model takes.
class thinking_plan {
public:
  explicit thinking_plan(translation_context& context)
      : context_(context), native_(context.storage), output_config_(context.storage) {}

  void read(request_fields const& request);
  /// Makes the plan one that the model accepts.
  void settle(std::int64_t max_tokens);
  /// Gives up thinking by a budget where the last tool calls of the conversation come without the thinking before them.
  void drop_budget();

  /// Whether the request asks for thinking, not whether the model does so by itself.
  bool thinks() const noexcept { return kind_ == kind::budget || kind_ == kind::adaptive; }
  bool by_budget() const noexcept { return kind_ == kind::budget; }

  /// The rest of `output_config`, for `format`.
  boost::json::object& output_config() noexcept { return output_config_; }
  /// Adds `thinking` and `output_config` to a Messages request.
  void write(boost::json::object& out);

private:
  enum class kind : std::uint8_t { unsaid, disabled, between_tools, adaptive, budget };

  void read_effort(boost::json::value& effort, json_path const& path);
  void read_reasoning(boost::json::value& reasoning);
  void read_thinking(boost::json::value& thinking);
  void ask_for(std::string_view effort);
  void settle_kind(std::int64_t max_tokens);
  void settle_effort();

  translation_context& context_;
  json_path path_{"thinking"}; // of the field that said it
  kind kind_ = kind::unsaid;
  std::int64_t budget_ = 0;
  std::string effort_;
  bool effort_is_native_ = false; // said in output_config
  std::string display_;
  boost::json::object native_; // further members of `thinking`
  boost::json::object output_config_;
};

} // namespace claudio
