#include "net/name_cache.hpp"

#include "core/api_base.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <list>

namespace claudio {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

name_cache::look_up ask_the_system(asio::any_io_executor const& executor) {
  return [executor](std::string const& host, std::string const& port, name_cache::answer answer) {
    auto const resolver = std::make_shared<tcp::resolver>(executor);
    resolver->async_resolve(host, port,
                            [resolver, answer = std::move(answer)](boost::system::error_code failure,
                                                                   tcp::resolver::results_type const& results) {
                              name_cache::endpoints found;
                              for (auto const& entry : results)
                                found.push_back(entry.endpoint());
                              answer(failure, std::move(found));
                            });
  };
}

} // namespace

// Shared by the handler and all who wait for it, each of whom may give up before.
class name_cache::lookup {
public:
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

  std::list<asio::steady_timer*> waiters;
  bool answered = false;
  boost::system::error_code failure;
  endpoints found;
};

name_cache::name_cache(asio::any_io_executor executor, std::string host, std::string port)
    : name_cache(executor, std::move(host), std::move(port), ask_the_system(executor), &clock::now) {}

name_cache::name_cache(asio::any_io_executor executor, std::string host, std::string port, look_up ask,
                       std::function<clock::time_point()> now)
    : executor_(std::move(executor)), host_(std::move(host)), port_(std::move(port)), look_up_(std::move(ask)),
      now_(std::move(now)) {
  std::uint16_t number = 0;
  std::from_chars(port_.data(), port_.data() + port_.size(), number);
  boost::system::error_code not_an_address;
  auto const address = asio::ip::make_address(host_, not_an_address);
  if (!not_an_address) {
    known_.emplace_back(address, number);
  } else if (is_localhost(host_)) {
    // RFC 6761 6.3: never to be looked up; what is loosened for loopback must not depend on a name server.
    known_.emplace_back(asio::ip::address_v4::loopback(), number);
    known_.emplace_back(asio::ip::address_v6::loopback(), number);
  } else {
    return;
  }
  known_until_ = clock::time_point::max();
}

std::shared_ptr<name_cache::lookup> name_cache::begin_lookup() {
  auto const state = std::make_shared<lookup>();
  running_ = state; // before it is answered, perhaps at once
  look_up_(host_, port_, [self = shared_from_this(), state](boost::system::error_code failure, endpoints found) {
    self->note(*state, failure, std::move(found));
  });
  return state;
}

void name_cache::note(lookup& state, boost::system::error_code failure, endpoints found) {
  running_.reset();
  state.answered = true;
  state.failure = failure;
  state.found = std::move(found);
  if (!failure) {
    known_ = state.found;
    known_until_ = now_() + lifetime;
  }
  for (auto* waiting : state.waiters)
    waiting->cancel();
}

void name_cache::forget(endpoints const& dead) {
  if (known_until_ != clock::time_point::max() &&
      std::is_permutation(known_.begin(), known_.end(), dead.begin(), dead.end()))
    known_until_ = clock::time_point::min();
}

void name_cache::blame(tcp::endpoint const& address) {
  std::erase_if(blamed_, [&](auto const& other) { return other.first == address || other.second <= now_(); });
  blamed_.emplace_back(address, now_() + lifetime);
  if (known_until_ != clock::time_point::max())
    known_until_ = clock::time_point::min();
}

name_cache::endpoints name_cache::in_order(endpoints addresses) const {
  auto const is_fine = [&](tcp::endpoint const& address) {
    return std::none_of(blamed_.begin(), blamed_.end(),
                        [&](auto const& other) { return other.first == address && other.second > now_(); });
  };
  std::stable_partition(addresses.begin(), addresses.end(), is_fine);
  return addresses;
}

void name_cache::interrupt() {
  if (running_)
    for (auto* waiting : running_->waiters)
      waiting->cancel();
}

asio::awaitable<result<name_cache::endpoints>> name_cache::resolve(call_progress& progress) {
  if (now_() < known_until_)
    co_return in_order(known_);
  auto state = running_;
  if (!state)
    state = begin_lookup();
  if (!state->answered) {
    lookup::waiter waiting(state, executor_);
    waiting.woken.expires_at(progress.until(call_phase::resolve));
    boost::system::error_code woken;
    co_await waiting.woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!state->answered && woken)
      co_return error(errc::cancelled, "the caller cancelled during name resolution");
    if (!state->answered)
      co_return progress.timeout(call_phase::resolve);
  }
  if (state->failure)
    co_return error(errc::connect, "can't resolve \"" + host_ + "\": " + state->failure.message());
  co_return in_order(state->found);
}

} // namespace claudio
