#pragma once

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace claudio {

/// Who may use which session: the decisions of a pool without its I/O. Not thread-safe.
///
/// Sessions that are idle are taken newest first, so that surplus ones grow old and go. Callers who find neither an
/// idle session nor a free place wait, first come first served; while anybody waits there is no idle session and no
/// free place, so that nobody overtakes.
///
/// `Session` is a movable owner. `Waiter` is a caller who waits, with a `boost::intrusive::list_base_hook`:
/// `grant(Session)` hands it a session, `grant_place()` the right to open one. Both must only note the grant and
/// arrange for the caller to wake up later: they are called from within other callers' release.
template <class Session, class Waiter>
class pool_state {
public:
  using time_point = std::chrono::steady_clock::time_point;

  pool_state(std::size_t max_sessions, std::size_t max_idle, std::chrono::nanoseconds idle_timeout)
      : max_sessions_(max_sessions), max_idle_(max_idle), idle_timeout_(idle_timeout) {}

  /// The newest idle session. Its place stays taken.
  std::optional<Session> take_idle() {
    if (idle_.empty())
      return std::nullopt;
    std::optional<Session> session(std::move(idle_.back().session));
    idle_.pop_back();
    return session;
  }

  /// Takes a place for a session that the caller will open.
  bool take_place() {
    if (places_taken_ == max_sessions_)
      return false;
    ++places_taken_;
    return true;
  }

  /// The end of a session's use, fit for another: goes to the first waiter, else to the idle ones.
  /// Gives back what should be closed.
  std::optional<Session> give_back(Session session, time_point now) {
    if (Waiter* first = pop_waiter()) {
      first->grant(std::move(session));
      return std::nullopt;
    }
    if (idle_.size() < max_idle_) {
      idle_.push_back(idle_session{std::move(session), now});
      return std::nullopt;
    }
    free_place();
    return session;
  }

  /// The end of a session that is gone, or of a place that was not used.
  void free_place() {
    if (Waiter* first = pop_waiter())
      first->grant_place();
    else
      --places_taken_;
  }

  /// The end of a place for which this machine had no room: no waiter is granted it.
  void abandon_place() { --places_taken_; }
  /// There is room again: grants the places that were abandoned.
  void grant_places() {
    while (places_taken_ < max_sessions_) {
      Waiter* const first = pop_waiter();
      if (!first)
        return;
      ++places_taken_;
      first->grant_place();
    }
  }

  /// No session stays idle from now on. Gives those that are, to be closed.
  std::vector<Session> keep_none() {
    max_idle_ = 0;
    std::vector<Session> idle;
    for (auto& kept : idle_)
      idle.push_back(std::move(kept.session));
    idle_.clear();
    places_taken_ -= idle.size();
    return idle;
  }

  /// Idle sessions past their time, to be closed.
  std::vector<Session> take_expired(time_point now) {
    std::vector<Session> expired;
    std::size_t count = 0;
    while (count < idle_.size() && now - idle_[count].since >= idle_timeout_)
      expired.push_back(std::move(idle_[count++].session));
    idle_.erase(idle_.begin(), idle_.begin() + static_cast<std::ptrdiff_t>(count));
    places_taken_ -= count;
    return expired;
  }

  void enqueue(Waiter& waiter) { waiters_.push_back(waiter); }
  /// For a waiter that gives up before it was granted anything.
  void remove(Waiter& waiter) { waiters_.erase(waiters_.iterator_to(waiter)); }

  std::size_t places_taken() const noexcept { return places_taken_; }
  std::size_t idle() const noexcept { return idle_.size(); }
  std::size_t waiting() const noexcept { return waiters_.size(); }
  std::size_t max_sessions() const noexcept { return max_sessions_; }
  std::size_t max_idle() const noexcept { return max_idle_; }

private:
  struct idle_session {
    Session session;
    time_point since;
  };

  Waiter* pop_waiter() {
    if (waiters_.empty())
      return nullptr;
    Waiter& first = waiters_.front();
    waiters_.pop_front();
    return &first;
  }

  std::size_t max_sessions_;
  std::size_t max_idle_;
  std::chrono::nanoseconds idle_timeout_;
  std::vector<idle_session> idle_; // oldest first
  boost::intrusive::list<Waiter> waiters_;
  std::size_t places_taken_ = 0;
};

} // namespace claudio
