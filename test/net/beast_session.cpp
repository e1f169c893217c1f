#include "net/beast_session.hpp"

#include "net/name_cache.hpp"
#include "net/tls_context.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <openssl/ssl.h>

#include <optional>

namespace claudio {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using boost::system::error_code;

namespace {

// Above what the API sends; they keep a hostile peer from filling the memory.
constexpr std::uint32_t header_limit = 64 * 1024;
constexpr std::uint64_t body_limit = 256ull * 1024 * 1024;
constexpr unsigned most_interim = 100;
constexpr std::size_t read_size = 16 * 1024; // a TLS record

using plain_stream = beast::tcp_stream;
using tls_stream = ssl::stream<beast::tcp_stream>;

bool is_closed_by_peer(error_code failure) {
  return failure == asio::error::eof || failure == asio::error::connection_reset ||
         failure == asio::error::connection_aborted || failure == asio::error::broken_pipe ||
         failure == http::error::end_of_stream || failure == http::error::partial_message ||
         failure == ssl::error::stream_truncated;
}

error io_error(error_code failure, call_phase phase, call_progress const& progress, std::string const& doing) {
  if (failure == asio::error::operation_aborted)
    return error(errc::cancelled, "the caller cancelled while " + doing);
  if (failure == beast::error::timeout)
    return progress.timeout(phase);
  if (is_closed_by_peer(failure))
    return error(errc::connect, "the connection broke while " + doing + ": " + failure.message());
  static auto const& http_category = make_error_code(http::error::bad_version).category();
  if (failure.category() == http_category)
    return error(errc::protocol, "the peer's response is not valid HTTP/1.1: " + failure.message());
  if (failure.category() == asio::error::get_ssl_category())
    return error(errc::tls, "TLS failed while " + doing + ": " + failure.message());
  return error(errc::connect, "while " + doing + ": " + failure.message());
}

template <class Stream>
class beast_session final : public session {
public:
  template <class... Arguments>
  explicit beast_session(std::shared_ptr<session_environment const> environment, Arguments&&... arguments)
      : session(environment->sessions), environment_(std::move(environment)),
        stream_(environment_->executor, std::forward<Arguments>(arguments)...) {}

  asio::awaitable<result<void>> connect(call_progress& progress) override {
    stopwatch const watch(progress.info.connect);
    auto const limit = progress.until(call_phase::connect);
    auto resolving = environment_->names->resolve(progress);
    auto const resolved = co_await std::move(resolving);
    if (!resolved)
      co_return resolved.error();
    lowest().expires_at(limit);
    error_code failure;
    co_await lowest().async_connect(*resolved, asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
      co_return io_error(failure, call_phase::connect, progress, "connecting");
    lowest().socket().set_option(asio::ip::tcp::no_delay(true), failure);
    co_return result<void>();
  }

  asio::awaitable<result<void>> secure(call_progress& progress) override {
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      stopwatch const watch(progress.info.tls);
      auto shaking = shake_hands(progress);
      auto shaken = co_await std::move(shaking);
      co_return shaken;
    }
    co_return result<void>();
  }

  asio::awaitable<result<http_response>> exchange(request_pieces request, call_progress& progress) override {
    begin_exchange();
    {
      stopwatch const watch(progress.info.first_byte);
      auto heading = request_head(request, parser_, progress);
      auto head = co_await std::move(heading);
      if (!head)
        co_return head.error();
    }
    // Before the body: Beast adds its trailers, which are no header fields (RFC 9110 6.5.1).
    auto response = take_head(*parser_);
    stopwatch const watch(progress.info.body);
    lowest().expires_at(progress.until(call_phase::body));
    error_code failure;
    co_await http::async_read(stream_, buffer_, *parser_, asio::redirect_error(asio::use_awaitable, failure));
    // A body that ends with the connection: whether all of it came shows when it is parsed.
    if (failure == ssl::error::stream_truncated && parser_->need_eof()) {
      failure = error_code();
      parser_->put_eof(failure);
    }
    if (failure)
      co_return io_error(failure, call_phase::body, progress, "reading the answer's body");
    lowest().expires_never();
    bool const is_final = parser_->get().result_int() >= 200;
    reusable_ = is_final && parser_->keep_alive() && buffer_.size() == 0;
    response.body = std::move(parser_->get().body());
    co_return response;
  }

  asio::awaitable<result<http_response>> begin(request_pieces request, call_progress& progress) override {
    begin_exchange();
    stopwatch const watch(progress.info.first_byte);
    auto heading = request_head(request, body_parser_, progress);
    auto head = co_await std::move(heading);
    if (!head)
      co_return head.error();
    body_parser_->eager(true);
    co_return take_head(*body_parser_);
  }

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into, call_progress& progress) override {
    while (true) {
      auto const arrived = read_arrived(into);
      if (!arrived || *arrived > 0 || body_parser_->is_done())
        co_return arrived;
      lowest().expires_at(progress.begin_wait());
      error_code failure;
      auto const free = buffer_.prepare(read_size);
      auto const read = co_await stream_.async_read_some(free, asio::redirect_error(asio::use_awaitable, failure));
      buffer_.commit(read);
      progress.end_wait();
      // A body that ends with the connection.
      if ((failure == asio::error::eof || failure == ssl::error::stream_truncated) && body_parser_->need_eof()) {
        failure = error_code();
        body_parser_->put_eof(failure);
      }
      if (failure == beast::error::timeout)
        co_return progress.stream_timeout();
      if (failure)
        co_return io_error(failure, call_phase::body, progress, "reading the answer's body");
    }
  }

  // Unlike ours it does not look into the socket, so that a session whose body's end stands there is not kept.
  result<std::size_t> read_arrived(std::span<char> into) override {
    auto& body = body_parser_->get().body();
    body.data = into.data();
    body.size = into.size();
    body.more = true;
    error_code failure;
    while (!failure && buffer_.size() > 0 && body.size == into.size() && !body_parser_->is_done()) {
      auto const used = body_parser_->put(buffer_.data(), failure);
      buffer_.consume(used);
    }
    if (failure && failure != http::error::need_more && failure != http::error::need_buffer)
      return error(errc::protocol, "the peer's response is not valid HTTP/1.1: " + failure.message());
    if (body_parser_->is_done()) {
      lowest().expires_never();
      reusable_ = body_parser_->get().result_int() >= 200 && body_parser_->keep_alive() && buffer_.size() == 0;
    }
    return into.size() - body.size;
  }

  bool settling() const noexcept override { return false; }
  bool may_replay() const noexcept override { return !response_begun(); }
  bool sent_whole() const noexcept override { return true; }

  bool response_begun() const noexcept override {
    return response_begun_ || buffer_.size() > 0 || (parser_ && parser_->got_some()) ||
           (body_parser_ && body_parser_->got_some());
  }

  bool reusable() const noexcept override { return reusable_; }

  // An idle peer has nothing to say: anything but "nothing there" means closed, or out of step. Read through TLS, so
  // that bytes count which have left the socket already, and session tickets and key updates do not.
  void abort() noexcept override { lowest().close(); }

  claudio::handshake handshake() const noexcept override { return claudio::handshake::none; }
  bool alive() override {
    char byte = 0;
    error_code failure;
    lowest().socket().non_blocking(true, failure);
    if (failure)
      return false;
    stream_.read_some(asio::buffer(&byte, 1), failure);
    return failure == asio::error::would_block;
  }

private:
  beast::tcp_stream& lowest() noexcept { return beast::get_lowest_layer(stream_); }

  asio::awaitable<result<void>> shake_hands(call_progress& progress) {
    auto& tls = *environment_->tls;
    auto const& host = environment_->endpoint.host;
    auto const prepared = tls.prepare(stream_.native_handle(), host);
    if (!prepared)
      co_return prepared.error();
    lowest().expires_at(progress.until(call_phase::tls));
    error_code failure;
    co_await stream_.async_handshake(ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, failure));
    if (!failure)
      co_return result<void>();
    if (failure.category() == asio::error::get_ssl_category())
      co_return error(errc::tls, tls.describe_failure(stream_.native_handle(), host, failure.message()));
    co_return io_error(failure, call_phase::tls, progress, "shaking hands");
  }

  void begin_exchange() {
    parser_.reset();
    body_parser_.reset();
    reusable_ = false;
    response_begun_ = false;
  }

  template <class Parser>
  asio::awaitable<result<void>> request_head(request_pieces request, std::optional<Parser>& parser,
                                             call_progress& progress) {
    lowest().expires_at(progress.until(call_phase::first_byte));
    error_code write_failure;
    std::string const text = std::string(request.views()[0]) + std::string(request.views()[1]);
    co_await asio::async_write(stream_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, write_failure));
    if (write_failure == asio::error::operation_aborted || write_failure == beast::error::timeout)
      co_return io_error(write_failure, call_phase::first_byte, progress, "sending the request");

    // A server that refuses a request early may have answered before it stopped reading.
    error_code failure;
    unsigned interim = 0;
    do {
      response_begun_ = interim > 0;
      parser.emplace();
      parser->header_limit(header_limit);
      parser->body_limit(body_limit);
      co_await http::async_read_header(stream_, buffer_, *parser, asio::redirect_error(asio::use_awaitable, failure));
    } while (!failure && is_interim(parser->get().result_int()) && ++interim <= most_interim);
    if (interim > most_interim)
      co_return error(errc::protocol, "the peer sends interim responses without end");
    if (!failure)
      co_return result<void>();
    if (write_failure && !response_begun())
      co_return io_error(write_failure, call_phase::first_byte, progress, "sending the request");
    co_return io_error(failure, call_phase::first_byte, progress, "waiting for the answer");
  }

  // RFC 9110 15.2: any number of these may come before the answer. 101 is one, as far as parsing goes, but never asked
  // for.
  static bool is_interim(unsigned status) { return status >= 100 && status < 200 && status != 101; }

  template <class Parser>
  static http_response take_head(Parser& parser) {
    http_response response;
    auto& message = parser.get();
    response.status = static_cast<int>(message.result_int());
    for (auto const& field : message.base())
      response.headers.add({field.name_string().data(), field.name_string().size()},
                           {field.value().data(), field.value().size()});
    return response;
  }

  std::shared_ptr<session_environment const> environment_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  std::optional<http::response_parser<http::buffer_body>> body_parser_; // of a response that is read piece by piece
  bool reusable_ = false;
  bool response_begun_ = false;
};

} // namespace

// asio::ssl's view of our context, which it shares.
class shared_context {
public:
  explicit shared_context(tls_context& tls) : context_(share(tls.native_handle())) {}

  ssl::context& get() noexcept { return context_; }

private:
  static SSL_CTX* share(SSL_CTX* context) {
    SSL_CTX_up_ref(context);
    return context;
  }

  ssl::context context_;
};

std::unique_ptr<session> make_beast_session(std::shared_ptr<session_environment const> environment) {
  if (!environment->tls)
    return std::make_unique<beast_session<plain_stream>>(std::move(environment));
  shared_context context(*environment->tls);
  return std::make_unique<beast_session<tls_stream>>(std::move(environment), context.get());
}

} // namespace claudio
