#include "testing/connection.hpp"

#include "core/saturating_time.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <poll.h>
#include <utility>

namespace claudio::testing {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// How often the end is looked for behind bytes that nobody reads.
constexpr std::chrono::milliseconds look_again{10};

bool peer_is_gone(tcp::socket& socket) {
  pollfd asked{};
  asked.fd = socket.native_handle();
  asked.events = POLLRDHUP;
  return ::poll(&asked, 1, 0) > 0; // also says POLLHUP and POLLERR
}

} // namespace

connection::connection(strand_type strand, std::vector<connection*>& open, tcp::socket& socket)
    : open_(open), socket_(socket), timer_(std::move(strand)) {
  open_.push_back(this);
}

connection::~connection() { std::erase(open_, this); }

void connection::end() {
  ended_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

// The socket's destructor alone would not do: it takes the option back.
void connection::reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  end();
}

asio::awaitable<void> connection::pause(std::chrono::milliseconds time) {
  if (ended_ || time.count() <= 0)
    co_return;
  error_code ignored;
  timer_.expires_after(to_nanoseconds(time));
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> connection::fall_silent() {
  peer_watch const watch(*this);
  while (!ended_) {
    auto waiting = pause(std::chrono::hours(1));
    co_await std::move(waiting);
  }
}

// Outlives the watch until its waits have come back.
class peer_watch::state {
public:
  explicit state(connection& c) : watched(&c), timer(c.timer_.get_executor()) {}

  connection* watched; // null: over
  asio::steady_timer timer;
};

peer_watch::peer_watch(connection& watched) : state_(std::make_shared<state>(watched)) {
  auto running = run(state_);
  asio::co_spawn(state_->timer.get_executor(), std::move(running), asio::detached);
}

// A wait for the socket comes back with the next request or the socket's end.
peer_watch::~peer_watch() {
  state_->watched = nullptr;
  state_->timer.cancel();
}

asio::awaitable<void> peer_watch::run(std::shared_ptr<state> self) {
  while (self->watched && !self->watched->ended()) {
    error_code ignored;
    co_await self->watched->socket_.async_wait(tcp::socket::wait_read,
                                               asio::redirect_error(asio::use_awaitable, ignored));
    if (!self->watched || self->watched->ended())
      co_return;
    if (peer_is_gone(self->watched->socket_)) {
      self->watched->end();
      co_return;
    }
    // A TLS alert, or the next request already; it would wake us again at once.
    self->timer.expires_after(look_again);
    co_await self->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

} // namespace claudio::testing
