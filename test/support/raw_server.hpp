#pragma once

#include "support/memory_server.hpp"

#include <claudio/configuration.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace claudio::test {

/// One connection of a `raw_server`. Blocks; nothing takes longer than ten seconds.
class raw_peer {
public:
  raw_peer(int descriptor, memory_server* tls);

  /// OpenSSL's side of the connection; null without TLS.
  SSL* native_handle() const noexcept { return tls_ ? tls_->native_handle() : nullptr; }
  /// Runs something of OpenSSL and gives the ciphertext that it makes, without sending it.
  std::string make(std::function<int(SSL*)> const& operation);

  /// Sends plaintext: what HTTP sees.
  bool send(std::string_view plaintext);
  /// Sends bytes as they are, behind OpenSSL's back. False: the client has gone.
  bool send_raw(std::string_view bytes);
  /// Reads until the request's head and body (by its Content-Length) have come; false when the client ends first.
  bool receive_request();
  /// Reads some more; empty when the client has ended the connection.
  std::string receive();
  /// Ends the sending side of the TCP connection.
  void shut_down_sending();
  /// Gives the kernel little room for what the client sends.
  void take_little();
  /// Makes the close that comes a reset.
  void reset_at_close();

  std::string received; ///< all of the plaintext so far that `receive_request()` has not taken

private:
  int descriptor_;
  memory_server* tls_;
};

/// A server on loopback that does what it is told to, byte by byte: for peers that no well-mannered server plays.
/// Each connection has a thread of its own.
class raw_server {
public:
  using script = std::function<void(raw_peer&, unsigned connection)>;

  /// @param version of TLS (`TLS1_2_VERSION`, `TLS1_3_VERSION`); 0: no TLS
  raw_server(int version, script play);
  raw_server(raw_server const&) = delete;
  raw_server& operator=(raw_server const&) = delete;
  ~raw_server();

  /// Options that reach it, without waiting between attempts.
  provider_options provider() const;
  unsigned connections() const;
  SSL_CTX* native_handle() const noexcept { return context_.get(); }

private:
  void accept();
  void serve(int descriptor, unsigned number);

  int version_;
  script play_;
  server_context context_;
  std::string ca_file_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  unsigned connections_ = 0;
  bool stopped_ = false;
  std::thread acceptor_;
};

/// A whole answer of the Messages API, with its head.
std::string whole_answer(std::string_view text = "Hi!");

} // namespace claudio::test
