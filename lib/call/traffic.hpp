#pragma once

#include "async/wait_queue.hpp"
#include "net/call_progress.hpp"
#include "net/response.hpp"
#include "observe/observation.hpp"
#include "policy/limiter.hpp"

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/message.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string_view>

namespace claudio {

/// A limiter with its waits: which call of a client may be sent when, and with which key. For one serial executor. It
/// holds no work but while a call waits here.
class traffic : public std::enable_shared_from_this<traffic> {
public:
  traffic(boost::asio::any_io_executor executor, provider_options const& options,
          std::shared_ptr<observation const> observed);
  /// What is told to be open or set aside goes with it.
  ~traffic();

  /// The right to send one attempt, and the duty to say what became of it. One that goes without a word has sent
  /// nothing, or nobody knows what the server made of it.
  class permit {
  public:
    permit() = default;
    permit(std::shared_ptr<traffic> owner, limiter::ticket const& given) noexcept
        : owner_(std::move(owner)), ticket_(given) {}
    permit(permit&& other) noexcept : owner_(std::move(other.owner_)), ticket_(other.ticket_) {}
    permit& operator=(permit&& other) noexcept;
    ~permit() { release(); }

    explicit operator bool() const noexcept { return owner_ != nullptr; }
    std::size_t key() const noexcept { return ticket_.key(); }

    /// From now on the server may count it.
    void sent() { owner_->limiter_.note_sent(ticket_, clock::now()); }
    /// A stream's first event has come; `ended()` is to follow.
    void answered(response_headers const& headers);
    /// The stream is over. `usage` only of a complete one.
    void ended(std::optional<message_usage> const& usage);
    /// The whole answer is there.
    void answered(response_headers const& headers, message_usage const& usage);
    /// The attempt failed, before there was a response or with one. True: it may go on at once, with another key.
    bool failed(error const& failure, response_headers const& headers = response_headers());

  private:
    void release() noexcept;

    std::shared_ptr<traffic> owner_;
    limiter::ticket ticket_;
  };

  limiter::demand measure(std::string_view serialized_request, call_lane lane, std::optional<std::size_t> text_bytes) {
    return limiter_.measure(serialized_request, lane, text_bytes);
  }
  /// The model that it is for; valid as long as this object.
  static std::string_view model_of(limiter::demand const& wanted) noexcept { return limiter::model_of(wanted); }

  /// A permit at once; an empty one: the call has to `wait()`. Errors: those of `limiter::try_admit()`.
  result<permit> try_admit(limiter::demand const& wanted, call_progress const& progress);
  boost::asio::awaitable<result<permit>> wait(limiter::demand const& wanted, call_progress& progress);
  /// Both in one.
  boost::asio::awaitable<result<permit>> admit(limiter::demand const& wanted, call_progress& progress);

  /// Ends all waits, those to come included, as `errc::cancelled`.
  void interrupt() noexcept { waiters_.interrupt(); }

private:
  using clock = call_progress::clock;

  // A caller's stay in the queue. A ticket that it was given and did not take goes back.
  class waiter;

  clock::time_point patience_ends(call_progress const& progress) const;
  // Ends an attempt's part of the limits, and tells where they stand.
  void settle(limiter::ticket& ticket, std::optional<message_usage> const& usage, clock::time_point now);
  // Whether the call may go on at once, with another key.
  bool note(limiter::ticket const& ticket, response_headers const& headers, error const* failure,
            clock::time_point now);
  // Lets those pass whose turn it is, and comes back when the next one's may be.
  void serve();
  void wake_at(std::optional<clock::time_point> time);

  boost::asio::steady_timer timer_;
  clock::time_point wakes_at_ = clock::time_point::max();
  std::chrono::milliseconds const max_wait_;
  limiter limiter_;
  wait_queue waiters_;
  std::shared_ptr<observation const> const observed_;
};

} // namespace claudio
