#pragma once

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>

namespace claudio {

/// Where a configuration comes from that changes while it is in use; a `store` is one. Executor, cancellation and
/// thread safety are those of `store`.
class configuration_source {
public:
  virtual ~configuration_source() = default;

  /// The configuration as it is now, with its revision.
  virtual boost::asio::awaitable<result<configuration>> load() const = 0;
  /// Completes when the revision is another than `seen`, soon after it has changed.
  virtual boost::asio::awaitable<result<void>> wait_for_change(std::uint64_t seen) const = 0;

protected:
  configuration_source() = default;
  configuration_source(configuration_source const&) = default;
  configuration_source& operator=(configuration_source const&) = default;
};

} // namespace claudio
