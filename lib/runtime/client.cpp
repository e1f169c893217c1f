#include "async/on_home.hpp"
#include "core/credential_header.hpp"
#include "core/json_access.hpp"
#include "core/lower_case.hpp"
#include "core/redaction.hpp"
#include "core/response_error.hpp"
#include "core/sliced_json.hpp"
#include "net/response_parser.hpp"
#include "net/tls_context.hpp"
#include "observe/loggers.hpp"
#include "runtime/client_state.hpp"
#include "runtime/parse_in_slices.hpp"
#include "runtime/provider_check.hpp"
#include "runtime/side_by_side.hpp"

#include <claudio/client.hpp>

#include <boost/asio/strand.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {
namespace asio = boost::asio;

namespace {

using text_views = std::vector<std::string_view>;

constexpr std::size_t longest_id = 128;

// With and without its scheme.
void add_credential(std::string_view value, text_views& secrets) {
  secrets.push_back(value);
  if (auto const space = value.find(' '); space != std::string_view::npos)
    secrets.push_back(value.substr(space + 1));
}

bool is_key_header(std::pair<std::string, std::string> const& header) {
  auto const name = lower_case(header.first);
  return name == "x-api-key" || name == "authorization";
}

// A server may echo them.
std::vector<secret> credentials_of(header_list const& headers) {
  std::vector<secret> found;
  for (auto const& [name, value] : headers)
    if (carries_credential(name, value))
      found.push_back(secret::copy_of(value));
  return found;
}

// The API says of a model that it does not serve only its name.
error with_model_advice(error const& failure, std::string_view model) {
  if (failure.code() != errc::model_not_found || failure.http_status() != 404 || model.empty())
    return failure;
  auto const advice = model_advice(model);
  return advice.empty() ? failure : failure.with_note(advice);
}

error response_error(http_response const& response, text_views const& secrets) {
  auto facts = facts_of(response);
  auto const codings = response.headers.join("content-encoding");
  facts.content_encoding = codings;
  return make_response_error(facts, secrets, std::chrono::system_clock::now());
}

bool is_large_answer(http_response const& response) noexcept {
  return response.status == 200 && !response.headers.has_content_coding() && response.body.size() > sliced_json::small;
}

// What a server may echo must reach no log, trace or label, from a success as little as from an error.
std::string request_id(http_response const& response, text_views const& secrets) {
  return one_line(response.header("request-id"), secrets, longest_id);
}

// Whether a kept-alive session turned out to be dead: the request may then be sent once more.
bool has_died_idle(session_lease const& lease, result<http_response> const& response, call_progress& progress) {
  if (response || !lease.reused() || response.error().code() != errc::connect || !lease->may_replay())
    return false;
  net_log().debug("replayed call={}", progress.number);
  ++progress.info.replays;
  return true;
}

// How a session is spoken to: for a whole response, or for its head.
using speak_function = asio::awaitable<result<http_response>> (session::*)(request_pieces, call_progress&);

// The same request on a new session, in the place of one that has died.
asio::awaitable<result<http_response>> send_again(session_lease& lease, request_pieces request, speak_function speak,
                                                  call_progress& progress) {
  auto opening = lease.replace(progress);
  auto opened = co_await std::move(opening);
  if (!opened)
    co_return opened.error();
  auto speaking = (lease.operator->()->*speak)(request, progress);
  auto response = co_await std::move(speaking);
  co_return response;
}

// A call's own header by its name in lower case; null: it has none. Of several the last one is sent.
std::string const* find_header(header_list const& headers, std::string_view name) {
  auto const found = std::find_if(headers.rbegin(), headers.rend(),
                                  [&](auto const& header) { return lower_case(header.first) == name; });
  return found == headers.rend() ? nullptr : &found->second;
}

// W3C Trace Context 3.3: 512 characters have to be handed on; one that is malformed may be dropped, but is no error.
bool is_sendable_state(std::string_view tracestate) {
  return !tracestate.empty() && tracestate.size() <= 512 &&
         std::all_of(tracestate.begin(), tracestate.end(), [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
}

error refused() {
  return error(errc::shut_down, "the client has been drained and takes no new call; make a new client or manager");
}

template <class T>
asio::awaitable<result<T>> fail(error failure) {
  co_return failure;
}

// A server that can't stream answers whole.
bool has_stream(http_response const& response) {
  auto const type = lower_case(response.header("content-type"));
  return response.status == 200 && !response.headers.has_content_coding() &&
         (type.starts_with("text/event-stream") || type.starts_with("application/json"));
}

} // namespace

namespace detail {

result<client> client_state::make_client(asio::any_io_executor home, provider_options options, std::string_view target,
                                         trusted_authorities& authorities, std::string provider,
                                         std::shared_ptr<observer> users) {
  auto endpoint = check_provider(options);
  if (!endpoint)
    return endpoint.error();
  auto proxy = choose_proxy(options.proxy, *endpoint, [](char const* name) { return std::getenv(name); });
  if (!proxy)
    return proxy.error();
  if (*proxy)
    net_log().debug("proxy_chosen proxy=\"{}\" server={}", (*proxy)->description(), endpoint->authority);
  std::shared_ptr<tls_context> tls;
  if (endpoint->tls) {
    auto made = tls_context::make(options.ca_file, options.verify_tls, authorities);
    if (!made)
      return made.error();
    tls = std::move(*made);
  }
  endpoint_info about;
  about.provider = provider.empty() ? endpoint->authority : std::move(provider);
  about.server_address = endpoint->host;
  about.server_port = static_cast<std::uint16_t>(std::strtoul(endpoint->port.c_str(), nullptr, 10));
  auto observed = std::make_shared<observation const>(std::move(about), std::move(users));
  return client(std::make_shared<client_state>(std::move(home), std::move(*endpoint), std::move(*proxy), std::move(tls),
                                               std::move(options), target, std::move(observed)));
}

client_state::client_state(asio::any_io_executor executor, api_base base, std::optional<proxy_address> chosen,
                           std::shared_ptr<tls_context> tls, provider_options given, std::string_view target,
                           std::shared_ptr<observation const> observed_by)
    : home(std::move(executor)), credentials(credentials_of(given.headers)), options(std::move(given)),
      endpoint(std::move(base)), proxy(std::move(chosen)), observed(std::move(observed_by)),
      messages(endpoint, target, options, proxy),
      pool(std::make_shared<session_pool>(home, endpoint, proxy, std::move(tls), options.pool, observed,
                                          options.max_answer_bytes)),
      turns(std::make_shared<traffic>(home, options, observed)),
      budget(std::make_shared<retry_budget>(options.retry_budget_tokens, options.retry_budget_ratio,
                                            !options.pacing.enabled)),
      calls(std::make_shared<calls_in_flight>(home)) {
  for (auto& header : options.headers)
    wipe(header.second);
  options.headers.clear();
}

error client_state::cancelled(call_progress& progress) const {
  return failed(error(errc::cancelled, "the caller cancelled"), progress);
}

error client_state::failed(error const& failure, call_progress& progress) const {
  auto const last_word = progress.finish(pool->explain(failure));
  progress.observed.end(progress.info, &last_word, nullptr);
  return last_word;
}

error client_state::refuse(std::string const& body, call_options& call, call_progress& progress, bool streams) const {
  auto const wanted = demand_of(body, call);
  tell_begin(call, progress, traffic::model_of(wanted), streams);
  return failed(refused(), progress);
}

header_list const& client_state::tell_begin(call_options& call, call_progress& progress, std::string_view model,
                                            bool streams) const {
  observed_call begun;
  begun.number = progress.number;
  begun.model = model;
  begun.streams = streams;
  begun.begun = progress.begun();
  if (call.trace.valid() || observed->wants_traces(call.observer.get())) {
    auto const span = std::make_shared<trace_span>();
    auto const* const own = call.trace.valid() ? nullptr : find_header(call.headers, "traceparent");
    auto const named = own ? trace_context::parse(*own) : call.trace;
    if (named)
      span->parent = *named;
    span->context = span->parent.child();
    if (!own)
      call.headers.emplace_back("traceparent", span->context.to_string());
    if (call.trace.valid() && is_sendable_state(call.tracestate))
      call.headers.emplace_back("tracestate", call.tracestate);
    begun.trace = span.get();
    progress.info.trace = span;
  }
  progress.observed.begin(*observed, call.observer.get(), begun);
  return call.headers;
}

asio::awaitable<result<void>> client_state::tell_refusal(std::shared_ptr<client_state> self, std::string model,
                                                         error failure, bool streams,
                                                         std::shared_ptr<observer> of_call) {
  call_progress progress(time_limits(), std::nullopt);
  observed_call begun;
  begun.number = progress.number;
  begun.model = model;
  begun.streams = streams;
  begun.begun = progress.begun();
  progress.observed.begin(*self->observed, of_call.get(), begun);
  progress.observed.end(progress.finish(), &failure, nullptr);
  co_return result<void>();
}

asio::awaitable<result<void>> client_state::tell_fallback(std::shared_ptr<client_state> self, std::string failed,
                                                          std::string next, error failure,
                                                          std::shared_ptr<observer> of_call) {
  fallback_event event;
  event.endpoint = &self->observed->endpoint;
  event.failed = failed;
  event.next = next;
  event.failure = &failure;
  self->observed->tell(&observer::fell_back, event, of_call.get());
  co_return result<void>();
}

std::optional<cost> client_state::cost_of(message const& answer) const {
  auto const* const usage = find_object(answer.json(), "usage");
  return usage ? options.prices.cost_of(answer.model(), *usage) : std::nullopt;
}

asio::awaitable<result<message>> client_state::create_elsewhere(std::shared_ptr<client_state> self, std::string body,
                                                                call_options call) {
  auto const home = self->home;
  return on_home<message>(home, create(std::move(self), std::move(body), std::move(call)));
}

template <class Attempt>
auto client_state::retry_attempts(call_options const& call, call_progress& progress, Attempt& attempt) const {
  retry_context context(call.retry.value_or(options.retry));
  context.deadline = progress.optional_deadline();
  context.budget = budget;
  context.on_attempt = [&](attempt_info const& made) {
    if (made.retry_in) {
      progress.info.backoff += *made.retry_in;
      progress.info.budget_used += budget->counts(*made.failure) ? 1 : 0;
      progress.note_failed_attempt(*made.failure);
    }
    progress.observed.attempted(made);
  };
  context.sleep = [waits = calls.get()](std::chrono::nanoseconds delay) { return waits->sleep(delay); };
  return retry(std::move(context), attempt);
}

asio::awaitable<result<message>> client_state::create(std::shared_ptr<client_state> self, std::string body,
                                                      call_options call) {
  auto const caller = co_await asio::this_coro::executor;
  if (caller != self->home) {
    auto there = create_elsewhere(std::move(self), std::move(body), std::move(call));
    auto outcome = co_await std::move(there);
    co_return outcome;
  }
  call_progress progress(call.limits.value_or(self->options.limits), call.deadline);
  if (self->calls->closed())
    co_return self->refuse(body, call, progress, false);
  auto const place = self->calls->enter();
  try {
    auto const wanted = self->demand_of(body, call);
    auto const request = self->messages.write(body, self->tell_begin(call, progress, traffic::model_of(wanted), false));
    if (!request)
      co_return self->failed(request.error(), progress);
    outgoing const sent{*request, wanted, call};
    std::string().swap(body);
    auto attempt = [&](unsigned number) { return self->attempt(sent, number, progress); };
    auto trying = self->retry_attempts(call, progress, attempt);
    auto outcome = co_await std::move(trying);
    if (!outcome)
      co_return self->failed(with_model_advice(outcome.error(), traffic::model_of(wanted)), progress);
    progress.info.cost = self->cost_of(*outcome);
    outcome->info(progress.finish());
    progress.observed.end(progress.info, nullptr, &*outcome);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return self->cancelled(progress);
}

limiter::demand client_state::demand_of(std::string_view body, call_options const& call) const {
  auto wanted = turns->measure(body, call.lane);
  wanted.own_key = std::any_of(call.headers.begin(), call.headers.end(), is_key_header);
  return wanted;
}

asio::awaitable<result<message>> client_state::attempt(outgoing const& call, unsigned number, call_progress& progress) {
  while (true) {
    if (progress.expired())
      co_return progress.timeout(call_phase::attempt);
    auto permit = turns->try_admit(call.wanted, progress);
    if (permit && !*permit) {
      auto waiting = turns->wait(call.wanted, progress);
      permit = co_await std::move(waiting);
    }
    if (!permit)
      co_return permit.error();
    progress.info.attempts = number;
    progress.observed.begin_attempt();
    auto lease = pool->try_acquire();
    if (!lease) {
      auto acquiring = pool->acquire(progress);
      auto acquired = co_await std::move(acquiring);
      if (!acquired) {
        permit->failed(acquired.error());
        co_return acquired.error();
      }
      lease = std::move(*acquired);
    }
    permit->sent();
    auto const request = call.request.pieces(permit->key());
    auto exchanging = lease->exchange(request, progress);
    auto response = co_await std::move(exchanging);
    if (has_died_idle(lease, response, progress)) {
      auto again = send_again(lease, request, &session::exchange, progress);
      response = co_await std::move(again);
    }
    if (!response) {
      permit->failed(response.error());
      co_return response.error();
    }
    lease.conclude();
    result<message> outcome;
    if (is_large_answer(*response)) {
      lease = session_lease();
      auto reading = read_slowly(*response, call.options, progress);
      outcome = co_await std::move(reading);
    } else {
      outcome = read(*response, call.options, progress);
    }
    if (outcome)
      permit->answered(response->headers, outcome->usage());
    else if (permit->failed(outcome.error(), response->headers)) {
      ++progress.info.key_changes;
      continue;
    }
    co_return outcome;
  }
}

asio::awaitable<result<message_stream>> client_state::stream(std::shared_ptr<client_state> self, std::string body,
                                                             call_options call) {
  auto const state = std::make_shared<message_stream_state>(self, call);
  auto& progress = state->progress;
  if (self->calls->closed())
    co_return self->refuse(body, call, progress, true);
  state->enter(self->calls->enter());
  try {
    auto const wanted = self->demand_of(body, call);
    auto const request = self->messages.write(body, self->tell_begin(call, progress, traffic::model_of(wanted), true));
    if (!request)
      co_return self->failed(request.error(), progress);
    outgoing const sent{*request, wanted, call};
    std::string().swap(body);
    auto attempt = [&](unsigned number) { return self->attempt_stream(sent, number, *state); };
    auto opening = self->retry_attempts(call, progress, attempt);
    auto opened = co_await std::move(opening);
    if (!opened)
      co_return self->failed(with_model_advice(opened.error(), traffic::model_of(wanted)), progress);
    co_return message_stream(state);
  } catch (boost::system::system_error const& thrown) {
    if (thrown.code() != asio::error::operation_aborted)
      throw;
  }
  co_return self->cancelled(progress);
}

asio::awaitable<result<void>> client_state::attempt_stream(outgoing const& call, unsigned number,
                                                           message_stream_state& stream) {
  auto& progress = stream.progress;
  while (true) {
    if (progress.expired())
      co_return progress.timeout(call_phase::attempt);
    auto admitting = turns->admit(call.wanted, progress);
    auto permit = co_await std::move(admitting);
    if (!permit)
      co_return permit.error();
    progress.info.attempts = number;
    progress.observed.begin_attempt();
    response_headers headers;
    auto opening = open_stream(call, *permit, stream, headers);
    auto opened = co_await std::move(opening);
    if (opened) {
      permit->answered(headers);
      stream.hold(std::move(*permit));
    } else if (permit->failed(opened.error(), headers)) {
      ++progress.info.key_changes;
      continue;
    }
    co_return opened;
  }
}

asio::awaitable<result<void>> client_state::open_stream(outgoing const& call, traffic::permit& permit,
                                                        message_stream_state& stream, response_headers& headers) {
  auto& progress = stream.progress;
  auto acquiring = pool->acquire(progress);
  auto lease = co_await std::move(acquiring);
  if (!lease)
    co_return lease.error();
  permit.sent();
  auto const request = call.request.pieces(permit.key());
  auto beginning = (*lease)->begin(request, progress);
  auto response = co_await std::move(beginning);
  if (has_died_idle(*lease, response, progress)) {
    auto again = send_again(*lease, request, &session::begin, progress);
    response = co_await std::move(again);
  }
  if (!response)
    co_return response.error();
  progress.note_content();
  headers = response->headers;
  auto const secrets = secrets_of(call.options);
  progress.info.request_id = request_id(*response, secrets);
  if (has_stream(*response)) {
    stream.start(std::move(*lease), std::move(*response), std::vector<std::string>(secrets.begin(), secrets.end()));
    auto waiting = stream.await_first();
    auto first = co_await std::move(waiting);
    co_return first;
  }
  char piece[4096];
  std::size_t got = is_proxys(*response) ? 0 : 1;
  while (got > 0 && response->body.size() < response_parser::error_body_limit) {
    auto reading = (*lease)->read_some(piece, progress);
    auto read = co_await std::move(reading);
    if (!read)
      co_return read.error();
    got = *read;
    response->body.append(piece, got);
  }
  lease->conclude();
  co_return refusal(*response, call.options);
}

// Of which the head says all.
bool client_state::is_proxys(http_response const& response) const noexcept {
  return response.status == 407 && proxy && !endpoint.tls;
}

error client_state::refusal(http_response const& response, call_options const& call) const {
  if (is_proxys(response))
    return proxy_refusal(*proxy, endpoint, response.status, response.headers.join("proxy-authenticate"));
  return response_error(response, secrets_of(call));
}

asio::awaitable<result<void>> client_state::open_idle(call_options const& call) {
  call_progress progress(call.limits.value_or(options.limits), call.deadline);
  auto opening = pool->open_idle(progress);
  auto opened = co_await std::move(opening);
  if (!opened)
    co_return failed(opened.error(), progress);
  co_return opened;
}

asio::awaitable<result<void>> client_state::prewarm(std::shared_ptr<client_state> self, std::size_t sessions,
                                                    call_options call) {
  if (self->calls->closed())
    co_return refused();
  auto const place = self->calls->enter();
  auto const missing = self->pool->missing_idle(sessions);
  std::vector<asio::awaitable<result<void>>> work;
  for (std::size_t i = 0; i < missing; ++i)
    work.push_back(self->open_idle(call));
  auto opening = join_all(std::move(work), std::max<std::size_t>(missing, 1), call.deadline);
  auto const opened = co_await std::move(opening);
  for (auto const& one : opened.values)
    if (one && !*one)
      co_return one->error();
  if (opened.stopped != errc::none)
    co_return error(opened.stopped, "not all sessions were open in time");
  co_return result<void>();
}

void client_state::shut_down() {
  calls->interrupt();
  turns->interrupt();
  pool->shut_down();
}

asio::awaitable<result<void>> client_state::drain(std::vector<std::shared_ptr<client_state>> clients,
                                                  std::chrono::steady_clock::time_point deadline) {
  for (auto const& one : clients) {
    one->calls->close();
    one->pool->keep_none();
  }
  std::size_t cut_off = 0;
  for (auto const& one : clients) {
    auto waiting = one->calls->wait_for_end(deadline);
    co_await std::move(waiting);
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
      co_return error(errc::cancelled, "the drain was cancelled; what is in flight goes on, new calls are refused");
    cut_off += one->calls->count();
    one->shut_down();
  }
  if (cut_off == 0)
    co_return result<void>();
  co_return error(errc::timeout, "the drain's time was up: " + std::to_string(cut_off) + " calls were cut off");
}

// What a server may echo and no error may show.
client_state::text_views client_state::secrets_of(call_options const& call) const {
  text_views secrets{options.api_key.reveal()};
  for (auto const& key : options.api_keys)
    secrets.push_back(key.api_key.reveal());
  for (auto const& credential : credentials)
    add_credential(credential.reveal(), secrets);
  for (auto const& [name, value] : call.headers)
    if (carries_credential(name, value))
      add_credential(value, secrets);
  if (proxy && !proxy->authorization.empty()) {
    secrets.push_back(proxy->password.reveal());
    add_credential(proxy->authorization.reveal(), secrets);
  }
  return secrets;
}

result<message> client_state::read(http_response const& response, call_options const& call,
                                   call_progress& progress) const {
  if (response.status == 200 && !response.headers.has_content_coding())
    return read(response, parse_json(response.body), call, progress);
  progress.info.request_id = request_id(response, secrets_of(call));
  return refusal(response, call);
}

asio::awaitable<result<message>> client_state::read_slowly(http_response const& response, call_options const& call,
                                                           call_progress& progress) const {
  sliced_json parsing(response.body);
  auto work = parse_in_slices(parsing);
  co_await std::move(work);
  auto parsed = parsing.take();
  auto const unread = parsed ? std::string() : parsed.error().message();
  auto outcome = read(response, std::move(parsed), call, progress);
  // What is quoted of so large a body does not show why it was refused.
  if (!unread.empty())
    co_return outcome.error().with_note(unread);
  co_return outcome;
}

result<message> client_state::read(http_response const& response, result<boost::json::value> parsed,
                                   call_options const& call, call_progress& progress) const {
  auto const secrets = secrets_of(call);
  progress.info.request_id = request_id(response, secrets);
  auto* const object = parsed ? parsed->if_object() : nullptr;
  if (object && find_string(*object, "type") == "message") {
    redact_answer(*object, secrets);
    message answer(std::move(*object));
    progress.info.served_model = shortened(answer.model(), longest_model_name);
    return answer;
  }
  return make_response_error(facts_of(response), object, secrets, std::chrono::system_clock::now());
}

} // namespace detail

result<client> client::make(asio::any_io_executor executor, provider_options options,
                            std::shared_ptr<observer> observed_by) {
  return make(asio::any_io_executor(asio::make_strand(std::move(executor))), std::move(options), serial,
              std::move(observed_by));
}

result<client> client::make(asio::any_io_executor executor, provider_options options, serial_t,
                            std::shared_ptr<observer> observed_by) {
  trusted_authorities authorities;
  return detail::client_state::make_client(std::move(executor), std::move(options), "/messages", authorities,
                                           std::string(), std::move(observed_by));
}

asio::awaitable<result<message>> client::create(message_request request, call_options options) const {
  if (auto const* stream = request.json().if_contains("stream"); stream && *stream == true)
    return fail<message>(
        error(errc::unsupported, "stream: create() gives one whole answer and can't stream; remove the field"));
  return create(boost::json::serialize(request.json()), std::move(options));
}

asio::awaitable<result<message>> client::create(std::string serialized_request, call_options options) const {
  if (!state_)
    return fail<message>(error(errc::configuration, "an empty claudio::client; get one from client::make()"));
  return detail::client_state::create(state_, std::move(serialized_request), std::move(options));
}

asio::awaitable<result<message_stream>> client::stream(message_request request, call_options options) const {
  request.set("stream", true);
  return stream(boost::json::serialize(request.json()), std::move(options));
}

asio::awaitable<result<message_stream>> client::stream(std::string serialized_request, call_options options) const {
  if (!state_)
    return fail<message_stream>(error(errc::configuration, "an empty claudio::client; get one from client::make()"));
  return on_home<message_stream>(
      state_->home, detail::client_state::stream(state_, std::move(serialized_request), std::move(options)));
}

asio::awaitable<result<void>> client::prewarm(std::size_t sessions, call_options options) const {
  if (!state_)
    return fail<void>(error(errc::configuration, "an empty claudio::client; get one from client::make()"));
  return on_home<void>(state_->home, detail::client_state::prewarm(state_, sessions, std::move(options)));
}

asio::awaitable<result<void>> client::drain(std::chrono::steady_clock::time_point deadline) const {
  if (!state_)
    return fail<void>(error(errc::configuration, "an empty claudio::client; get one from client::make()"));
  return on_home<void>(state_->home, detail::client_state::drain({state_}, deadline));
}

session_pool_statistics client::pool() const { return state_ ? state_->pool->statistics() : session_pool_statistics(); }

} // namespace claudio
