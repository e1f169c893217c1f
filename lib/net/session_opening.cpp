#include "net/session_opening.hpp"

#include "net/connection_failure.hpp"
#include "net/name_cache.hpp"
#include "net/thread_buffers.hpp"
#include "net/tunnel.hpp"
#include "observe/loggers.hpp"

#include <memory>
#include <string>
#include <utility>

namespace claudio {
namespace asio = boost::asio;

asio::awaitable<result<void>> session_opening::connect(call_progress& progress) {
  stopwatch const watch(progress.info.connect);
  auto const limit = progress.until(call_phase::connect);
  auto resolving = environment_.names->resolve(progress);
  auto const resolved = co_await std::move(resolving);
  if (!resolved)
    co_return unresolved(resolved.error());
  connection_.deadline(limit);
  auto connecting = connection_.connect(*resolved);
  auto const status = co_await std::move(connecting);
  if (status == io_status::timed_out ||
      (status == io_status::socket_failed && !is_local_fault(connection_.socket_failure())))
    environment_.names->forget(*resolved);
  if (status != io_status::done)
    co_return connection_failure(connection_, status, call_phase::connect, progress, connecting_to());
  if (environment_.proxy && environment_.tls) {
    auto opening = open_tunnel(progress);
    auto const opened = co_await std::move(opening);
    if (!opened)
      co_return opened.error();
  }
  connection_.deadline(call_progress::clock::time_point::max());
  co_return result<void>();
}

asio::awaitable<result<void>> session_opening::secure(call_progress& progress) {
  if (!environment_.tls)
    co_return result<void>();
  stopwatch const watch(progress.info.tls);
  auto const prepared = connection_.begin_tls(environment_.endpoint.host);
  if (!prepared)
    co_return prepared.error();
  connection_.deadline(progress.until(call_phase::tls));
  auto shaking = connection_.shake_hands();
  auto const status = co_await std::move(shaking);
  connection_.deadline(call_progress::clock::time_point::max());
  if (!environment_.proxy)
    blame_address(status);
  if (status == io_status::tls_failed)
    co_return error(errc::tls, connection_.tls_failure());
  if (status != io_status::done)
    co_return connection_failure(connection_, status, call_phase::tls, progress, "shaking hands with " + authority());
  co_return result<void>();
}

std::string const& session_opening::authority() const noexcept { return environment_.endpoint.authority; }

std::string session_opening::peer() const {
  return environment_.proxy ? environment_.proxy->description() : authority();
}

// Whoever reads that a name does not resolve may not know that it is a proxy's.
error session_opening::unresolved(error const& failure) const {
  if (!environment_.proxy || failure.code() != errc::connect)
    return failure;
  return error(errc::connect, environment_.proxy->description() + ": " + failure.message());
}

// Has the proxy lead the connection on to the endpoint. What it says about that is not kept.
asio::awaitable<result<void>> session_opening::open_tunnel(call_progress& progress) {
  auto const tunnel = std::make_unique<tunnel_opening>(*environment_.proxy, environment_.endpoint);
  auto writing = connection_.write(request_pieces(tunnel->request()));
  auto const written = co_await std::move(writing);
  if (written != io_status::done && written != io_status::socket_failed)
    co_return no_tunnel(written, progress);
  while (!tunnel->open()) {
    auto waiting = connection_.wait_readable();
    auto status = co_await std::move(waiting);
    if (auto const read = read_answer(*tunnel, status); !read)
      co_return read.error();
    if (status != io_status::done && !tunnel->open()) {
      blame_address(status);
      co_return no_tunnel(written != io_status::done ? written : status, progress);
    }
  }
  net_log().debug("tunnel_opened call={} proxy=\"{}\" server={}", progress.number, environment_.proxy->description(),
                  authority());
  co_return result<void>();
}

result<void> session_opening::read_answer(tunnel_opening& tunnel, io_status& status) {
  if (status != io_status::done)
    return {};
  auto& received = this_threads_buffers().plain;
  std::size_t got = 0;
  status = connection_.receive(received, got);
  return tunnel.parse({received.data(), got});
}

error session_opening::no_tunnel(io_status status, call_progress const& progress) const {
  auto const doing = "waiting for " + peer() + " to lead to " + authority();
  auto const cause = connection_failure(connection_, status, call_phase::connect, progress, doing);
  if (status != io_status::timed_out)
    return cause;
  error_details details;
  details.message = "while " + doing + ": " + cause.message();
  details.param = cause.param();
  return error(cause.code(), 0, std::move(details));
}

// It takes connections and then says nothing, or closes them: the next attempt is better off with another address.
void session_opening::blame_address(io_status status) {
  if (status == io_status::timed_out || status == io_status::closed || status == io_status::truncated ||
      (status == io_status::socket_failed && !is_local_fault(connection_.socket_failure())))
    environment_.names->blame(connection_.address());
}

std::string session_opening::connecting_to() const {
  auto const tried = connection_.addresses_tried();
  return "connecting to " + peer() + (tried > 1 ? " (" + std::to_string(tried) + " addresses)" : "");
}

} // namespace claudio
