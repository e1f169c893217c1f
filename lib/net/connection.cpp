#include "net/connection.hpp"

#include "net/thread_buffers.hpp"

#include <claudio/secret.hpp>

#include <boost/asio/error.hpp>

#include <openssl/crypto.h>

#include <algorithm>

namespace claudio {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A buffer that one large request has blown up is not kept.
constexpr std::size_t kept_capacity = 256 * 1024;

// How old the knowledge may be that an idle connection is still open. Newer costs a system call per use.
constexpr std::chrono::milliseconds knowledge_age{1};

} // namespace

connection::connection(std::shared_ptr<tls_context> tls, std::shared_ptr<deadline_sweep> sweep,
                       std::shared_ptr<socket_poller> poller)
    : entry(std::move(sweep)), tls_(std::move(tls)), socket_(std::move(poller)) {}

// A request that was cut off has a key in it.
connection::~connection() {
  wipe(unsent_);
  wipe(unencrypted_);
}

void connection::expired() noexcept {
  expired_ = true;
  if (connecting_)
    connecting_->stop();
  socket_.cancel();
}

void connection::abort() noexcept {
  aborted_ = true;
  if (connecting_)
    connecting_->stop();
  socket_.cancel();
  socket_.close();
}

io_status connection::concluded(error_code failure) {
  if (!failure)
    return io_status::done;
  if (expired_)
    return io_status::timed_out;
  if (aborted_ || failure == asio::error::operation_aborted)
    return io_status::cancelled;
  socket_failure_ = failure;
  return io_status::socket_failed;
}

io_status connection::concluded(tls_status status) const noexcept {
  switch (status) {
  case tls_status::done:
  case tls_status::wants_input:
    return io_status::done;
  case tls_status::closed:
    return io_status::closed;
  case tls_status::truncated:
    return io_status::truncated;
  case tls_status::failed:
    break;
  }
  return io_status::tls_failed;
}

asio::awaitable<io_status> connection::connect(connector::endpoints const& endpoints) {
  if (aborted_)
    co_return io_status::cancelled;
  auto const attempts = std::make_shared<connector>(socket_.poller().executor(), endpoints);
  connecting_ = attempts;
  auto connecting = attempts->connect();
  auto failure = co_await std::move(connecting);
  connecting_.reset();
  addresses_tried_ = attempts->addresses_tried();
  address_ = attempts->address();
  int descriptor = -1;
  if (!failure)
    descriptor = attempts->release(failure);
  if (!failure)
    failure = socket_.open(descriptor);
  co_return concluded(failure);
}

io_status connection::waited(polled_socket::outcome outcome) const noexcept {
  if (expired_)
    return io_status::timed_out;
  return outcome == polled_socket::outcome::ready && !aborted_ ? io_status::done : io_status::cancelled;
}

asio::awaitable<io_status> connection::wait_readable() {
  if (!must_wait())
    co_return waited(polled_socket::outcome::ready);
  auto waiting = async_wait_readable();
  auto const outcome = co_await std::move(waiting);
  co_return waited(outcome);
}

result<void> connection::begin_tls(std::string const& host) {
  if (!tls_)
    return {};
  auto made = tls_engine::make(tls_, host);
  if (!made)
    return made.error();
  engine_ = std::move(*made);
  begin_turn();
  return {};
}

asio::awaitable<io_status> connection::shake_hands() {
  if (!engine_)
    co_return io_status::done;
  bool finished = false;
  auto status = step_of_handshake(finished);
  while (status == io_status::done) {
    if (!unsent_.empty()) {
      auto sending = send_unsent();
      status = co_await std::move(sending);
    }
    if (status != io_status::done || finished)
      break;
    auto waiting = wait_readable();
    status = co_await std::move(waiting);
    if (status == io_status::done)
      status = continue_handshake(finished);
  }
  co_return status;
}

io_status connection::step_of_handshake(bool& finished) {
  auto& output = this_threads_buffers().to_send;
  output.clear();
  auto const status = engine_->handshake(output);
  finished = status == tls_status::done;
  keep_unread();
  auto const sent = send_encrypted(output);
  // What the peer did comes before what came of telling it so.
  auto const outcome = concluded(status);
  return outcome != io_status::done ? outcome : sent;
}

io_status connection::continue_handshake(bool& finished) {
  if (reads_without_socket() || receive_encrypted())
    return step_of_handshake(finished);
  return concluded(socket_failure_);
}

asio::awaitable<io_status> connection::write(request_pieces request) {
  auto status = begin_write(request);
  while (status == io_status::done && (has_unsent() || !request.empty())) {
    if (has_unsent()) {
      auto sending = send_unsent();
      status = co_await std::move(sending);
    }
    begin_turn();
    if (status == io_status::done)
      status = continue_write(request);
  }
  co_return status;
}

// The pieces are put together in the thread's buffer, which is wiped since there is a key in them.
io_status connection::begin_write(request_pieces& request) {
  auto& buffer = this_threads_buffers().plain;
  std::size_t size = 0;
  for (auto& view : request.views()) {
    auto const part = view.copy(buffer.data() + size, buffer.size() - size);
    view.remove_prefix(part);
    size += part;
  }
  ++transfers_in_a_turn_;
  auto const status = write_some({buffer.data(), size});
  OPENSSL_cleanse(buffer.data(), size);
  return status;
}

io_status connection::continue_write(request_pieces& request) {
  auto status = flush();
  while (status == io_status::done && !has_unsent() && !request.empty() && !turn_is_over())
    status = begin_write(request);
  return status;
}

io_status connection::flush() {
  if (!unsent_.empty()) {
    unsent_.erase(0, send(unsent_));
    if (socket_failure_ || !unsent_.empty())
      return concluded(socket_failure_);
    // Without TLS there is a key in it.
    wipe(unsent_);
    std::string().swap(unsent_);
    unread_answers_ = 0;
  }
  if (unencrypted_.empty())
    return io_status::done;
  std::string_view rest = unencrypted_;
  auto const status = encrypt(rest);
  auto const taken = unencrypted_.size() - rest.size();
  OPENSSL_cleanse(unencrypted_.data(), taken);
  unencrypted_.erase(0, taken);
  return status;
}

io_status connection::write_some(std::string_view bytes) {
  if (!engine_) {
    unsent_.append(bytes.substr(send(bytes)));
    return concluded(socket_failure_);
  }
  auto const status = encrypt(bytes);
  unencrypted_.assign(bytes);
  return status;
}

// Drops from `bytes` what was encrypted.
io_status connection::encrypt(std::string_view& bytes) {
  auto& encrypted = this_threads_buffers().to_send;
  encrypted.clear();
  auto const status = concluded(engine_->write(bytes, encrypted));
  auto const sent = send_encrypted(encrypted);
  return status != io_status::done ? status : sent;
}

// Sends what an operation of the engine has put out, behind what is still unsent.
io_status connection::send_encrypted(std::string& encrypted) {
  auto const sent = unsent_.empty() ? send(encrypted) : 0;
  unsent_.append(encrypted, sent);
  if (encrypted.capacity() > kept_capacity)
    std::string().swap(encrypted);
  return concluded(socket_failure_);
}

// The same for output that the peer provoked. A peer that does not read it decides how much of it there is.
io_status connection::send_answers(std::string& encrypted) {
  auto const size = encrypted.size();
  auto status = !unsent_.empty() && socket_.writable() ? flush() : io_status::done;
  if (status == io_status::done)
    status = send_encrypted(encrypted);
  if (unsent_.empty())
    return status;
  unread_answers_ += size;
  if (unread_answers_ <= most_unread_answers)
    return status;
  return concluded(engine_->fail("the peer sends TLS messages that ask for answers, and does not read these"));
}

// As much as the kernel takes now. A failure is noted in socket_failure_.
std::size_t connection::send(std::string_view bytes) {
  std::size_t sent = 0;
  error_code failure;
  while (sent < bytes.size() && !failure)
    sent += socket_.send(bytes.substr(sent), failure);
  if (failure && failure != asio::error::would_block)
    socket_failure_ = failure;
  return sent;
}

asio::awaitable<io_status> connection::send_unsent() {
  while (!unsent_.empty()) {
    if (expired_ || aborted_)
      co_return waited(polled_socket::outcome::cancelled);
    auto waiting = socket_.async_wait(polled_socket::direction::write, asio::deferred);
    auto const outcome = co_await std::move(waiting);
    auto status = waited(outcome);
    if (status == io_status::done)
      status = flush();
    if (status != io_status::done)
      co_return status;
    begin_turn();
  }
  co_return io_status::done;
}

void connection::begin_turn() noexcept {
  transfers_in_a_turn_ = 0;
  if (engine_)
    engine_->allow(most_records_in_a_turn);
}

io_status connection::read_arrived(std::span<char> into, std::size_t& got) {
  got = 0;
  if (!engine_ || !engine_->has_unread())
    return io_status::done;
  return decrypt(into, got);
}

bool connection::has_arrived() {
  if (!socket_.readable() && !reads_without_socket())
    socket_.poller().look_since(deadline_sweep::clock::now());
  return !expired_ && !aborted_ && (socket_.readable() || reads_without_socket());
}

io_status connection::receive(std::span<char> into, std::size_t& got) {
  got = 0;
  ++transfers_in_a_turn_;
  if (engine_)
    return reads_without_socket() || receive_encrypted() ? decrypt(into, got) : concluded(socket_failure_);
  error_code failure;
  got = socket_.receive(into, failure);
  if (failure == asio::error::would_block)
    return io_status::done;
  return failure == asio::error::eof ? io_status::closed : concluded(failure);
}

// The peer may leave the socket open after its last word, or have sent something behind its handshake.
bool connection::reads_without_socket() const noexcept { return engine_ && (engine_->ended() || !carried_.empty()); }

// Gives the engine what the socket has, in the thread's buffer. False when that was nothing; a failure is noted in
// socket_failure_.
bool connection::receive_encrypted() {
  auto& received = this_threads_buffers().received;
  error_code failure;
  auto const size = socket_.receive(received, failure);
  if (failure == asio::error::would_block)
    return false;
  if (failure == asio::error::eof)
    engine_->end_input();
  else if (failure)
    socket_failure_ = failure;
  engine_->input({received.data(), size});
  return !failure || failure == asio::error::eof;
}

// Fills `into` as far as there is anything. How the bytes ended is told when they have been read.
io_status connection::decrypt(std::span<char> into, std::size_t& got) {
  auto& output = this_threads_buffers().to_send;
  output.clear();
  auto status = tls_status::done;
  while (status == tls_status::done && got < into.size() && (got == 0 || engine_->has_unread())) {
    std::size_t more = 0;
    status = engine_->read(into.subspan(got), more, output);
    got += more;
  }
  keep_unread();
  auto const sent = output.empty() ? io_status::done : send_answers(output);
  if (got > 0)
    return io_status::done;
  auto const outcome = concluded(status);
  return outcome != io_status::done ? outcome : sent;
}

// The thread's buffer will be another's.
void connection::keep_unread() {
  auto const unread = engine_->unread_input();
  if (unread.empty()) {
    if (!carried_.empty())
      std::string().swap(carried_);
    return;
  }
  std::string kept(unread);
  carried_.swap(kept);
  engine_->input(carried_);
}

bool connection::quiet() {
  if (aborted_ || socket_.belongs_to_parent())
    return false;
  begin_turn();
  char byte = 0;
  std::size_t got = 0;
  auto status = read_arrived(std::span(&byte, 1), got);
  socket_.poller().look_since(deadline_sweep::clock::now() - knowledge_age);
  // A peer that keeps us busy here is not quiet.
  while (status == io_status::done && got == 0 && !turn_is_over()) {
    if (!socket_.readable())
      return true;
    ++transfers_in_a_turn_;
    if (!engine_) {
      error_code failure;
      socket_.receive(std::span(&byte, 1), failure);
      return failure == asio::error::would_block;
    }
    if (!receive_encrypted())
      return !socket_failure_;
    status = decrypt(std::span(&byte, 1), got);
  }
  return false;
}

} // namespace claudio
