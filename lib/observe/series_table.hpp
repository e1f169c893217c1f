#pragma once

#include "core/utf8.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// The series of a metric by the values of their labels. Found without a lock or an allocation; only a new one takes
/// both. There are at most so many: what comes after them is counted under "other", since values come from outside. So
/// are values that are too long or can't be shown.
template <class Series, std::size_t Labels>
class series_table {
public:
  using label_values = std::array<std::string_view, Labels>;

  class entry {
  public:
    explicit entry(label_values const& values) {
      for (std::size_t i = 0; i < Labels; ++i)
        labels[i] = values[i];
    }
    bool has(label_values const& values) const noexcept {
      for (std::size_t i = 0; i < Labels; ++i)
        if (labels[i] != values[i])
          return false;
      return true;
    }

    std::array<std::string, Labels> labels;
    Series series;
  };

  explicit series_table(std::size_t most) : most_(most), slots_(std::bit_ceil(2 * most + 2)), other_(all_others()) {}

  /// Thread-safe.
  Series& find(label_values values) {
    // Mostly it is the one that was asked for last.
    if (auto* const last = last_.load(std::memory_order_acquire); last && last->has(values))
      return last->series;
    if (auto* const known = look_up(values, hash_of(values))) {
      last_.store(known, std::memory_order_release);
      return known->series;
    }
    bool nameless = true;
    for (auto& value : values) {
      if (!can_be_shown(value))
        value = other;
      nameless = nameless && value == other;
    }
    auto const hash = hash_of(values);
    if (auto* const known = look_up(values, hash))
      return known->series;
    if (nameless)
      nameless_.store(true, std::memory_order_relaxed);
    return nameless || full_.load(std::memory_order_acquire) ? other_.series : add(values, hash).series;
  }

  /// Calls it with every entry. Thread-safe.
  template <class Function>
  void for_each(Function&& function) {
    std::scoped_lock const lock(mutex_);
    for (auto const& one : entries_)
      function(*one);
    if (full_ || nameless_)
      function(other_);
  }

private:
  static constexpr std::size_t longest = 128;
  static constexpr std::string_view other = "other";

  // An exposition has to be UTF-8, and its readers may take a NUL for its end.
  static bool can_be_shown(std::string_view value) noexcept {
    return value.size() <= longest && is_utf8(value) && value.find('\0') == std::string_view::npos;
  }

  static label_values all_others() {
    label_values values;
    values.fill(other);
    return values;
  }

  // Of their sizes and ends, which tell names of models and providers apart.
  static std::size_t hash_of(label_values const& values) noexcept {
    constexpr std::uint64_t multiplier = 0x9e3779b97f4a7c15;
    std::uint64_t hash = 0;
    for (auto const value : values) {
      std::uint64_t begin = 0;
      std::uint64_t end = 0;
      if (value.size() >= sizeof begin) {
        std::memcpy(&begin, value.data(), sizeof begin);
        std::memcpy(&end, value.data() + value.size() - sizeof end, sizeof end);
      } else {
        for (char const c : value)
          begin = begin << 8 | static_cast<unsigned char>(c);
      }
      hash = (hash ^ begin ^ value.size()) * multiplier;
      hash = (hash ^ hash >> 32 ^ end) * multiplier;
    }
    return hash ^ hash >> 32;
  }

  entry* look_up(label_values const& values, std::size_t hash) const noexcept {
    for (auto slot = hash & (slots_.size() - 1);; slot = (slot + 1) & (slots_.size() - 1)) {
      auto* const here = slots_[slot].load(std::memory_order_acquire);
      if (!here || here->has(values))
        return here;
    }
  }

  entry& add(label_values const& values, std::size_t hash) {
    std::scoped_lock const lock(mutex_);
    if (auto* const known = look_up(values, hash))
      return *known;
    if (entries_.size() == most_) {
      full_.store(true, std::memory_order_release);
      return other_;
    }
    entries_.push_back(std::make_unique<entry>(values));
    auto slot = hash & (slots_.size() - 1);
    while (slots_[slot].load(std::memory_order_relaxed))
      slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot].store(entries_.back().get(), std::memory_order_release);
    return *entries_.back();
  }

  std::size_t const most_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<entry>> entries_;
  std::vector<std::atomic<entry*>> slots_; // open addressing; nothing is ever removed
  std::atomic<entry*> last_{nullptr};
  entry other_;
  std::atomic<bool> full_{false};     // and something was counted under "other"
  std::atomic<bool> nameless_{false}; // the same of values that are "other" all
};

} // namespace claudio
