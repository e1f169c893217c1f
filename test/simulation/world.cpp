#include "simulation/world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace claudio::simulation {
namespace asio = boost::asio;

void world::spawn(asio::awaitable<void> work) {
  asio::co_spawn(context_, std::move(work), [](std::exception_ptr failure) {
    if (failure)
      std::rethrow_exception(failure);
  });
}

namespace {

class sleeper final : public world::alarm {
public:
  explicit sleeper(asio::io_context& context) : timer(context, world::time_point::max()) {}
  void ring() override { timer.cancel(); }

  asio::steady_timer timer;
};

} // namespace

asio::awaitable<void> world::sleep(std::chrono::nanoseconds time) {
  sleeper waiting(context_);
  set(waiting, now_ + time);
  boost::system::error_code ignored;
  co_await waiting.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void world::run() {
  context_.restart();
  context_.poll();
  while (!events_.empty()) {
    auto const next = events_.top();
    events_.pop();
    now_ = next.when;
    next.what->ring();
    context_.restart();
    context_.poll();
  }
}

void world::note(std::string_view what, std::uint64_t number) noexcept {
  auto const add = [this](std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte)
      trace_ = (trace_ ^ ((value >> (8 * byte)) & 0xff)) * 1099511628211u;
  };
  add(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  for (char const c : what)
    add(static_cast<unsigned char>(c));
  add(number);
}

} // namespace claudio::simulation
