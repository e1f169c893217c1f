#include "postgres/pool.hpp"

#include "observe/loggers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <random>

namespace claudio {
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_recovering = 4;
constexpr auto time_to_recover = 5s;
constexpr auto shortest_try = 300ms;

// Half of it is random: many processes lose their server at the same moment.
std::chrono::milliseconds pause_after(unsigned failures) {
  constexpr auto longest = 1000ms;
  thread_local std::minstd_rand generator{std::random_device{}()};
  auto const full = std::min(longest, 50ms * (1 << std::min(failures, 5u)));
  return full / 2 + std::chrono::milliseconds(generator() % static_cast<unsigned>(full.count() / 2 + 1));
}

} // namespace

// A connection in use. Where its work was left, by a cancellation or a time limit, somebody else brings it to an end.
class postgres_pool::lease {
public:
  lease(std::shared_ptr<postgres_pool> owner, postgres_connection::pointer taken)
      : owner_(std::move(owner)), taken_(std::move(taken)) {}
  lease(lease const&) = delete;
  lease& operator=(lease const&) = delete;
  ~lease() {
    if (taken_->is_idle())
      owner_->put_back(std::move(taken_));
    else if (taken_->is_connected() && owner_->recovering_ < most_recovering) {
      ++owner_->recovering_;
      asio::co_spawn(owner_->executor_, recover(owner_, std::move(taken_)), asio::detached);
    }
  }

  postgres_connection::pointer const& connection() const noexcept { return taken_; }

private:
  std::shared_ptr<postgres_pool> owner_;
  postgres_connection::pointer taken_;
};

postgres_pool::postgres_pool(asio::any_io_executor executor, std::shared_ptr<postgres_address const> address,
                             std::size_t most)
    : executor_(executor), connector_(std::make_shared<postgres_connector>(executor, std::move(address))),
      most_idle_(most), turns_(std::move(executor), most) {}

void postgres_pool::put_back(postgres_connection::pointer used) {
  if (most_idle_ == 0 || idle_.size() < most_idle_)
    idle_.push_back(std::move(used));
}

asio::awaitable<result<postgres_connection::pointer>> postgres_pool::take(std::shared_ptr<postgres_pool> self,
                                                                          clock::time_point limit) {
  while (!self->idle_.empty()) {
    auto last = std::move(self->idle_.back());
    self->idle_.pop_back();
    if (last->is_idle())
      co_return last;
  }
  auto connecting = postgres_connector::connect(self->connector_, limit);
  auto connected = co_await std::move(connecting);
  co_return connected;
}

asio::awaitable<void> postgres_pool::recover(std::shared_ptr<postgres_pool> self, postgres_connection::pointer left) {
  auto const limit = clock::now() + time_to_recover;
  if (!left->is_between_operations()) {
    auto taking = take(self, limit);
    auto other = co_await std::move(taking);
    if (other && (*other)->is_same_server(*left)) {
      auto asking = postgres_connection::ask_to_cancel(*other, left, limit);
      co_await std::move(asking);
    }
    if (other && (*other)->is_idle())
      self->put_back(std::move(*other));
  }
  auto settling = postgres_connection::settle(left, limit);
  co_await std::move(settling);
  --self->recovering_;
  if (left->is_idle())
    self->put_back(std::move(left));
}

asio::awaitable<result<void>> postgres_pool::run(std::shared_ptr<postgres_pool> self, work job,
                                                 clock::time_point limit) {
  semaphore::permit turn(self->turns_);
  auto waiting = turn.wait(limit);
  auto const granted = co_await std::move(waiting);
  if (granted == wait_outcome::late)
    co_return error(errc::storage, "all connections to " + self->name() + " are in use");
  asio::steady_timer pause(self->executor_);
  for (unsigned failures = 0;; ++failures) {
    auto taking = take(self, limit);
    auto taken = co_await std::move(taking);
    result<void> done;
    if (taken) {
      lease const used(self, std::move(*taken));
      auto doing = job(used.connection());
      done = co_await std::move(doing);
    } else {
      done = taken.error();
    }
    if (done || !is_lost_connection(done.error()))
      co_return done;
    // What broke one has broken the others.
    self->idle_.clear();
    // The first one may have broken while nobody used it.
    auto const wait = failures == 0 && taken ? 0ms : pause_after(failures);
    // Too late for another try, which would hide why this one failed.
    if (clock::now() + wait + shortest_try >= limit)
      co_return done;
    // Once: whoever waits should know why.
    if (failures == 0 && !taken)
      net_log().warn("{}; trying again", done.error().message());
    else
      net_log().info("{}; trying again in {} ms", done.error().message(), wait.count());
    pause.expires_after(wait);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

} // namespace claudio
