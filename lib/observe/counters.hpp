#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

namespace claudio {

/// What makes many counters readable as of one moment, while any number of threads add to them without a lock: all that
/// one `recording` adds is in a snapshot, or none of it.
///
/// There are two copies of each counter, and writers use the one that is in front. A reader turns them round, waits for
/// the few writers that are still at the copy behind, reads that one, and adds it to the other.
class counter_epoch {
public:
  /// One event's turn to add; short, since readers wait for it.
  class recording {
  public:
    explicit recording(counter_epoch& epoch) noexcept
        : epoch_(epoch), copy_(epoch.begun_.fetch_add(1, std::memory_order_acquire) >> 63) {}
    recording(recording const&) = delete;
    recording& operator=(recording const&) = delete;
    ~recording() { epoch_.ended_[copy_].fetch_add(1, std::memory_order_release); }

    std::size_t copy() const noexcept { return copy_; }

  private:
    counter_epoch& epoch_;
    std::size_t const copy_;
  };

  /// Calls `read` with the copy that is at rest; it has to take all counters.
  template <class Read>
  void snapshot(Read&& read) {
    std::scoped_lock const lock(readers_);
    auto const begun = begun_.fetch_add(front_bit, std::memory_order_acq_rel);
    std::size_t const behind = begun >> 63;
    auto const count = begun & ~front_bit;
    while (ended_[behind].load(std::memory_order_acquire) != count)
      std::this_thread::yield();
    read(behind);
    ended_[behind].store(0, std::memory_order_relaxed);
    ended_[1 - behind].fetch_add(count, std::memory_order_release);
  }

private:
  static constexpr std::uint64_t front_bit = std::uint64_t{1} << 63;

  std::mutex readers_;
  std::atomic<std::uint64_t> begun_{0}; // the first bit says which copy is in front
  std::array<std::atomic<std::uint64_t>, 2> ended_{};
};

/// A number that events add to. One that goes up and down may be below 0 for a while.
class counter {
public:
  void add(counter_epoch::recording const& turn, std::int64_t amount = 1) noexcept {
    copies_[turn.copy()].fetch_add(amount, std::memory_order_relaxed);
  }

  /// For `counter_epoch::snapshot()`.
  std::int64_t take(std::size_t behind) noexcept {
    auto const value = copies_[behind].exchange(0, std::memory_order_relaxed);
    copies_[1 - behind].fetch_add(value, std::memory_order_relaxed);
    return value;
  }

private:
  std::array<std::atomic<std::int64_t>, 2> copies_{};
};

/// How often a histogram's boundaries were met.
template <std::size_t Bounds>
class histogram_counts {
public:
  std::array<std::int64_t, Bounds + 1> counts{}; // not added up
  std::int64_t sum = 0;
};

/// Counts amounts by the first boundary that they do not exceed.
template <std::size_t Bounds>
class histogram {
public:
  explicit histogram(std::array<std::int64_t, Bounds> const& bounds) noexcept : bounds_(bounds) {}

  void add(counter_epoch::recording const& turn, std::int64_t amount) noexcept {
    auto const bucket = std::lower_bound(bounds_.begin(), bounds_.end(), amount) - bounds_.begin();
    counts_[static_cast<std::size_t>(bucket)].add(turn);
    sum_.add(turn, amount);
  }
  template <class Counts>
  void add(counter_epoch::recording const& turn, Counts const& counts, std::int64_t sum) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      if (counts[i] > 0)
        counts_[i].add(turn, counts[i]);
    sum_.add(turn, sum);
  }

  histogram_counts<Bounds> take(std::size_t behind) noexcept {
    histogram_counts<Bounds> taken;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      taken.counts[i] = counts_[i].take(behind);
    taken.sum = sum_.take(behind);
    return taken;
  }

private:
  std::array<std::int64_t, Bounds> const& bounds_;
  std::array<counter, Bounds + 1> counts_;
  counter sum_;
};

} // namespace claudio
