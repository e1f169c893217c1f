#pragma once

#include "policy/limiter.hpp"
#include "simulation/provider.hpp"
#include "simulation/world.hpp"

#include <claudio/retry.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace claudio::simulation {

/// How the callers protect themselves and the provider: what a client is configured to.
class protection {
public:
  protection() = default;

  /// Nothing but retries, as most clients have.
  static protection retries_only();

  std::size_t keys = 1;
  rate_limits limits;
  pacing_options pacing;
  circuit_breaker_options breaker;
  bool budget = true;
};

/// What one call is like.
struct call_shape {
  call_shape() {
    usage.input_tokens = 500;
    usage.output_tokens = 200;
  }

  std::size_t bytes = 2000;
  message_usage usage;
};

/// Callers that share a client: the production limiter, retry loop and budget, with the world's clock and dice. What
/// is not production code here is the client's glue between them, and the way to the provider.
class callers {
public:
  callers(world& in, provider& at, protection const& by);

  /// `count` callers from now on, each of which calls, thinks for a time of that mean, and calls again, until `end`.
  void start(std::size_t count, std::chrono::duration<double> thinking, world::time_point end);
  /// `count` callers that call once, now.
  void call_once(std::size_t count);

  std::function<call_shape(world&)> shape = [](world&) { return call_shape(); };

  std::uint64_t wanted = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t failed_at_once = 0; ///< by an open circuit
  double longest_wait = 0;          ///< for a turn, in seconds
  double last_end = 0;              ///< of a call, in seconds
  std::vector<std::uint64_t> wanted_by_second;

private:
  class waiter;

  class server_alarm final : public world::alarm {
  public:
    explicit server_alarm(callers& of) : of_(of) {}
    void ring() override { of_.serve(); }

  private:
    callers& of_;
  };

  boost::asio::awaitable<void> live(std::chrono::duration<double> thinking, world::time_point end);
  boost::asio::awaitable<void> call();
  boost::asio::awaitable<result<void>> attempt(call_shape const& what, std::string const& text);
  boost::asio::awaitable<result<limiter::ticket>> admit(limiter::demand const& wants);
  void serve();

  world& world_;
  provider& provider_;
  limiter limiter_;
  std::shared_ptr<retry_budget> budget_;
  server_alarm alarm_{*this};
  world::time_point serves_at_ = world::time_point::max();
  std::uint64_t calls_ = 0;
};

} // namespace claudio::simulation
