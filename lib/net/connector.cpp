#include "net/connector.hpp"

#include "async/descriptors.hpp"
#include "core/process_id.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace claudio {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

void set(int descriptor, int level, int option, int value) noexcept {
  // Where it can't be had, the connection does without.
  static_cast<void>(::setsockopt(descriptor, level, option, &value, sizeof value));
}

// While a model thinks about an answer that is not streamed nothing passes for minutes: a NAT forgets such a
// connection, and a dead peer looks like a thinking one. The figures are those of Anthropic's own clients.
void keep_alive(int descriptor) noexcept {
  set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 60);
  set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 5);
}

} // namespace

// Also for the coroutine that is destroyed, or that Asio throws out of, instead of going on.
class connector::closer {
public:
  explicit closer(connector& owner) noexcept : owner_(owner) {}
  closer(closer const&) = delete;
  closer& operator=(closer const&) = delete;
  ~closer() { owner_.end(); }

private:
  connector& owner_;
};

connector::connector(asio::any_io_executor const& executor, endpoints const& addresses)
    : addresses_(
          interleave_families(addresses, [](tcp::endpoint const& address) { return address.address().is_v6(); })),
      race_(addresses_.size()), process_(process_id()), woken_(executor), outcome_(asio::error::operation_aborted) {
  sockets_.reserve(addresses_.size()); // they stay where they are while they connect
  if (addresses_.empty())
    outcome_ = asio::error::not_found;
}

asio::awaitable<error_code> connector::connect() {
  closer const guard(*this);
  while (!ended_ && !race_.over()) {
    begin_due();
    noted_ = false;
    woken_.expires_at(race_.next_due());
    error_code woken;
    co_await woken_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (woken && !noted_)
      break; // the caller cancelled
  }
  co_return outcome_;
}

void connector::begin_due() {
  while (auto const due = race_.begin_due(connect_race::time_point::clock::now())) {
    auto const attempt = *due;
    auto& socket = sockets_.emplace_back(woken_.get_executor());
    auto const address = addresses_[attempt];
    auto done = [self = shared_from_this(), attempt](error_code failure) { self->note(attempt, failure); };
    if (auto const failure = open_socket(socket, address.protocol()))
      asio::post(woken_.get_executor(), [done, failure] { done(failure); });
    else
      socket.async_connect(address, std::move(done));
  }
}

void connector::note(std::size_t attempt, error_code failure) {
  if (ended_)
    return;
  if (!failure) {
    race_.succeed();
    winner_.emplace(std::move(sockets_[attempt]));
    address_ = addresses_[attempt];
    end();
    outcome_ = failure;
  } else {
    error_code ignored;
    sockets_[attempt].close(ignored);
    race_.fail(attempt, failure);
    if (race_.over())
      outcome_ = race_.failure();
  }
  wake();
}

void connector::end() noexcept {
  ended_ = true;
  if (process_ != process_id())
    for (auto& socket : sockets_)
      if (socket.is_open())
        leave_to_parent(socket.native_handle());
  sockets_.clear();
}

void connector::wake() noexcept {
  noted_ = true;
  woken_.cancel();
}

void connector::stop() noexcept {
  end();
  winner_.reset();
  outcome_ = asio::error::operation_aborted;
  wake();
}

int connector::release(error_code& failure) {
  // After a fork both processes see the connection succeed; it belongs to the one that began it.
  if (process_ != process_id()) {
    failure = asio::error::operation_aborted;
    return -1;
  }
  winner_->set_option(tcp::no_delay(true), failure);
  if (failure)
    return -1;
  keep_alive(winner_->native_handle());
  return winner_->release(failure);
}

} // namespace claudio
