#pragma once

#include "observe/counters.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace claudio {

/// Writes Prometheus' text format, version 0.0.4.
class exposition {
public:
  using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Begins a metric; its samples are to follow.
  void family(std::string_view name, std::string_view type, std::string_view help);

  /// A sample of the metric; labels without a value are left out.
  void sample(labels const& of, std::int64_t value);
  void sample(labels const& of, std::string_view value);

  /// A histogram's samples.
  /// @param unit into how many parts the counted amounts divide one of the metric's unit: 10^unit
  template <std::size_t Bounds>
  void histogram(labels const& of, std::array<std::int64_t, Bounds> const& bounds,
                 histogram_counts<Bounds> const& counts, unsigned unit) {
    histogram(of, std::span(bounds), std::span(counts.counts), counts.sum, unit);
  }

  std::string take() noexcept { return std::move(text_); }

  /// `amount` / 10^`places` as a decimal, without zeros at its end.
  static std::string decimal(std::int64_t amount, unsigned places);

private:
  void histogram(labels const& of, std::span<std::int64_t const> bounds, std::span<std::int64_t const> counts,
                 std::int64_t sum, unsigned unit);
  void write(std::string_view suffix, labels const& of, std::string_view le, std::string_view value);

  std::string text_;
  std::string name_;
};

} // namespace claudio
