#pragma once

#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace claudio {

/// How often and how far apart an operation is tried again. The defaults are the integration guide's.
class retry_policy {
public:
  retry_policy() = default;

  unsigned max_retries = 3;                    ///< attempts beyond the first
  std::chrono::milliseconds base_delay{1000};  ///< before the first retry; doubles with each
  std::chrono::milliseconds max_delay{60'000}; ///< the doubling ends here
  bool jitter = true;                          ///< spreads the delays, so that callers don't return together

  bool operator==(retry_policy const&) const = default;
};

/// One attempt, as the operation and the observer see it.
class attempt_info {
public:
  attempt_info() = default;

  unsigned number = 0;                               ///< 1 for the first attempt
  std::optional<error> failure;                      ///< nothing: the attempt succeeded (or has not ended yet)
  std::optional<std::chrono::milliseconds> retry_in; ///< the delay before the next attempt; nothing: this was the last
  std::string_view reason;                           ///< why it is, or is not, tried again
  bool suppressed = false;                           ///< it was worth a retry, for which the retry budget left nothing
};

/// What `decide()` says.
class retry_decision {
public:
  bool retry = false;
  std::chrono::milliseconds delay{0};
  std::string_view reason; ///< static text
};

/// Whether an attempt that failed is tried again, and when. Pure.
///
/// `should_retry()` decides first: the server's `x-should-retry`, or that an answer ended early or a stream before its
/// first event. Otherwise 408, 409, 429 and from 500 on all but 501, 505, 525 and 526 are tried again, connections that
/// failed or broke, time limits of one phase, and an overload or server error inside a 200; a 429 for an exhausted
/// spend limit is not, nor is anything the caller has to mend. The delay is what the server asked for
/// (`retry-after-ms`, `retry-after`) with jitter of up to `base_delay` on top; else base · 2^(number − 1), at most
/// `max_delay`, of which jitter takes up to a half. A retry that could not begin before the deadline is not made.
/// @param number of the attempt that failed, from 1
/// @param remaining time to the deadline; nothing: there is none
/// @param u01 a random number in [0, 1)
retry_decision decide(retry_policy const& policy, unsigned number, error const& failure,
                      std::optional<std::chrono::nanoseconds> remaining, double u01) noexcept;

/// What bounds the retries of many operations together, so that an outage is not answered by a storm: a purse of tokens
/// that starts full. A failure that is worth a retry takes one out, a success puts `ratio` of one back, and retries are
/// made while more than half are left (as in gRPC's retry throttling, proposal A6). Thread safety: all members may be
/// called from any thread.
class retry_budget {
public:
  /// @param tokens 0: no bound
  /// @param ratio in the long run at most so many retries for each operation that succeeds
  /// @param counts_rate_limits false: a 429 takes nothing out, since something else bounds how fast it is tried again
  explicit retry_budget(double tokens = 1000, double ratio = 0.1, bool counts_rate_limits = true) noexcept;

  /// An operation failed in a way that is worth a retry. Whether it may be made.
  bool take(error const& failure) noexcept;
  /// An operation succeeded.
  void give() noexcept;
  /// The tokens that are left.
  double left() const noexcept { return static_cast<double>(left_.load(std::memory_order_relaxed)) / unit; }
  /// Whether this failure takes a token out. One of this machine's own says nothing of the server's load.
  bool counts(error const& failure) const noexcept {
    return most_ > 0 && failure.code() != errc::local_resources &&
           (counts_rate_limits_ || failure.http_status() != 429);
  }

private:
  static constexpr int unit = 1000; // of a token
  long const most_;
  long const refill_;
  bool const counts_rate_limits_;
  std::atomic<long> left_;
};

/// What `retry()` works with. The last three members are for tests; their defaults are the real clock, timer and dice.
class retry_context {
public:
  retry_context() = default;
  explicit retry_context(retry_policy p) : policy(p) {}

  retry_policy policy;
  /// No attempt begins after it. It does not cut a running attempt short: that is the operation's part.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// Shared by all operations whose retries are to be bounded together; null: none.
  std::shared_ptr<retry_budget> budget;
  /// Says which failures are worth a retry, in place of the rules of `decide()`; empty: these hold. The delays, the
  /// number of retries, the deadline and the budget stay as they are, and a cancellation is never tried again.
  std::function<bool(error const&)> retry_if;
  /// Called after each attempt with its outcome. Must not throw.
  std::function<void(attempt_info const&)> on_attempt;

  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<boost::asio::awaitable<void>(std::chrono::nanoseconds)> sleep;
  std::function<double()> random;
};

namespace detail {

template <class T>
struct awaited_result;

template <class T, class Executor>
struct awaited_result<boost::asio::awaitable<result<T>, Executor>> {
  using type = result<T>;
};

// The part of the loop that does not depend on the operation. Nothing: try again; else the call's last word.
boost::asio::awaitable<std::optional<error>> pause_before_retry(retry_context& context, unsigned number,
                                                                error const& failure);
void report_success(retry_context const& context, unsigned number);

template <class Operation>
auto begin_attempt(Operation& operation, unsigned number) {
  if constexpr (std::is_invocable_v<Operation&, unsigned>)
    return operation(number);
  else
    return operation();
}

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool rvalue_callables_are_miscompiled = true;
#else
inline constexpr bool rvalue_callables_are_miscompiled = false;
#endif

template <class Operation>
using retry_result_t =
    typename awaited_result<decltype(begin_attempt(std::declval<std::remove_reference_t<Operation>&>(), 1u))>::type;

} // namespace detail

namespace detail {

template <class Operation>
inline constexpr bool is_attempt = std::is_invocable_v<std::remove_reference_t<Operation>&, unsigned> ||
                                   std::is_invocable_v<std::remove_reference_t<Operation>&>;

} // namespace detail

/// A callable that makes one attempt: called with nothing or with the attempt's number (from 1), it returns
/// `awaitable<result<T>>`.
template <class Operation>
concept retryable_operation = detail::is_attempt<Operation> && requires {
  typename detail::retry_result_t<Operation>;
};

namespace detail {

template <class Operation>
boost::asio::awaitable<retry_result_t<Operation>> retry_reference(retry_context context, Operation* operation) {
  for (unsigned number = 1;; ++number) {
    auto attempt = begin_attempt(*operation, number);
    auto outcome = co_await std::move(attempt);
    if (outcome.has_value()) {
      report_success(context, number);
      co_return outcome;
    }
    error const failure = outcome.error();
    auto last_word = co_await pause_before_retry(context, number, failure);
    if (last_word)
      co_return *last_word;
  }
}

template <class Operation>
boost::asio::awaitable<retry_result_t<Operation>> retry_copy(retry_context context, Operation operation) {
  auto loop = retry_reference(std::move(context), &operation);
  auto outcome = co_await std::move(loop);
  co_return outcome;
}

} // namespace detail

/// Runs `operation` until it succeeds, its error is not worth retrying, or the policy or the deadline ends it; gives
/// the last outcome.
///
///     auto fetch = [&]() -> asio::awaitable<result<quote>> { … };   // named, so that it outlives the await
///     auto outcome = co_await retry(retry_context(policy), fetch);
///
///     auto is_busy = [](error const& failure) { return failure.http_status() == 423; };
///     auto locked = co_await retry(retry_context(policy), fetch, is_busy);
///
/// @param operation makes one attempt: called with nothing or with the attempt's number (from 1), it returns
/// `awaitable<result<T>>`
/// Lifetime: an lvalue is referenced and must outlive the await. A temporary is stored; g++ before 13 destroys captured
/// temporaries of a `co_await` statement twice, so there it must be trivially destructible (captures by reference).
/// Executor: the caller's; the operation and the waits run there. Cancellation: ends a wait between attempts at once
/// with `errc::cancelled`; during an attempt it is the operation's part. Errors: the operation's own.
template <class Operation>
auto retry(retry_context context, Operation&& operation) {
  static_assert(detail::is_attempt<Operation>,
                "claudio::retry: the operation can't be called with nothing, nor with the attempt's number (unsigned)");
  static_assert(!detail::is_attempt<Operation> || retryable_operation<Operation>,
                "claudio::retry: the operation has to return boost::asio::awaitable<claudio::result<T>>. Give a lambda "
                "its return type: [&]() -> boost::asio::awaitable<claudio::result<T>> { co_return …; }");
  if constexpr (!retryable_operation<Operation>) {
    return boost::asio::awaitable<result<int>>(); // what is wrong has been said
  } else if constexpr (std::is_lvalue_reference_v<Operation>) {
    return detail::retry_reference(std::move(context), std::addressof(operation));
  } else {
    static_assert(!detail::rvalue_callables_are_miscompiled || std::is_trivially_destructible_v<Operation>,
                  "claudio::retry: g++ before 13 miscompiles temporaries that own what they capture. Give the callable "
                  "a name and pass that: auto operation = [copy]() -> awaitable<result<T>> {…}; "
                  "co_await retry(context, operation); or capture by reference only");
    return detail::retry_copy(std::move(context), std::move(operation));
  }
}

/// The same, where `predicate` says which failures are tried again: `bool(error const&)`, see
/// `retry_context::retry_if`. It is copied; like the operation, a temporary that owns what it captures needs a name
/// first on g++ before 13.
template <class Operation, std::predicate<error const&> Predicate>
auto retry(retry_context context, Operation&& operation, Predicate&& predicate) {
  static_assert(!detail::rvalue_callables_are_miscompiled || std::is_lvalue_reference_v<Predicate> ||
                    std::is_trivially_destructible_v<Predicate>,
                "claudio::retry: g++ before 13 miscompiles temporaries that own what they capture. Give the predicate "
                "a name and pass that");
  context.retry_if = std::forward<Predicate>(predicate);
  return retry(std::move(context), std::forward<Operation>(operation));
}

} // namespace claudio
