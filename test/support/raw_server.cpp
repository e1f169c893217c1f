#include "support/raw_server.hpp"

#include "testing/certificates.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace claudio::test {
namespace {

void check(bool holds, char const* what) {
  if (!holds)
    throw std::runtime_error(std::string("raw server: ") + what);
}

void limit_waits(int descriptor) {
  timeval const limit{10, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  int const on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::size_t body_size(std::string_view head) {
  constexpr std::string_view name = "content-length: ";
  auto const at = head.find(name);
  return at == std::string_view::npos ? 0 : std::strtoul(head.data() + at + name.size(), nullptr, 10);
}

} // namespace

raw_peer::raw_peer(int descriptor, memory_server* tls) : descriptor_(descriptor), tls_(tls) {}

std::string raw_peer::make(std::function<int(SSL*)> const& operation) {
  tls_->run(operation);
  return tls_->output();
}

bool raw_peer::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool raw_peer::send(std::string_view plaintext) {
  if (!tls_)
    return send_raw(plaintext);
  tls_->write(plaintext);
  return send_raw(tls_->output());
}

std::string raw_peer::receive() {
  // What came in one piece with the end of the handshake.
  if (tls_)
    if (auto waiting = tls_->read(); !waiting.empty())
      return waiting;
  char bytes[16 * 1024];
  while (true) {
    auto const got = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (got <= 0)
      return {};
    std::string const piece(bytes, static_cast<std::size_t>(got));
    if (!tls_)
      return piece;
    tls_->input(piece);
    auto plain = tls_->read();
    send_raw(tls_->output());
    if (!plain.empty())
      return plain;
  }
}

bool raw_peer::receive_request() {
  while (true) {
    if (auto const end = received.find("\r\n\r\n"); end != std::string::npos) {
      auto const size = end + 4 + body_size(std::string_view(received).substr(0, end));
      if (received.size() >= size) {
        received.erase(0, size);
        return true;
      }
    }
    auto const more = receive();
    if (more.empty())
      return false;
    received += more;
  }
}

void raw_peer::shut_down_sending() { ::shutdown(descriptor_, SHUT_WR); }

void raw_peer::take_little() {
  int const size = 4096;
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

void raw_peer::reset_at_close() {
  linger const at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

raw_server::raw_server(int version, script play)
    : version_(version), play_(std::move(play)), context_(nullptr, &SSL_CTX_free) {
  if (version != 0) {
    testing::certificate_authority authority;
    context_ = make_server_context(authority.issue("DNS:localhost,IP:127.0.0.1"), version);
    ca_file_ = (std::filesystem::temp_directory_path() / "claudio-raw-XXXXXX").string();
    int const file = ::mkstemp(ca_file_.data());
    check(file >= 0, "no temporary file");
    ::close(file);
    std::ofstream(ca_file_) << authority.pem();
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  check(::listen(listener_, 64) == 0, "listen");
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept(); });
}

raw_server::~raw_server() {
  {
    std::lock_guard const lock(mutex_);
    stopped_ = true;
    for (int const one : open_)
      ::shutdown(one, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (auto& one : threads_)
    one.join();
  ::close(listener_);
  if (!ca_file_.empty())
    ::unlink(ca_file_.c_str());
}

void raw_server::accept() {
  while (true) {
    int const descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard const lock(mutex_);
    if (stopped_ || descriptor < 0) {
      if (descriptor >= 0)
        ::close(descriptor);
      if (stopped_)
        return;
      continue;
    }
    limit_waits(descriptor);
    open_.push_back(descriptor);
    threads_.emplace_back([this, descriptor, number = ++connections_] { serve(descriptor, number); });
  }
}

void raw_server::serve(int descriptor, unsigned number) {
  try {
    std::unique_ptr<memory_server> const tls(version_ != 0 ? new memory_server(context_) : nullptr);
    raw_peer peer(descriptor, tls.get());
    bool shaken = !tls;
    while (!shaken) {
      char bytes[4096];
      auto const got = ::recv(descriptor, bytes, sizeof bytes, 0);
      if (got <= 0)
        break;
      tls->input({bytes, static_cast<std::size_t>(got)});
      shaken = tls->handshake();
      peer.send_raw(tls->output());
    }
    if (shaken)
      play_(peer, number);
  } catch (std::exception const&) {
    // The client shows what came of it.
  }
  std::lock_guard const lock(mutex_);
  std::erase(open_, descriptor);
  ::close(descriptor);
}

provider_options raw_server::provider() const {
  provider_options options;
  options.api_key = secret("sk-ant-a-key-for-a-hostile-server");
  options.api_base = (version_ != 0 ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + "/v1";
  options.ca_file = ca_file_;
  options.retry.base_delay = std::chrono::milliseconds(1);
  options.retry.jitter = false;
  options.breaker.enabled = false;
  return options;
}

unsigned raw_server::connections() const {
  std::lock_guard const lock(mutex_);
  return connections_;
}

std::string whole_answer(std::string_view text) {
  auto const body =
      R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":)"
      R"([{"type":"text","text":")" +
      std::string(text) +
      R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}})";
  return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

} // namespace claudio::test
