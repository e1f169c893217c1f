#pragma once

#include <claudio/error.hpp>
#include <claudio/retry_policy.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace claudio {

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
