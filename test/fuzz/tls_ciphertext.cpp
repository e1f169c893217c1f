// Whatever a server sends in place of a handshake, in whatever pieces, the engine neither trusts it nor breaks.
// The input: how to end, number n of sizes, n sizes (used in turn), the server's bytes.
#include "fuzz_input.hpp"
#include "net/tls_engine.hpp"

#include <openssl/err.h>

#include <vector>

namespace {

using claudio::tls_status;
using claudio::fuzz::fuzz_input;
using claudio::fuzz::require;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  static auto const context = std::make_shared<claudio::tls_context>(true);
  fuzz_input input(bytes, size);
  auto const end = input.number();
  std::vector<std::size_t> sizes;
  for (auto n = input.number() % 8; n > 0; --n)
    sizes.push_back(1 + input.number());
  sizes.resize(std::max<std::size_t>(1, sizes.size()), 4096);

  auto const made = claudio::tls_engine::make(context, end & 2 ? "127.0.0.1" : "localhost");
  auto const& engine = *made;
  std::string output;
  require(engine->handshake(output) == tls_status::wants_input);
  require(!output.empty());
  auto status = tls_status::wants_input;
  auto const shake_hands = [&] {
    auto const before = status;
    output.clear();
    status = engine->handshake(output);
    require(ERR_peek_error() == 0);
    require(status != tls_status::done);
    require(before == tls_status::wants_input || status == before);
    require((status != tls_status::wants_input) == engine->ended());
    require((status == tls_status::failed) == !engine->failure().empty());
    require(status != tls_status::wants_input || engine->unread_input().empty());
  };
  for (std::size_t i = 0; !input.empty(); ++i) {
    engine->input(input.take(sizes[i % sizes.size()]));
    shake_hands();
  }
  if (end & 1) {
    engine->end_input();
    shake_hands();
    require(engine->ended());
  }
  std::size_t got = 0;
  char into[16];
  require(engine->read(into, got, output) != tls_status::done);
  require(got == 0);
  require(context->tickets() == 0);
  return 0;
}
