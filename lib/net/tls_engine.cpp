#include "net/tls_engine.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>

namespace claudio {

// What OpenSSL reads from and writes to: the memory of the operation under way.
class tls_engine::bio {
public:
  static BIO* make(tls_engine& engine) {
    BIO* const made = BIO_new(method());
    if (!made)
      throw std::bad_alloc();
    BIO_set_data(made, &engine);
    BIO_set_init(made, 1);
    return made;
  }

private:
  static BIO_METHOD const* method() {
    static BIO_METHOD* const shared = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "claudio");
      if (!made)
        throw std::bad_alloc();
      BIO_meth_set_read(made, &read);
      BIO_meth_set_write(made, &write);
      BIO_meth_set_ctrl(made, &control);
      return made;
    }();
    return shared;
  }

  static tls_engine& engine_of(BIO* self) { return *static_cast<tls_engine*>(BIO_get_data(self)); }

  static int read(BIO* self, char* into, int size) {
    auto& engine = engine_of(self);
    BIO_clear_retry_flags(self);
    auto& input = engine.input_;
    if (input.empty()) {
      if (!engine.input_ended_)
        BIO_set_retry_read(self);
      return engine.input_ended_ ? 0 : -1;
    }
    auto const taken = engine.take_records(input.substr(0, static_cast<std::size_t>(std::max(size, 0))));
    if (taken == 0) {
      BIO_set_retry_read(self);
      return -1;
    }
    std::memcpy(into, input.data(), taken);
    input.remove_prefix(taken);
    return static_cast<int>(taken);
  }

  static int write(BIO* self, char const* data, int size) {
    BIO_clear_retry_flags(self);
    // The caller of this is C.
    try {
      engine_of(self).output_->append(data, static_cast<std::size_t>(std::max(size, 0)));
    } catch (...) {
      return -1;
    }
    return size;
  }

  static long control(BIO* self, int command, long, void*) {
    switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return engine_of(self).input_ended_ && engine_of(self).input_.empty() ? 1 : 0;
    default:
      return 0;
    }
  }
};

// How many of these bytes OpenSSL may have: all up to the first record for which no allowance is left. A record is a
// header of five bytes, the last two of which are the size of its body (RFC 8446 5.1).
std::size_t tls_engine::take_records(std::string_view bytes) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    if (body_left_ > 0) {
      auto const part = std::min(body_left_, bytes.size() - taken);
      body_left_ -= part;
      taken += part;
      continue;
    }
    if (header_bytes_ == 0) {
      if (exhausted())
        break;
      allowance_ -= cost_without_data; // until the record turns out to hold data
      ++records_without_data_;
    }
    auto const byte = static_cast<unsigned char>(bytes[taken++]);
    if (++header_bytes_ == 4)
      size_ = std::size_t{byte} << 8;
    else if (header_bytes_ == 5) {
      body_left_ = size_ + byte;
      header_bytes_ = 0;
    }
  }
  return taken;
}

tls_engine::tls_engine(std::shared_ptr<tls_context> context, std::string const& host)
    : context_(std::move(context)), host_(host), ssl_(SSL_new(context_->native_handle()), &SSL_free) {
  if (!ssl_)
    throw std::bad_alloc();
  BIO* const both = bio::make(*this);
  SSL_set_bio(ssl_.get(), both, both);
  SSL_set_connect_state(ssl_.get());
}

result<std::unique_ptr<tls_engine>> tls_engine::make(std::shared_ptr<tls_context> context, std::string const& host) {
  std::unique_ptr<tls_engine> engine(new tls_engine(std::move(context), host));
  if (auto const prepared = engine->context_->prepare(engine->ssl_.get(), host); !prepared)
    return prepared.error();
  engine->context_->offer_ticket(engine->ssl_.get());
  return engine;
}

// Else OpenSSL takes a connection that was not shut down for broken, and spoils its ticket.
tls_engine::~tls_engine() {
  if (end_ != tls_status::failed)
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

// What others left in this thread's error queue would be taken for a failure of ours (SSL_get_error(3)).
template <class Operation>
tls_status tls_engine::run(std::string& output, Operation operation) {
  if (end_ != tls_status::done)
    return end_;
  if (ERR_peek_error() != 0)
    ERR_clear_error();
  output_ = &output;
  int const outcome = operation();
  output_ = nullptr;
  auto const status = outcome > 0 ? tls_status::done : conclude(outcome);
  if (ERR_peek_error() != 0)
    ERR_clear_error();
  return status;
}

tls_status tls_engine::conclude(int outcome) {
  switch (SSL_get_error(ssl_.get(), outcome)) {
  case SSL_ERROR_WANT_READ:
    if (records_without_data_ > (shaken_ ? most_records_without_data : most_records_of_handshake))
      return fail("the peer sends TLS messages without end, and no data");
    return tls_status::wants_input;
  case SSL_ERROR_ZERO_RETURN:
    return end_ = tls_status::closed;
  default:
    break;
  }
  auto const code = ERR_peek_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return end_ = tls_status::truncated;
  auto reason = describe_openssl_error(code);
  return fail(shaken_ ? std::move(reason) : context_->describe_failure(ssl_.get(), host_, reason));
}

tls_status tls_engine::fail(std::string reason) {
  failure_ = std::move(reason);
  context_->discard_tickets(ssl_.get());
  return end_ = tls_status::failed;
}

tls_status tls_engine::handshake(std::string& output) {
  auto const status = run(output, [&] { return SSL_do_handshake(ssl_.get()); });
  if (status != tls_status::done)
    return status;
  shaken_ = true;
  records_without_data_ = 0;
  release_buffers();
  return check_protocol();
}

// RFC 7301 3.2: a server that knows nothing of ALPN says nothing; one that chose what was not offered is broken.
tls_status tls_engine::check_protocol() {
  unsigned char const* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  std::string_view const name(reinterpret_cast<char const*>(chosen), size);
  return name.empty() || name == "http/1.1"
             ? tls_status::done
             : fail("TLS handshake with " + host_ + " failed: the server chose another protocol than http/1.1");
}

tls_status tls_engine::write(std::string_view& plaintext, std::string& output) {
  auto status = tls_status::done;
  while (status == tls_status::done && !plaintext.empty()) {
    std::size_t written = 0;
    status = run(output, [&] { return SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written); });
    plaintext.remove_prefix(written);
  }
  return status;
}

tls_status tls_engine::read(std::span<char> into, std::size_t& read, std::string& output) {
  read = 0;
  auto const status = run(output, [&] { return SSL_read_ex(ssl_.get(), into.data(), into.size(), &read); });
  if (read > 0 && records_without_data_ > 0) {
    records_without_data_ = 0;
    allowance_ += cost_without_data - 1;
  }
  release_buffers();
  return status;
}

// The mode that frees them when they are empty misses some cases, such as a read of nothing but tickets, and a session
// that waits with 16 KiB waits long.
void tls_engine::release_buffers() noexcept {
  if (!has_unread())
    SSL_free_buffers(ssl_.get());
}

bool tls_engine::has_unread() const noexcept { return ended() || !input_.empty() || SSL_has_pending(ssl_.get()) != 0; }

bool tls_engine::resumed() const noexcept { return SSL_session_reused(ssl_.get()) != 0; }

} // namespace claudio
