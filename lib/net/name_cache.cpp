#include "net/name_cache.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <list>

namespace claudio {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::seconds lifetime{30};

} // namespace

// Shared by the handler and all who wait for it, each of whom may give up before.
class name_cache::lookup {
public:
  explicit lookup(asio::any_io_executor const& executor) : resolver(executor) {}

  // A caller's stay among those who wait.
  class waiter {
  public:
    waiter(std::shared_ptr<lookup> state, asio::any_io_executor const& executor)
        : woken(executor), state_(std::move(state)), position_(state_->waiters.insert(state_->waiters.end(), &woken)) {}
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    ~waiter() { state_->waiters.erase(position_); }

    asio::steady_timer woken; // cancelled when the answer is there

  private:
    std::shared_ptr<lookup> state_;
    std::list<asio::steady_timer*>::iterator position_;
  };

  tcp::resolver resolver;
  std::list<asio::steady_timer*> waiters;
  bool answered = false;
  boost::system::error_code failure;
  endpoints found;
};

name_cache::name_cache(asio::any_io_executor executor, std::string host, std::string port)
    : executor_(std::move(executor)), host_(std::move(host)), port_(std::move(port)) {
  std::uint16_t number = 0;
  std::from_chars(port_.data(), port_.data() + port_.size(), number);
  boost::system::error_code not_an_address;
  auto const address = asio::ip::make_address(host_, not_an_address);
  if (!not_an_address) {
    known_.emplace_back(address, number);
  } else if (host_ == "localhost") {
    // RFC 6761 6.3: never to be looked up; what is loosened for loopback must not depend on a name server.
    known_.emplace_back(asio::ip::address_v4::loopback(), number);
    known_.emplace_back(asio::ip::address_v6::loopback(), number);
  } else {
    return;
  }
  known_until_ = call_progress::clock::time_point::max();
}

std::shared_ptr<name_cache::lookup> name_cache::begin_lookup(std::shared_ptr<name_cache> self) {
  auto const state = std::make_shared<lookup>(self->executor_);
  state->resolver.async_resolve(
      self->host_, self->port_,
      [self, state](boost::system::error_code failure, tcp::resolver::results_type const& answer) {
        state->answered = true;
        state->failure = failure;
        for (auto const& entry : answer)
          state->found.push_back(entry.endpoint());
        self->running_.reset();
        if (!failure) {
          self->known_ = state->found;
          self->known_until_ = call_progress::clock::now() + lifetime;
        }
        for (auto* waiting : state->waiters)
          waiting->cancel();
      });
  return state;
}

void name_cache::interrupt() {
  if (running_)
    for (auto* waiting : running_->waiters)
      waiting->cancel();
}

asio::awaitable<result<name_cache::endpoints>> name_cache::resolve(call_progress& progress) {
  if (call_progress::clock::now() < known_until_)
    co_return known_;
  if (!running_)
    running_ = begin_lookup(shared_from_this());
  auto const state = running_;
  lookup::waiter waiting(state, executor_);
  waiting.woken.expires_at(progress.until(call_phase::connect));
  boost::system::error_code woken;
  co_await waiting.woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  if (!state->answered) {
    if (woken)
      co_return error(errc::cancelled, "the caller cancelled during name resolution");
    co_return progress.timeout(call_phase::connect);
  }
  if (state->failure)
    co_return error(errc::connect, "can't resolve \"" + host_ + "\": " + state->failure.message());
  co_return state->found;
}

} // namespace claudio
