#include "net/resolve.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <memory>
#include <optional>

namespace claudio {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Shared with the look-up's handler, which may come after the call has given up.
class lookup {
public:
  explicit lookup(asio::any_io_executor const& executor) : resolver(executor), done(executor) {}

  tcp::resolver resolver;
  asio::steady_timer done; // cancelled when the answer is there
  bool answered = false;
  boost::system::error_code failure;
  std::vector<tcp::endpoint> endpoints;
};

// Tells a look-up that nobody waits any more.
class abandon_on_exit {
public:
  explicit abandon_on_exit(std::shared_ptr<lookup> state) : state_(std::move(state)) {}
  abandon_on_exit(abandon_on_exit const&) = delete;
  abandon_on_exit& operator=(abandon_on_exit const&) = delete;
  ~abandon_on_exit() {
    if (!state_->answered)
      state_->resolver.cancel();
  }

private:
  std::shared_ptr<lookup> state_;
};

} // namespace

asio::awaitable<result<std::vector<tcp::endpoint>>> resolve(std::string host, std::string port,
                                                            call_progress& progress) {
  std::vector<tcp::endpoint> endpoints;
  boost::system::error_code not_an_address;
  auto const address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    std::uint16_t number = 0;
    std::from_chars(port.data(), port.data() + port.size(), number);
    endpoints.emplace_back(address, number);
    co_return endpoints;
  }

  auto executor = co_await asio::this_coro::executor;
  auto const state = std::make_shared<lookup>(executor);
  abandon_on_exit const abandon(state);
  state->done.expires_at(progress.until(call_phase::connect));
  state->resolver.async_resolve(host, port,
                                [state](boost::system::error_code failure, tcp::resolver::results_type const& found) {
                                  state->answered = true;
                                  state->failure = failure;
                                  for (auto const& entry : found)
                                    state->endpoints.push_back(entry.endpoint());
                                  state->done.cancel();
                                });
  boost::system::error_code woken;
  co_await state->done.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (!state->answered) {
    if (woken)
      co_return error(errc::cancelled, "the caller cancelled during name resolution");
    co_return progress.timeout(call_phase::connect);
  }
  if (state->failure)
    co_return error(errc::connect, "can't resolve \"" + host + "\": " + state->failure.message());
  co_return state->endpoints;
}

} // namespace claudio
