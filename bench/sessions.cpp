// What a session costs, ours beside Beast's on asio::ssl: bench_sessions own|beast SESSIONS CALLS
// Against the server of ANTHROPIC_BASE_URL, whose authority is in SSL_CERT_FILE. bench/sessions.sh runs both in turn.
#include "async/deadline_sweep.hpp"
#include "async/semaphore.hpp"
#include "net/beast_session.hpp"
#include "net/name_cache.hpp"
#include "net/socket_poller.hpp"
#include "net/tls_context.hpp"
#include "support/process_usage.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

using namespace claudio;
using namespace bench;
namespace asio = boost::asio;

namespace {

[[noreturn]] void give_up(std::string const& why) {
  std::cerr << "bench_sessions: " << why << "\n";
  std::exit(1);
}

std::string request_for(api_base const& endpoint) {
  std::string const body = R"({"model":"claude-sonnet-4-6","max_tokens":100,"messages":[{"role":"user","content":")" +
                           std::string(1000, 'x') + R"("}]})";
  return "POST /v1/messages HTTP/1.1\r\nhost: " + endpoint.authority +
         "\r\nx-api-key: sk-ant-x\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
         "content-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

asio::awaitable<void> open(std::unique_ptr<session>& opened, semaphore& handshakes) {
  call_progress progress(time_limits{}, std::nullopt);
  auto connecting = opened->connect(progress);
  auto const connected = co_await std::move(connecting);
  if (!connected)
    give_up(connected.error().to_string());
  semaphore::permit permit(handshakes);
  auto waiting = permit.wait(progress.deadline());
  co_await std::move(waiting);
  auto shaking = opened->secure(progress);
  auto const secured = co_await std::move(shaking);
  if (!secured)
    give_up(secured.error().to_string());
}

asio::awaitable<void> call(session& used, std::string const& request, long& left) {
  while (left > 0) {
    --left;
    call_progress progress(time_limits{}, std::nullopt);
    auto exchanging = used.exchange(request_pieces(request), progress);
    auto const response = co_await std::move(exchanging);
    if (!response)
      give_up(response.error().to_string());
    if (response->status != 200 || !used.reusable())
      give_up("HTTP status " + std::to_string(response->status));
  }
}

} // namespace

int main(int argc, char** argv) {
  auto const* base = std::getenv("ANTHROPIC_BASE_URL");
  auto const* authority = std::getenv("SSL_CERT_FILE");
  if (argc != 4 || !base || !authority)
    give_up("usage: ANTHROPIC_BASE_URL=… SSL_CERT_FILE=… bench_sessions own|beast SESSIONS CALLS");
  std::string const kind = argv[1];
  auto const count = static_cast<std::size_t>(std::atoi(argv[2]));
  long left = std::atol(argv[3]);

  asio::io_context context(1);
  auto environment = std::make_shared<session_environment>();
  environment->endpoint = api_base::parse(base).value();
  environment->executor = context.get_executor();
  trusted_authorities authorities;
  environment->tls = tls_context::make(authority, true, authorities).value();
  environment->names =
      std::make_shared<name_cache>(environment->executor, environment->endpoint.host, environment->endpoint.port);
  environment->deadlines = std::make_shared<deadline_sweep>(environment->executor);
  environment->poller = std::make_shared<socket_poller>(environment->executor);
  std::string const request = request_for(environment->endpoint);

  double const memory_before = static_cast<double>(status_kib("VmRSS"));
  double const opening_began = process_usage::now().cpu_microseconds();
  semaphore handshakes(environment->executor, 16);
  std::vector<std::unique_ptr<session>> sessions(count);
  for (auto& one : sessions) {
    one = kind == "own" ? make_session(environment) : make_beast_session(environment);
    asio::co_spawn(context, open(one, handshakes), asio::detached);
  }
  context.run();
  double const per_session = (process_usage::now().cpu_microseconds() - opening_began) / static_cast<double>(count);

  // Half of the calls to warm up.
  double calls_began = 0;
  for (long const part : {left / 2, left}) {
    calls_began = process_usage::now().cpu_microseconds();
    long rest = part;
    for (auto& one : sessions)
      asio::co_spawn(context, call(*one, request, rest), asio::detached);
    context.restart();
    context.run();
  }
  std::cout << kind << " " << (process_usage::now().cpu_microseconds() - calls_began) / static_cast<double>(left) << " "
            << per_session << " "
            << (static_cast<double>(status_kib("VmRSS")) - memory_before) / static_cast<double>(count) << "\n";
}
