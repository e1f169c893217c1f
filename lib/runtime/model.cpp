#include "core/json_access.hpp"
#include "observe/loggers.hpp"
#include "policy/answer_time.hpp"
#include "runtime/chat_stream.hpp"
#include "runtime/client_state.hpp"

#include <claudio/model.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>

namespace claudio {
namespace asio = boost::asio;

class model::state {
public:
  state(client e, translation_target t) : endpoint(std::move(e)), target(std::move(t)) {}

  client endpoint;
  translation_target target;
};

namespace {

// Translates by the call's mode, and puts the betas that the request needs into the call's headers.
result<translated_request> translate(chat_request request, translation_target const& target, call_options& options) {
  translation_target own;
  bool const differs = options.translation && *options.translation != target.mode;
  if (differs) {
    own = target;
    own.mode = *options.translation;
  }
  auto translated = to_anthropic(std::move(request), differs ? own : target);
  if (!translated) {
    translate_log().debug("request refused: {}", translated.error().param());
    return translated;
  }
  // A warning may quote the request, its field may not.
  for (auto const& warning : translated->warnings)
    translate_log().debug("changed or left out: {}", warning.substr(0, warning.find(": ")));
  if (!translated->betas.empty()) {
    std::string names;
    for (auto const& beta : translated->betas)
      names += (names.empty() ? "" : ",") + beta;
    options.headers.emplace_back("anthropic-beta", std::move(names));
  }
  return translated;
}

std::string seconds_text(std::chrono::milliseconds time) { return std::to_string((time.count() + 500) / 1000) + " s"; }

// A whole answer of that length would come after the call's time is up: nothing of it would arrive.
void warn_of_length(client const& endpoint, call_options const& options, translated_request& translated) {
  auto const tokens = find_integer(translated.request.json(), "max_tokens");
  auto const& state = detail::client_state::of(endpoint);
  if (!tokens || !state)
    return;
  auto const& limits = options.limits ? *options.limits : state->options.limits;
  answer_limit limit;
  limit.add(limits.total, "timeout_ms.total");
  limit.add(limits.first_byte, "timeout_ms.first_byte");
  if (options.deadline)
    limit.add(std::chrono::ceil<std::chrono::milliseconds>(*options.deadline - std::chrono::steady_clock::now()),
              "the call's deadline");
  auto const needed = answer_time(*tokens);
  if (needed <= limit.time)
    return;
  translated.warnings.push_back("max_tokens: an answer of " + std::to_string(*tokens) + " tokens takes about " +
                                seconds_text(needed) + ", and " + std::string(limit.name) + " allows " +
                                seconds_text(limit.time) + "; stream it, ask for fewer, or allow more time");
  translate_log().debug("an answer of max_tokens would come after {}", limit.name);
}

error streams_only() {
  error_details details;
  details.message = "stream: invoke() gives one whole answer; remove the field, or call stream()";
  details.param = "stream";
  details.type = "invalid_request_error";
  return error(errc::transformation, 0, std::move(details));
}

asio::awaitable<result<boost::json::object>> unsupported(std::string message) {
  co_return error(errc::unsupported, std::move(message));
}

} // namespace

model::model(client endpoint, translation_target target)
    : state_(std::make_shared<state const>(std::move(endpoint), std::move(target))) {}

asio::awaitable<result<chat_response>> model::invoke(chat_request request, call_options options) const {
  return run(state_, std::move(request), std::move(options));
}

// Translation runs on the caller's executor, so that callers on many threads share its cost.
asio::awaitable<result<chat_response>> model::run(std::shared_ptr<state const> state, chat_request request,
                                                  call_options options) {
  if (!state)
    co_return error(errc::configuration, "an empty claudio::model; get one from model_manager::get_model_instance()");
  auto const* stream = request.json().if_contains("stream");
  if (stream && *stream == true)
    co_return streams_only();
  bool const says_length =
      find_value(request.json(), "max_tokens") || find_value(request.json(), "max_completion_tokens");
  auto translated = translate(std::move(request), state->target, options);
  if (!translated)
    co_return translated.error();
  // A default is room, not a wish.
  if (says_length)
    warn_of_length(state->endpoint, options, *translated);
  try {
    auto creating = state->endpoint.create(std::move(translated->request), std::move(options));
    auto answer = co_await std::move(creating);
    if (!answer)
      co_return answer.error();
    co_return to_openai(std::move(*answer), translated->answer, std::chrono::system_clock::now(),
                        std::move(translated->warnings));
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return error(errc::cancelled, "the caller cancelled");
}

asio::awaitable<result<chat_stream>> model::stream(chat_request request, call_options options) const {
  return run_stream(state_, std::move(request), std::move(options));
}

asio::awaitable<result<chat_stream>> model::run_stream(std::shared_ptr<state const> state, chat_request request,
                                                       call_options options) {
  if (!state)
    co_return error(errc::configuration, "an empty claudio::model; get one from model_manager::get_model_instance()");
  request.set("stream", true);
  auto translated = translate(std::move(request), state->target, options);
  if (!translated)
    co_return translated.error();
  try {
    auto opening = state->endpoint.stream(std::move(translated->request), std::move(options));
    auto events = co_await std::move(opening);
    if (!events)
      co_return events.error();
    co_return make_chat_stream(std::move(*events), std::move(translated->answer), std::move(translated->warnings));
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return error(errc::cancelled, "the caller cancelled");
}

asio::awaitable<result<boost::json::object>> model::embed(boost::json::object) const {
  return unsupported("Anthropic offers no embeddings API; use another provider for embeddings");
}

asio::awaitable<result<boost::json::object>> model::rerank(boost::json::object) const {
  return unsupported("Anthropic offers no reranking API; use another provider for reranking");
}

std::string const& model::name() const noexcept {
  static std::string const none;
  return state_ ? state_->target.model : none;
}

client model::endpoint() const { return state_ ? state_->endpoint : client(); }

} // namespace claudio
