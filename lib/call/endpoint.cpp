#include "call/endpoint.hpp"

#include "async/join_all.hpp"
#include "call/provider_check.hpp"
#include "core/json_access.hpp"
#include "net/tls_context.hpp"
#include "observe/loggers.hpp"

#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <cstdlib>

namespace claudio::detail {
namespace asio = boost::asio;

result<client> endpoint::make(asio::any_io_executor home, provider_options options, trusted_authorities& authorities,
                              std::string provider, std::shared_ptr<observer> users, std::string_view messages) {
  auto base = check_provider(options);
  if (!base)
    return base.error();
  auto proxy = choose_proxy(options.proxy, *base, [](char const* name) { return std::getenv(name); });
  if (!proxy)
    return proxy.error();
  if (*proxy)
    net_log().debug("proxy_chosen proxy=\"{}\" server={}", (*proxy)->description(), base->authority);
  std::shared_ptr<tls_context> tls;
  if (base->tls) {
    auto made = tls_context::make(options.ca_file, options.verify_tls, authorities);
    if (!made)
      return made.error();
    tls = std::move(*made);
  }
  endpoint_info about;
  about.provider = provider.empty() ? base->authority : std::move(provider);
  about.server_address = base->host;
  about.server_port = static_cast<std::uint16_t>(std::strtoul(base->port.c_str(), nullptr, 10));
  auto observed = std::make_shared<observation const>(std::move(about), std::move(users));
  return client(std::make_shared<endpoint>(std::move(home), std::move(*base), std::move(*proxy), std::move(tls),
                                           std::move(options), messages, std::move(observed)));
}

endpoint::endpoint(asio::any_io_executor executor, api_base where, std::optional<proxy_address> chosen,
                   std::shared_ptr<tls_context> tls, provider_options given, std::string_view messages,
                   std::shared_ptr<observation const> observed_by)
    : home(std::move(executor)), options(std::move(given)), base(std::move(where)), proxy(std::move(chosen)),
      secrets(options, proxy), observed(std::move(observed_by)), writer(base, messages, options, proxy),
      pool(std::make_shared<session_pool>(home, base, proxy, std::move(tls), options.pool, observed,
                                          options.max_answer_bytes)),
      turns(std::make_shared<traffic>(home, options, observed)),
      budget(std::make_shared<retry_budget>(options.retry_budget_tokens, options.retry_budget_ratio,
                                            !options.pacing.enabled)),
      calls(std::make_shared<gate>(home)) {
  for (auto& header : options.headers)
    wipe(header.second);
  options.headers.clear();
}

// The observers are told at home, without anybody waiting for it.
void endpoint::tell_refusal(std::shared_ptr<endpoint> const& self, std::string model, error failure, bool streams,
                            std::shared_ptr<observer> of_call) {
  asio::dispatch(self->home, [self, model = std::move(model), failure, streams, of_call = std::move(of_call)] {
    call_progress progress(time_limits(), std::nullopt);
    observed_call begun;
    begun.number = progress.number;
    begun.model = model;
    begun.streams = streams;
    begun.begun = progress.begun();
    progress.observed.begin(*self->observed, of_call.get(), begun);
    progress.observed.end(progress.finish(), &failure, nullptr);
  });
}

void endpoint::tell_fallback(std::shared_ptr<endpoint> const& self, std::string failed, std::string next, error failure,
                             std::shared_ptr<observer> of_call) {
  asio::dispatch(self->home,
                 [self, failed = std::move(failed), next = std::move(next), failure, of_call = std::move(of_call)] {
                   fallback_event event;
                   event.endpoint = &self->observed->endpoint;
                   event.failed = failed;
                   event.next = next;
                   event.failure = &failure;
                   self->observed->tell(&observer::fell_back, event, of_call.get());
                 });
}

std::optional<cost> endpoint::cost_of(message const& answer) const {
  auto const* const usage = find_object(answer.json(), "usage");
  return usage ? options.prices.cost_of(answer.model(), *usage) : std::nullopt;
}

error endpoint::refusal(http_response const& response, secret_list of_call) const {
  if (is_proxys(response))
    return proxy_refusal(*proxy, base, response.status, response.headers.join("proxy-authenticate"));
  return response_error(response, of_call);
}

bool endpoint::is_proxys(http_response const& response) const noexcept {
  return response.status == 407 && proxy && !base.tls;
}

asio::awaitable<result<void>> endpoint::open_idle(call_options const& call) {
  call_progress progress(call.limits.value_or(options.limits), call.deadline);
  auto opening = pool->open_idle(progress);
  auto opened = co_await std::move(opening);
  if (!opened)
    co_return progress.finish(pool->explain(opened.error()));
  co_return opened;
}

asio::awaitable<result<void>> endpoint::prewarm(std::shared_ptr<endpoint> self, std::size_t sessions,
                                                call_options call) {
  if (self->calls->closed())
    co_return drained();
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

error endpoint::drained() {
  return error(errc::shut_down, "the client has been drained and takes no new call; make a new client or manager");
}

void endpoint::shut_down() {
  calls->interrupt();
  turns->interrupt();
  pool->shut_down();
}

asio::awaitable<result<void>> endpoint::drain(std::vector<std::shared_ptr<endpoint>> endpoints,
                                              std::chrono::steady_clock::time_point deadline) {
  for (auto const& one : endpoints) {
    one->calls->close();
    one->pool->keep_none();
  }
  std::size_t cut_off = 0;
  for (auto const& one : endpoints) {
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

} // namespace claudio::detail
