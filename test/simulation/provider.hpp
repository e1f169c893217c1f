#pragma once

#include "simulation/world.hpp"
#include "testing/rate_limits.hpp"

#include <claudio/error.hpp>
#include <claudio/message.hpp>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace claudio::simulation {

/// A provider that enforces real token buckets, can be down, overloaded, or refuse a key, and counts what it gets.
class provider {
public:
  provider(world& in, rate_limits limits) : world_(in), limits_(limits) {}

  /// A call as it arrives.
  struct request {
    std::size_t key = 0;
    message_usage usage;
  };

  struct response {
    std::optional<error> failure;
    std::vector<std::pair<std::string, std::string>> headers;
    message_usage usage;
    std::chrono::nanoseconds takes{0}; ///< from its arrival
  };

  response receive(request const& arrived);

  std::function<bool(double seconds)> down = [](double) { return false; };
  /// How many calls it takes a second; beyond that it is overloaded.
  std::function<double(double seconds)> capacity = [](double) { return 1e9; };
  std::set<std::size_t> bad_keys;
  std::chrono::seconds clock_ahead{0}; ///< of the callers' clock
  double answer_seconds = 2;           ///< in the mean

  std::uint64_t received = 0;
  std::uint64_t answered = 0;
  std::uint64_t rate_limited = 0;
  std::uint64_t rate_limited_late = 0;  ///< after the first minute
  std::vector<std::uint64_t> by_key;    ///< received
  std::vector<std::uint64_t> by_second; ///< received

private:
  response refuse(int status, errc code) const;

  world& world_;
  testing::enforced_limits limits_;
  double spare_ = 0; // capacity
  double spare_at_ = 0;
};

} // namespace claudio::simulation
