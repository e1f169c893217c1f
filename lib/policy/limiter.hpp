#pragma once

#include "core/rate_limit_headers.hpp"
#include "policy/circuit_breaker.hpp"
#include "policy/key_ring.hpp"
#include "policy/paced_limit.hpp"
#include "policy/ramp.hpp"

#include <claudio/error.hpp>
#include <claudio/limiter.hpp>
#include <claudio/message.hpp>
#include <claudio/observer.hpp>

#include <boost/intrusive/list_hook.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// What a limiter decides by.
class limiter_options {
public:
  limiter_options() = default;

  std::vector<unsigned> weights;   ///< of the keys; at least one
  std::vector<rate_limits> limits; ///< of each key
  pacing_options pacing;
  circuit_breaker_options breaker;
};

/// Which call may be sent when, and with which of the keys: the decisions of pacing, circuit breaker and key ring for
/// one endpoint, without their waits. The clock is passed in, and never goes back.
///
/// Each model has limits and a queue of its own. Before a call, requests, input and output tokens are reserved; the
/// tokens are estimated by what earlier calls used. Its answer corrects what is thought to be left, its end what was
/// reserved.
class limiter {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit limiter(limiter_options options);
  limiter(limiter const&) = delete;
  limiter& operator=(limiter const&) = delete;
  ~limiter();

  /// The calls of one model; lives as long as the limiter.
  class paced_model;

  /// What a call will need.
  struct demand {
    paced_model* model = nullptr;
    double bytes = 0;
    double max_tokens = 0;
    call_lane lane = call_lane::interactive;
    /// The call brings a key of its own, of which nothing is known: only the circuit breaker counts.
    bool own_key = false;
  };
  /// @param text_bytes of the request, where they are known
  demand measure(std::string_view serialized_request, call_lane lane,
                 std::optional<std::size_t> text_bytes = std::nullopt);
  /// The model that it is for; the name lives as long as the limiter.
  static std::string_view model_of(demand const& wanted) noexcept;

  /// The right to send one attempt: refers to what the limiter keeps of it until `end()`, to which it has to come.
  class ticket {
  public:
    ticket() = default;
    bool open() const noexcept { return held_ != nullptr; }
    std::size_t key() const noexcept { return key_; }

  private:
    friend class limiter;
    struct attempt;

    attempt* held_ = nullptr;
    std::size_t key_ = 0;
  };

  /// A call that waits for its ticket. Told at most once, then out of the queue.
  class waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  public:
    explicit waiter(demand const& what) noexcept : wanted(what) {}
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    virtual ~waiter() = default;

    virtual void granted(ticket const& given) noexcept = 0;
    virtual void refused(error const& reason) noexcept = 0;

    demand const wanted;

  private:
    friend class limiter;
    std::array<double, rate_limit_kinds> needed_{};
  };

  /// A ticket; nothing: the call has to wait.
  /// @param patience how long it may
  /// Errors: `errc::circuit_open`; the last key's own when all are set aside; `errc::rate_limited` without HTTP status
  /// when too many wait already, or the wait would take longer than the call's patience.
  result<std::optional<ticket>> try_admit(demand const& wanted, std::chrono::nanoseconds patience, time_point now);
  void enqueue(waiter& waiting);
  /// For one that gives up before it was told anything.
  void remove(waiter& waiting) noexcept;
  /// Tells those whose turn it is. Gives when to look again.
  std::optional<time_point> serve(time_point now);

  /// What changed by an answer, for the log.
  struct changes {
    bool circuit_opened = false;
    bool circuit_closed = false;
    bool key_set_aside = false;
    bool key_restored = false;
  };

  /// From now on the server may count it.
  void note_sent(ticket const& given, time_point now);
  /// Whether what the attempt's answer tells of limits is worth reading.
  bool heeds_limits(ticket const& given, error const* failure) noexcept;
  /// The attempt's answer has come: the whole, a stream's first event, or an error. `end()` is to follow.
  changes note_answer(ticket const& given, rate_limit_headers const& told, error const* failure, time_point now);
  /// The attempt is over. `usage` as the server counts it; nothing: not known, what was reserved counts.
  void end(ticket& given, std::optional<message_usage> const& usage, time_point now);
  /// The attempt is over, and the server has not counted it, or it was not sent.
  void end_uncounted(ticket& given, time_point now);

  /// What an attempt holds of limits that are kept.
  struct reservation {
    std::string_view model;
    paced_model* limits = nullptr;
    std::size_t key = 0;
    std::array<double, rate_limit_kinds> amounts{};
  };
  /// Nothing where no limit is kept.
  std::optional<reservation> reservation_of(ticket const& given) const noexcept;
  /// Where these limits stand.
  std::array<limit_level, rate_limit_kinds> levels_of(reservation const& held, time_point now) noexcept;

  /// Whether a call whose attempt failed with this may go on with another key at once.
  bool has_other_key(ticket const& given, error const& failure, time_point now) const noexcept;
  std::size_t waiting() const noexcept { return waiting_; }
  circuit_breaker const& breaker() const noexcept { return breaker_; }
  key_ring const& keys() const noexcept { return keys_; }

private:
  struct choice {
    std::optional<std::size_t> key;
    std::chrono::nanoseconds wait = std::chrono::nanoseconds::max(); // of the one that comes first
  };

  using amounts = std::array<double, rate_limit_kinds>; // by rate_limit_kind

  paced_model& model_named(std::string_view name);
  choice choose(paced_model& model, demand const& wanted, time_point now);
  ticket give(std::size_t key, demand const& wanted, time_point now);
  std::chrono::nanoseconds expected_wait(demand const& wanted, time_point now);
  waiter* next_waiter(paced_model& model) const noexcept;
  std::optional<error> refusal(demand const& wanted, time_point now) const;
  error circuit_open(time_point now) const;
  void observe(ticket::attempt& answered, rate_limit_headers const& told, error const* failure, time_point now);
  void note_key(ticket::attempt& answered, error const* failure, changes& made, time_point now);
  void note_endpoint(ticket::attempt const& answered, error const* failure, changes& made, time_point now);
  void settle(ticket::attempt& ended, amounts const& used, time_point now);
  void forget(ticket& given, time_point now);

  limiter_options const options_;
  key_ring keys_;
  circuit_breaker breaker_;
  error last_failure_; // that the breaker counted
  std::vector<std::unique_ptr<paced_model>> models_;
  std::vector<std::unique_ptr<ticket::attempt>> attempts_; // all that there ever were at once
  std::vector<ticket::attempt*> free_;                     // of these
  std::size_t waiting_ = 0;
};

} // namespace claudio
