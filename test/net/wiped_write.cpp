#include "net/connection.hpp"
#include "support/test.hpp"

#include <claudio/secret.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstring>
#include <fstream>
#include <sstream>
#include <sys/uio.h>
#include <unistd.h>

using namespace claudio;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Put together where it is needed, so that the program's own text does not have it.
std::string key_text() {
  std::string made = "sk-ant-";
  for (char c = 'a'; c < 'u'; ++c)
    made += {c, static_cast<char>(c ^ 0x20), '7'};
  return made;
}

// How often the memory of this process holds the key, beside the text that asks.
std::size_t places_of(std::string const& key) {
  std::size_t places = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string rights;
    std::istringstream(line) >> std::hex >> begin >> dash >> end >> rights;
    if (!rights.starts_with("rw") || line.find("[stack]") != std::string::npos)
      continue;
    std::string copy(end - begin, '\0');
    iovec const to{copy.data(), copy.size()};
    iovec const from{reinterpret_cast<void*>(begin), copy.size()};
    auto const got = ::process_vm_readv(::getpid(), &to, 1, &from, 1, 0);
    if (got > 0)
      for (std::size_t at = 0; (at = copy.find(key, at)) != std::string::npos; ++at)
        ++places;
    wipe(copy);
  }
  return places;
}

} // namespace

BOOST_AUTO_TEST_SUITE(wiped_writes)

// The kernel takes a part of a request, and the connection goes before it takes the rest.
BOOST_AUTO_TEST_CASE(a_plain_write_that_is_cut_off_leaves_no_key) {
  asio::io_context context;
  tcp::acceptor listener(context, {asio::ip::address_v4::loopback(), 0});
  auto const sweep = std::make_shared<deadline_sweep>(context.get_executor());
  auto const poller = std::make_shared<socket_poller>(context.get_executor());
  auto key = key_text();
  BOOST_REQUIRE(places_of(key) >= 1u);
  auto const before = places_of(key);
  {
    connection peer(nullptr, sweep, poller);
    connector::endpoints const addresses{listener.local_endpoint()};
    asio::co_spawn(context, peer.connect(addresses), [&](std::exception_ptr failure, io_status status) {
      BOOST_TEST(!failure);
      BOOST_TEST((status == io_status::done));
    });
    context.run();
    constexpr std::size_t size = 64 * 1024 * 1024;
    std::string request;
    request.reserve(size + key.size());
    while (request.size() < size)
      request += key;
    request_pieces pieces(request);
    while (!peer.has_unsent())
      BOOST_REQUIRE((peer.begin_write(pieces) == io_status::done));
    wipe(request);
    request.shrink_to_fit();
    BOOST_TEST(places_of(key) > before + 100);
  }
  // The test's own copies are few.
  BOOST_TEST(places_of(key) < before + 10);
  wipe(key);
}

BOOST_AUTO_TEST_SUITE_END()
