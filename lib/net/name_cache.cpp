#include "net/name_cache.hpp"

#include "async/wait_queue.hpp"
#include "core/api_base.hpp"

#include <algorithm>
#include <charconv>

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
  explicit lookup(asio::any_io_executor executor) : waiters(std::move(executor)) {}

  wait_queue waiters;
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
  auto const state = std::make_shared<lookup>(executor_);
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
  state.waiters.grant_all();
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
    running_->waiters.interrupt();
}

asio::awaitable<result<name_cache::endpoints>> name_cache::resolve(call_progress& progress) {
  if (now_() < known_until_)
    co_return in_order(known_);
  auto state = running_;
  if (!state)
    state = begin_lookup();
  if (!state->answered) {
    wait_queue::waiter stay(state->waiters);
    auto waiting = stay.wait(progress.until(call_phase::resolve));
    auto const outcome = co_await std::move(waiting);
    if (outcome == wait_outcome::late)
      co_return progress.timeout(call_phase::resolve);
    if (outcome != wait_outcome::granted)
      co_return progress.cancelled("looking up the host's name");
  }
  if (state->failure)
    co_return error(errc::connect, "can't resolve \"" + host_ + "\": " + state->failure.message());
  co_return in_order(state->found);
}

} // namespace claudio
