// Calls against a server that enforces rate limits: bench_pacing configured|told|retries RPM CALLS IN_FLIGHT
// Against ANTHROPIC_BASE_URL, whose authority is in SSL_CERT_FILE. "configured": the client knows the limit; "told":
// from the server's answers; "retries": it does not pace itself. Prints: answered, failed, sent, how many were refused
// with 429, seconds, and the share of what the limit allowed in that time (a full bucket and its refill).
// bench/pacing.sh makes a table of it.
#include "support/conversation.hpp"
#include "support/process_usage.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace asio = boost::asio;

namespace {

class tally : public claudio::observer {
public:
  void attempt_ended(claudio::attempt_event const& event) noexcept override {
    ++sent;
    refused += event.attempt->failure && event.attempt->failure->http_status() == 429 ? 1 : 0;
  }

  long left = 0; ///< calls that nobody has begun
  long answered = 0;
  long failed = 0;
  long sent = 0;
  long refused = 0;
};

asio::awaitable<void> call_on(claudio::client endpoint, bench::conversation const& prompt, tally& so_far) {
  while (so_far.left > 0) {
    auto calling = endpoint.create(prompt.native(so_far.left--));
    auto const answer = co_await std::move(calling);
    ++(answer ? so_far.answered : so_far.failed);
  }
}

} // namespace

int main(int argc, char** argv) {
  std::string const mode = argc == 5 ? argv[1] : "";
  auto const rpm = argc == 5 ? std::atol(argv[2]) : 0;
  if (rpm < 1 || (mode != "configured" && mode != "told" && mode != "retries")) {
    std::cerr
        << "usage: ANTHROPIC_BASE_URL=… SSL_CERT_FILE=… bench_pacing configured|told|retries RPM CALLS IN_FLIGHT\n";
    return 2;
  }
  auto const counted = std::make_shared<tally>();
  auto& so_far = *counted;
  so_far.left = std::atol(argv[3]);
  auto const in_flight = std::atol(argv[4]);
  bench::raise_file_limit();

  ::setenv("ANTHROPIC_API_KEY", "sk-ant-bench", 0);
  auto options = claudio::configuration::from_env().value().providers.front().options;
  if (auto const* authority = std::getenv("SSL_CERT_FILE"))
    options.ca_file = authority;
  if (mode == "configured")
    options.rates.rpm = static_cast<std::uint64_t>(rpm);
  if (mode == "retries") {
    options.pacing.enabled = false;
    options.retry_budget_tokens = 0;
    options.breaker.enabled = false;
  }
  asio::io_context context(1);
  auto const endpoint = claudio::client::make(context.get_executor(), options, claudio::serial, counted).value();
  bench::conversation const prompt;
  for (long i = 0; i < in_flight; ++i)
    asio::co_spawn(context, call_on(endpoint, prompt, so_far), [](std::exception_ptr failure) {
      if (failure)
        std::rethrow_exception(failure);
    });
  auto const begun = std::chrono::steady_clock::now();
  context.run();
  auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  auto const allowed = static_cast<double>(rpm) * (1 + seconds / 60);
  std::cout << so_far.answered << " " << so_far.failed << " " << so_far.sent << " " << so_far.refused << " " << seconds
            << " " << static_cast<double>(so_far.answered) / allowed << "\n";
}
