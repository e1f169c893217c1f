#include "runtime/chat_translation.hpp"

#include "call/endpoint.hpp"
#include "core/json_access.hpp"
#include "core/saturating_time.hpp"
#include "observe/loggers.hpp"
#include "policy/answer_time.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>

namespace claudio {
namespace {

void log_translated(translated_request const& translated) {
  auto const& json = translated.request.json();
  auto const count = [&](std::string_view field) {
    auto const* const found = find_array(json, field);
    return found ? found->size() : 0;
  };
  translate_log().debug("translated model={} messages={} tools={} warnings={}", find_string(json, "model"),
                        count("messages"), count("tools"), translated.warnings.size());
  if (logs_content())
    translate_log().debug("request model={} anthropic={}", find_string(json, "model"), boost::json::serialize(json));
}

std::string seconds_text(std::chrono::milliseconds time) { return std::to_string((time.count() + 500) / 1000) + " s"; }

} // namespace

result<translated_request> translate(chat_request request, translation_target const& target, call_options& options) {
  translation_target own;
  bool const differs = (options.translation && *options.translation != target.mode) ||
                       (options.system_messages && *options.system_messages != target.system_messages);
  if (differs) {
    own = target;
    own.mode = options.translation.value_or(target.mode);
    own.system_messages = options.system_messages.value_or(target.system_messages);
  }
  bool const logs = translate_log().debugs();
  if (logs && logs_content())
    translate_log().debug("request model={} openai={}", target.model, boost::json::serialize(request.json()));
  auto translated = to_anthropic(std::move(request), differs ? own : target);
  if (!translated) {
    translate_log().debug("refused model={} field={}", target.model, translated.error().param());
    return translated;
  }
  if (logs)
    log_translated(*translated);
  // A warning may quote the request, its field may not.
  for (auto const& warning : translated->warnings)
    translate_log().debug("changed_or_left_out model={} field={}", target.model, warning.substr(0, warning.find(": ")));
  if (!translated->betas.empty()) {
    std::string names;
    for (auto const& beta : translated->betas)
      names += (names.empty() ? "" : ",") + beta;
    options.headers.emplace_back("anthropic-beta", std::move(names));
  }
  return translated;
}

time_limits limits_of(client const& endpoint, call_options const& options) {
  if (options.limits)
    return *options.limits;
  auto const& state = detail::endpoint::of(endpoint);
  return state ? state->options.limits : time_limits();
}

void warn_of_length(client const& endpoint, call_options const& options, translated_request& translated) {
  auto const tokens = find_integer(translated.request.json(), "max_tokens");
  if (!tokens)
    return;
  auto const limits = limits_of(endpoint, options);
  answer_limit limit;
  limit.add(limits.total, "timeout_ms.total");
  limit.add(limits.first_byte, "timeout_ms.first_byte");
  if (options.deadline)
    limit.add(std::chrono::ceil<std::chrono::milliseconds>(
                  saturating_difference(*options.deadline, std::chrono::steady_clock::now())),
              "the call's deadline");
  auto const needed = answer_time(*tokens);
  if (needed <= limit.time)
    return;
  translated.warnings.push_back("max_tokens: an answer of " + std::to_string(*tokens) + " tokens takes about " +
                                seconds_text(needed) + ", and " + std::string(limit.name) + " allows " +
                                seconds_text(limit.time) + "; stream it, ask for fewer, or allow more time");
  translate_log().debug("answer_too_long max_tokens={} limit={}", *tokens, limit.name);
}

} // namespace claudio
