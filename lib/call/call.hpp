#pragma once

#include "async/as_result.hpp"
#include "async/gate.hpp"
#include "async/on_home.hpp"
#include "call/credentials.hpp"
#include "call/endpoint.hpp"
#include "call/request.hpp"
#include "call/request_writer.hpp"
#include "call/traffic.hpp"
#include "net/call_progress.hpp"
#include "net/pool.hpp"

#include <claudio/call_options.hpp>
#include <claudio/retry.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace claudio::detail {

/// One call of an endpoint, at its home: its account, its attempts, its last word. A subclass says what is read of the
/// response. It stays where it is made until the call's end, be that the frame of `run()` or the heap.
class call {
public:
  call(std::shared_ptr<endpoint> of, call_options const& options);
  call(call const&) = delete;
  call& operator=(call const&) = delete;
  virtual ~call() = default;

  /// Tells that it begins, and writes its request. Errors: what refuses it before anything is sent.
  result<void> begin(call_request& request, call_options const& options);
  /// The context of its attempts.
  retry_context attempts(call_options const& options);
  /// Makes one attempt: waits for a permit and a session, sends the request, reads the response.
  boost::asio::awaitable<result<void>> attempt(unsigned number);
  /// The error that the caller gets; the call is over with it.
  error last_word(error const& failure);

  std::shared_ptr<endpoint> const where;
  call_progress progress;

protected:
  /// Whether the body is read whole, before anything else of the response is looked at.
  virtual bool reads_whole() const noexcept = 0;
  /// Whether the response is what was asked for; else it is an error.
  virtual bool takes(http_response const& response) const = 0;
  /// Reads such a response at once; nothing: it takes time.
  virtual std::optional<result<void>> read_now(http_response& response) = 0;
  /// The same, with time; the session may be taken.
  virtual boost::asio::awaitable<result<void>> read(session_lease& lease, http_response& response) = 0;
  /// The attempt succeeded: the permit is told so, or kept.
  virtual void settle(traffic::permit permit, response_headers const& headers) = 0;

  secret_list secrets() const noexcept { return secrets_.all(); }
  void leave() noexcept { place_.leave(); }

private:
  // How a session is spoken to: for a whole response, or for its head.
  using speak_function = boost::asio::awaitable<result<http_response>> (session::*)(request_pieces, call_progress&);

  header_list tell_begin(call_options const& options, std::string_view model);
  boost::asio::awaitable<result<http_response>> send_again(session_lease& lease, request_pieces pieces,
                                                           speak_function speak);
  boost::asio::awaitable<result<void>> read_refusal(session_lease& lease, http_response& response);
  bool has_died_idle(session_lease const& lease, result<http_response> const& response);
  // These say what is known of a request that would create something, when it failed.
  error not_sent(error const& failure) const;
  error unanswered(error const& failure, session_lease const& lease) const;
  error answered(error const& failure) const;
  static error ambiguous(error const& failure);

  gate::place place_;
  http_request request_;
  limiter::demand wanted_;
  call_secrets const secrets_;
  call_request::effect effect_ = call_request::effect::none;
};

/// Keeps a call in the frame of `run()`.
template <class Call>
class in_frame {
public:
  template <class... Arguments>
  in_frame(std::shared_ptr<endpoint> const& where, call_options const& options, Arguments... arguments)
      : call_(where, options, std::move(arguments)...) {}

  Call* operator->() noexcept { return &call_; }
  auto finish() { return call_.finish(); }

private:
  Call call_;
};

template <class Call, class... Arguments>
boost::asio::awaitable<result<typename Call::answer>> run(std::shared_ptr<endpoint> where, call_request request,
                                                          call_options options, Arguments... arguments);

/// Not a coroutine, so that what it puts together takes no room in the frame that waits.
template <class Call, class... Arguments>
boost::asio::awaitable<result<typename Call::answer>> run_at_home(std::shared_ptr<endpoint> where, call_request request,
                                                                  call_options options, Arguments... arguments) {
  auto const home = where->home;
  return on_home<typename Call::answer>(
      home, run<Call>(std::move(where), std::move(request), std::move(options), std::move(arguments)...));
}

/// Makes a call, from any executor. Its frame is the outermost of few: every call waits in it.
/// @param arguments of the call's constructor, behind the first two
template <class Call, class... Arguments>
boost::asio::awaitable<result<typename Call::answer>> run(std::shared_ptr<endpoint> where, call_request request,
                                                          call_options options, Arguments... arguments) {
  auto const caller = co_await boost::asio::this_coro::executor;
  if (caller != where->home) {
    auto there = run_at_home<Call>(std::move(where), std::move(request), std::move(options), std::move(arguments)...);
    auto outcome = co_await std::move(there);
    co_return outcome;
  }
  typename Call::holder made(where, options, std::move(arguments)...);
  try {
    if (auto const begun = made->begin(request, options); !begun)
      co_return made->last_word(begun.error());
    auto attempt = [&](unsigned number) { return made->attempt(number); };
    auto trying = retry(made->attempts(options), attempt);
    auto const tried = co_await std::move(trying);
    if (!tried)
      co_return made->last_word(tried.error());
    co_return made.finish();
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return made->last_word(cancelled_by_caller());
}

} // namespace claudio::detail
