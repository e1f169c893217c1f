#include "async/on_home.hpp"
#include "core/credential_header.hpp"
#include "core/json_access.hpp"
#include "net/call_progress.hpp"
#include "observe/loggers.hpp"
#include "policy/answer_time.hpp"
#include "runtime/chat_stream.hpp"
#include "runtime/client_state.hpp"
#include "runtime/model_state.hpp"

#include <claudio/model.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace claudio {
namespace asio = boost::asio;

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

// Translates by the call's options, and puts the betas that the request needs into the call's headers.
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
  auto const& state = detail::client_state::of(endpoint);
  return state ? state->options.limits : time_limits();
}

std::string seconds_text(std::chrono::milliseconds time) { return std::to_string((time.count() + 500) / 1000) + " s"; }

// A whole answer of that length would come after the call's time is up: nothing of it would arrive.
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

// A call that translation refused never comes to its client, which tells of all others.
asio::awaitable<void> tell_refusal(fallback_route const& route, error failure, bool streams,
                                   call_options const& options) {
  auto const& state = detail::client_state::of(route.endpoint);
  if (!state)
    co_return;
  auto work = detail::client_state::tell_refusal(state, route.target.model, failure, streams, options.observer);
  auto telling = on_home<void>(state->home, std::move(work));
  co_await std::move(telling);
}

error streams_only() {
  error_details details;
  details.message = "stream: invoke() gives one whole answer; remove the field, or call stream()";
  details.param = "stream";
  details.type = "invalid_request_error";
  return error(errc::transformation, 0, std::move(details));
}

error no_route(model_routes const* routes) {
  return routes
             ? *routes->fault
             : error(errc::configuration, "an empty claudio::model; get one from model_manager::get_model_instance()");
}

asio::awaitable<result<boost::json::object>> unsupported(std::string message) {
  co_return error(errc::unsupported, std::move(message));
}

// One call on its way from the model through its fallbacks.
class chat_call {
public:
  // Both stay where they are: in the model, and in the frame of the call.
  chat_call(std::vector<fallback_route> const& routes, call_options& options)
      : routes_(routes), route_(&routes.front()), options_(options) {}

  // Translates for the model itself.
  result<void> begin(chat_request request, bool streams) {
    // A default is room, not a wish.
    warns_of_length_ =
        !streams && (find_value(request.json(), "max_tokens") || find_value(request.json(), "max_completion_tokens"));
    if (routes_.size() > 1)
      reserve_ = std::make_unique<reserve>(request, options_, limits_of(route_->endpoint, options_).total);
    return prepare(std::move(request));
  }

  client const& endpoint() const noexcept { return route_->endpoint; }
  // These two are to be taken once for each model.
  message_request take_request() noexcept { return std::move(translated_.request); }
  call_options take_options() noexcept { return std::move(options_); }

  // Turns to the next model that stands in for a failure of this kind and takes the request, if time is left.
  bool fall_back(error const& failure) {
    failure_ = failure;
    if (!reserve_)
      return false;
    given_up_ = route_;
    reserve_->info = account_with(failure.info());
    reserve_->failed.emplace_back(route_->target.model, failure);
    // One whose caller named no trace stays in one all the same.
    if (auto const& span = failure.info().trace; span && !span->parent.valid())
      reserve_->options.trace = span->context;
    for (++route_; route_ != routes_.data() + routes_.size(); ++route_) {
      if (std::find(route_->on.begin(), route_->on.end(), failure.code()) == route_->on.end())
        continue;
      options_ = reserve_->options;
      keep_back_credentials();
      if (!limit_time())
        break;
      chat_request request = reserve_->request;
      if (!request.model().empty())
        request.model(route_->target.model);
      if (auto const prepared = prepare(std::move(request)); !prepared) {
        call_log().debug("fallback_refused model={} field={}", route_->target.model, prepared.error().param());
        continue;
      }
      ++reserve_->info.fallbacks;
      return true;
    }
    return false;
  }

  // Of what `fall_back()` has decided.
  asio::awaitable<void> tell_fallback() const {
    auto const& state = detail::client_state::of(given_up_->endpoint);
    if (!state)
      co_return;
    auto work = detail::client_state::tell_fallback(state, given_up_->target.model, route_->target.model, failure_,
                                                    options_.observer);
    auto telling = on_home<void>(state->home, std::move(work));
    co_await std::move(telling);
  }

  // The last model's failure, as that of the whole call.
  error failure() const {
    if (!reserve_ || reserve_->info.fallbacks == 0)
      return failure_;
    std::string note;
    for (auto failed = reserve_->failed.begin(); failed + 1 != reserve_->failed.end(); ++failed)
      note += (note.empty() ? "before it, " : ", ") + failed->first + " failed with " + failed->second.summary();
    return failure_.with_note(note).with_info(reserve_->info);
  }

  error cancelled() const {
    error const failure(errc::cancelled, "the caller cancelled");
    return reserve_ ? failure.with_info(reserve_->info) : failure;
  }

  chat_response finish(message answer) {
    if (reserve_)
      answer.info(account_with(answer.info()));
    return to_openai(std::move(answer), translated_.answer, std::chrono::system_clock::now(), warnings());
  }

  chat_stream finish(message_stream events) {
    return make_chat_stream(std::move(events), std::move(translated_.answer), warnings(),
                            reserve_ ? reserve_->info : call_info::none());
  }

private:
  // What only a call with fallbacks needs.
  class reserve {
  public:
    reserve(chat_request asked, call_options given, std::chrono::milliseconds total)
        : request(std::move(asked)), options(std::move(given)),
          deadline(options.deadline.value_or(std::chrono::steady_clock::time_point::max())) {
      if (total.count() > 0)
        deadline = std::min(deadline, saturating_add(std::chrono::steady_clock::now(), total));
    }

    chat_request request;
    call_options options;
    std::chrono::steady_clock::time_point deadline; // of the answer, or of a stream's first event
    call_info info;                                 // of the models that have failed
    std::vector<std::pair<std::string, error>> failed;
  };

  result<void> prepare(chat_request request) {
    auto translated = translate(std::move(request), route_->target, options_);
    if (!translated)
      return translated.error();
    if (warns_of_length_)
      warn_of_length(route_->endpoint, options_, *translated);
    translated_ = std::move(*translated);
    return {};
  }

  // The caller gave them for the model's own provider: to another one they would be disclosed.
  void keep_back_credentials() {
    if (detail::client_state::of(route_->endpoint) == detail::client_state::of(routes_.front().endpoint))
      return;
    auto const kept = std::erase_if(options_.headers,
                                    [](auto const& header) { return carries_credential(header.first, header.second); });
    if (kept > 0)
      call_log().debug("credentials_kept_back model={} headers={}", route_->target.model, kept);
  }

  // By the total, since a deadline would bind all of a stream.
  bool limit_time() {
    if (reserve_->deadline == std::chrono::steady_clock::time_point::max())
      return true;
    auto const left = std::chrono::floor<std::chrono::milliseconds>(
        saturating_difference(reserve_->deadline, std::chrono::steady_clock::now()));
    auto limits = limits_of(route_->endpoint, options_);
    limits.total = limits.total.count() > 0 ? std::min(limits.total, left) : left;
    options_.limits = limits;
    return left.count() > 0;
  }

  call_info account_with(call_info info) const {
    info.add(reserve_->info);
    return info;
  }

  std::vector<std::string> warnings() {
    if (reserve_)
      for (auto const& [model, failure] : reserve_->failed)
        translated_.warnings.push_back(
            model + " failed with " + std::string(to_string(failure.code())) +
            (failure.http_status() == 0 ? std::string() : " (HTTP " + std::to_string(failure.http_status()) + ")") +
            ": " + route_->target.model + " answered instead");
    return std::move(translated_.warnings);
  }

  std::vector<fallback_route> const& routes_;
  fallback_route const* route_;
  fallback_route const* given_up_ = nullptr; // the last one before it
  call_options& options_;
  translated_request translated_;
  std::unique_ptr<reserve> reserve_;
  error failure_;
  bool warns_of_length_ = false;
};

} // namespace

model::model(client endpoint, translation_target target, std::vector<fallback_route> fallbacks)
    : model(make_state(std::move(endpoint), std::move(target), std::move(fallbacks))) {}

std::shared_ptr<model::state> model::make_state(client endpoint, translation_target target,
                                                std::vector<fallback_route> fallbacks) {
  auto const routes = std::make_shared<model_routes>();
  auto name = target.model;
  fallback_route first;
  first.endpoint = std::move(endpoint);
  first.target = std::move(target);
  routes->all.push_back(std::move(first));
  routes->all.insert(routes->all.end(), std::make_move_iterator(fallbacks.begin()),
                     std::make_move_iterator(fallbacks.end()));
  return std::make_shared<state>(std::move(name), routes);
}

std::shared_ptr<model_routes const> model::routes() const { return state_ ? state_->routes() : nullptr; }

asio::awaitable<result<chat_response>> model::invoke(chat_request request, call_options options) const {
  return run(routes(), std::move(request), std::move(options));
}

// Translation runs on the caller's executor, so that callers on many threads share its cost.
asio::awaitable<result<chat_response>> model::run(std::shared_ptr<model_routes const> routes, chat_request request,
                                                  call_options options) {
  if (!routes || routes->fault)
    co_return no_route(routes.get());
  auto const* stream = request.json().if_contains("stream");
  bool const is_stream = stream && *stream == true;
  chat_call call(routes->all, options);
  auto const begun = is_stream ? result<void>(streams_only()) : call.begin(std::move(request), false);
  try {
    if (!begun) {
      auto telling = tell_refusal(routes->all.front(), begun.error(), false, options);
      co_await std::move(telling);
      co_return begun.error();
    }
    while (true) {
      auto creating = call.endpoint().create(call.take_request(), call.take_options());
      auto answer = co_await std::move(creating);
      if (answer)
        co_return call.finish(std::move(*answer));
      if (!call.fall_back(answer.error()))
        co_return call.failure();
      auto telling = call.tell_fallback();
      co_await std::move(telling);
    }
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return call.cancelled();
}

asio::awaitable<result<chat_stream>> model::stream(chat_request request, call_options options) const {
  return run_stream(routes(), std::move(request), std::move(options));
}

asio::awaitable<result<chat_stream>> model::run_stream(std::shared_ptr<model_routes const> routes, chat_request request,
                                                       call_options options) {
  if (!routes || routes->fault)
    co_return no_route(routes.get());
  request.set("stream", true);
  chat_call call(routes->all, options);
  auto const begun = call.begin(std::move(request), true);
  try {
    if (!begun) {
      auto telling = tell_refusal(routes->all.front(), begun.error(), true, options);
      co_await std::move(telling);
      co_return begun.error();
    }
    while (true) {
      auto opening = call.endpoint().stream(call.take_request(), call.take_options());
      auto events = co_await std::move(opening);
      if (events)
        co_return call.finish(std::move(*events));
      if (!call.fall_back(events.error()))
        co_return call.failure();
      auto telling = call.tell_fallback();
      co_await std::move(telling);
    }
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return call.cancelled();
}

asio::awaitable<result<boost::json::object>> model::embed(boost::json::object) const {
  return unsupported("Anthropic offers no embeddings API; use another provider for embeddings");
}

asio::awaitable<result<boost::json::object>> model::rerank(boost::json::object) const {
  return unsupported("Anthropic offers no reranking API; use another provider for reranking");
}

std::string const& model::name() const noexcept {
  static auto const* const none = new std::string;
  return state_ ? state_->name : *none;
}

client model::endpoint() const {
  auto const current = routes();
  return current && !current->fault ? current->all.front().endpoint : client();
}

} // namespace claudio
