#include "postgres/connector.hpp"

#include "async/wait_queue.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <optional>

namespace claudio {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

error not_found(std::string message) {
  error_details details;
  details.message = std::move(message);
  details.error_code = "08001";
  return error(errc::storage, 0, std::move(details));
}

bool is_numeric(std::string const& host) {
  boost::system::error_code failure;
  asio::ip::make_address(host, failure);
  return !failure;
}

} // namespace

// One thread of Asio's looks names up, for all of a context, and nothing can stop it: a look-up is abandoned, and
// whoever asks again waits for the same one.
class postgres_connector::lookup {
public:
  explicit lookup(asio::any_io_executor const& executor) : resolver(executor), waiters(executor) {}

  tcp::resolver resolver;
  wait_queue waiters;
  std::optional<boost::system::error_code> failure;
  std::vector<std::string> addresses;
};

postgres_connector::postgres_connector(asio::any_io_executor executor, std::shared_ptr<postgres_address const> address)
    : executor_(std::move(executor)), address_(std::move(address)) {}

asio::awaitable<result<std::vector<std::string>>>
postgres_connector::addresses_of(std::shared_ptr<postgres_connector> self, postgres_address::server where,
                                 clock::time_point limit) {
  if (!where.address.empty() || where.host.empty() || where.is_socket())
    co_return std::vector<std::string>(1, where.address);
  if (is_numeric(where.host))
    co_return std::vector<std::string>(1, where.host);
  auto& running = self->lookups_[where.host];
  if (!running) {
    running = std::make_shared<lookup>(self->executor_);
    auto ended = [weak = std::weak_ptr(self), asked = running,
                  host = where.host](boost::system::error_code failure, tcp::resolver::results_type const& found) {
      asked->failure = failure;
      for (auto const& entry : found)
        asked->addresses.push_back(entry.endpoint().address().to_string());
      asked->waiters.grant_all();
      if (auto const owner = weak.lock())
        owner->lookups_.erase(host);
    };
    running->resolver.async_resolve(where.host, "", std::move(ended));
  }
  auto const asked = running;
  wait_queue::waiter stay(asked->waiters);
  auto waiting = stay.wait(limit);
  auto const outcome = co_await std::move(waiting);
  if (outcome == wait_outcome::cancelled)
    throw boost::system::system_error(asio::error::operation_aborted);
  auto const name = self->name() + " can't be connected to: the host " + where.host;
  if (outcome != wait_outcome::granted)
    co_return not_found(name + " is not looked up in time");
  if (*asked->failure)
    co_return not_found(name + " is not known: " + asked->failure->message());
  co_return asked->addresses;
}

asio::awaitable<result<postgres_connection::pointer>>
postgres_connector::connect_to(std::shared_ptr<postgres_connector> self, postgres_address::server where,
                               clock::time_point limit) {
  auto looking = addresses_of(self, where, limit);
  auto const addresses = co_await std::move(looking);
  if (!addresses)
    co_return addresses.error();
  result<postgres_connection::pointer> connected = not_found(self->name() + ": no address of " + where.host);
  for (auto const& numeric : *addresses) {
    where.address = numeric;
    auto connecting = postgres_connection::connect(self->address_, where, limit);
    connected = co_await std::move(connecting);
    if (connected || !is_lost_connection(connected.error()))
      break;
  }
  co_return connected;
}

asio::awaitable<result<postgres_connection::pointer>>
postgres_connector::connect(std::shared_ptr<postgres_connector> self, clock::time_point limit) {
  auto const& servers = self->address_->servers();
  result<postgres_connection::pointer> connected = not_found(self->name() + " names no server");
  for (std::size_t tried = 0; tried < servers.size(); ++tried) {
    auto const index = (self->first_ + tried) % servers.size();
    auto const now = clock::now();
    auto const share = (limit - now) / static_cast<int>(servers.size() - tried);
    auto const limit_here = now + std::min<clock::duration>(self->address_->connect_timeout(), share);
    auto connecting = connect_to(self, servers[index], limit_here);
    connected = co_await std::move(connecting);
    if (connected)
      self->first_ = index;
    // The others would refuse it too.
    if (connected || !is_lost_connection(connected.error()))
      break;
  }
  co_return connected;
}

} // namespace claudio
