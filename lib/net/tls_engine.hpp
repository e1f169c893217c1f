#pragma once

#include "net/tls_context.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace claudio {

/// What an operation of a TLS engine came to. Whatever is neither `done` nor `wants_input` is the engine's end.
enum class tls_status {
  done,
  wants_input, ///< more ciphertext is needed, or more work has to be allowed
  closed,      ///< the peer said that it is done (close_notify, RFC 8446 6.1)
  truncated,   ///< the input ended without that
  failed       ///< see `failure()`
};

/// The client's side of one TLS connection, without its I/O: ciphertext goes in and out by memory of the caller, so
/// that a connection that waits holds no buffers. Throws nothing; not thread-safe.
///
/// Every operation may append ciphertext to `output` (records, alerts, answers to key updates), also one that fails:
/// it is to be sent in this order.
class tls_engine {
public:
  /// Servers send a few tickets after the handshake, and now and then a key update.
  static constexpr unsigned most_records_without_data = 64;
  /// The handshake's messages, even of a server that cuts them into records of 512 bytes (RFC 6066 4).
  static constexpr unsigned most_records_of_handshake = 1024;
  static constexpr int cost_without_data = 8;

  /// For a connection to `host`, a name or an address. Resumes an earlier session if the context has a ticket.
  /// Errors: `errc::configuration` when `host` can't be used.
  static result<std::unique_ptr<tls_engine>> make(std::shared_ptr<tls_context> context, std::string const& host);
  tls_engine(tls_engine const&) = delete;
  tls_engine& operator=(tls_engine const&) = delete;
  ~tls_engine();

  /// The ciphertext that the next operations read. It stays the caller's, and has to stay until it is read or replaced.
  void input(std::string_view ciphertext) noexcept { input_ = ciphertext; }
  /// What has not been read yet of it.
  std::string_view unread_input() const noexcept { return input_; }
  /// Nothing comes behind the input: the peer has closed the connection.
  void end_input() noexcept { input_ended_ = true; }

  /// How much work the next operations may do: as much as that many records of application data cost. A record
  /// without any, whose processing may take a key derivation and an answer, costs `cost_without_data` times as much.
  /// What an operation leaves when the allowance is spent stays in the input.
  void allow(int records) noexcept { allowance_ = records; }
  /// Whether the allowance is spent.
  bool exhausted() const noexcept { return allowance_ <= 0; }

  tls_status handshake(std::string& output);
  /// Encrypts `plaintext`, in records of at most 16 KiB, and drops from it what is encrypted. `wants_input` when the
  /// peer has begun a message that has to be read first: call `read()`, then this again with the rest.
  tls_status write(std::string_view& plaintext, std::string& output);
  /// Decrypts up to `into.size()` bytes, not 0: `done` with `read` > 0, else why there are none. A peer that sends
  /// `most_records_without_data` records in a row without application data fails.
  tls_status read(std::span<char> into, std::size_t& read, std::string& output);

  /// Whether `read()` may have something to say without more input: bytes, or the end. Half a record is enough.
  bool has_unread() const noexcept;
  /// Whether the engine has come to its end: `closed`, `truncated` or `failed`.
  bool ended() const noexcept { return end_ != tls_status::done; }
  /// Why the engine failed, in words: the certificate's fault, the peer's alert by name, or what was wrong.
  std::string const& failure() const noexcept { return failure_; }
  /// Makes the engine `failed`, for a reason that its owner has found.
  tls_status fail(std::string reason);
  /// Whether the handshake resumed an earlier session.
  bool resumed() const noexcept;

private:
  class bio;
  friend class bio;

  tls_engine(std::shared_ptr<tls_context> context, std::string const& host);

  template <class Operation>
  tls_status run(std::string& output, Operation operation);
  tls_status conclude(int outcome);
  std::size_t take_records(std::string_view bytes) noexcept;
  tls_status check_protocol();
  void release_buffers() noexcept;

  std::shared_ptr<tls_context> context_;
  std::string host_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  std::string_view input_;
  // Where the input stands between records: how many bytes of a header are known, and how many of a body are to come.
  unsigned header_bytes_ = 0;
  std::size_t size_ = 0;
  std::size_t body_left_ = 0;
  unsigned records_without_data_ = 0;
  std::int64_t allowance_ = std::numeric_limits<std::int64_t>::max();
  bool input_ended_ = false;
  bool shaken_ = false;           // OpenSSL's own flag falls with a fatal alert
  std::string* output_ = nullptr; // during an operation
  tls_status end_ = tls_status::done;
  std::string failure_;
};

} // namespace claudio
