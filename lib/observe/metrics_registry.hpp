#pragma once

#include "observe/metric_series.hpp"
#include "observe/series_table.hpp"

#include <claudio/metrics.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace claudio {

using operation_table = series_table<operation_series, 5>; // server address, port, models asked and serving, error
using model_table = series_table<model_series, 2>;
using provider_table = series_table<provider_series, 1>;
using pacing_table = series_table<pacing_series, 3>;

/// A number as a label's value, without an allocation.
class number_text {
public:
  explicit number_text(std::size_t number) noexcept {
    do
      *--begin_ = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
  }
  operator std::string_view() const noexcept {
    return {begin_, static_cast<std::size_t>(text_.data() + text_.size() - begin_)};
  }

private:
  std::array<char, 20> text_;
  char* begin_ = text_.data() + text_.size();
};

/// All that `metrics` counts.
class metrics::registry {
public:
  explicit registry(std::size_t most)
      : operations(most), models(most), providers(std::max<std::size_t>(most / 10, 10)), pacing(most) {}

  operation_series& operation_of(observed_call const& call, std::string_view served_by, errc failure) {
    auto const& endpoint = *call.endpoint;
    number_text const port(endpoint.server_port);
    return operations.find({endpoint.server_address, port, call.model, served_by,
                            failure == errc::none ? std::string_view() : to_string(failure)});
  }
  provider_series& provider_of(endpoint_info const* endpoint) { return providers.find({endpoint->provider}); }

  counter_epoch epoch;
  operation_table operations;
  model_table models;
  provider_table providers;
  pacing_table pacing;
  histogram<lag_bounds.size()> lag{lag_bounds};
};

} // namespace claudio
