#include "net/session.hpp"

#include "net/connection.hpp"
#include "net/connection_failure.hpp"
#include "net/response_parser.hpp"
#include "net/session_opening.hpp"
#include "net/thread_buffers.hpp"
#include "policy/replay.hpp"

#include <optional>

namespace claudio {
namespace asio = boost::asio;

namespace {

// RFC 9110 15.2: any number of these may come before the answer. 101 is one, as far as parsing goes, but never asked
// for.
bool is_interim(int status) { return status >= 100 && status < 200 && status != 101; }

class http_session final : public session {
public:
  explicit http_session(std::shared_ptr<session_environment const> environment)
      : session(environment->sessions), environment_(std::move(environment)),
        connection_(environment_->tls, environment_->deadlines, environment_->poller),
        opening_(*environment_, connection_) {}

  asio::awaitable<result<void>> connect(call_progress& progress) override { return opening_.connect(progress); }
  asio::awaitable<result<void>> secure(call_progress& progress) override { return opening_.secure(progress); }

  asio::awaitable<result<http_response>> exchange(request_pieces request, call_progress& progress) override {
    return speak(request, progress, true);
  }

  asio::awaitable<result<http_response>> begin(request_pieces request, call_progress& progress) override {
    return speak(request, progress, false);
  }

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into, call_progress& progress) override {
    while (true) {
      auto arrived = read_decrypted(into);
      if (!arrived || *arrived > 0 || parser_->complete())
        co_return arrived;
      connection_.deadline(progress.begin_wait());
      auto woken = polled_socket::outcome::ready;
      if (connection_.must_wait()) {
        auto waiting = connection_.async_wait_readable();
        woken = co_await std::move(waiting);
      }
      auto status = connection_.waited(woken);
      progress.end_wait();
      connection_.deadline(call_progress::clock::time_point::max());
      if (status == io_status::done) {
        arrived = receive_body(into, status);
        if (!arrived || *arrived > 0)
          co_return arrived;
      }
      if (status == io_status::timed_out)
        co_return progress.stream_timeout();
      if (status != io_status::done && !end_body(status))
        co_return failure(status, call_phase::body, progress, "reading the answer's body");
    }
  }

  result<std::size_t> read_arrived(std::span<char> into) override {
    auto arrived = read_decrypted(into);
    auto status = io_status::done;
    while (arrived && *arrived == 0 && !parser_->complete() && status == io_status::done && connection_.has_arrived())
      arrived = receive_body(into, status);
    return arrived;
  }

  bool response_begun() const noexcept override {
    return response_begun_ || !pending_.empty() || (parser_ && parser_->begun());
  }

  bool reusable() const noexcept override { return reusable_; }

  bool sent_whole() const noexcept override { return written_at_.has_value(); }

  bool may_replay() const noexcept override {
    if (response_begun())
      return false;
    break_facts facts;
    if (written_at_)
      facts.since_written = call_progress::clock::now() - *written_at_;
    facts.round_trip = connection_.round_trip();
    return claudio::may_replay(facts);
  }

  void abort() noexcept override { connection_.abort(); }

  bool settling() const noexcept override {
    return parser_ && parser_->head_complete() && !parser_->complete() && parser_->keeps_connection() && written_at_;
  }

  bool alive() override { return settle() && pending_.empty() && connection_.quiet(); }

  claudio::handshake handshake() const noexcept override {
    if (!environment_->tls)
      return claudio::handshake::none;
    return connection_.resumed() ? claudio::handshake::resumed : claudio::handshake::full;
  }

private:
  // Sends the request and reads the answer, up to its end or to its body. All in one frame, since every call waits
  // here: each further frame would be another cold one when it goes on.
  asio::awaitable<result<http_response>> speak(request_pieces request, call_progress& progress, bool whole) {
    if (progress.begun_in_parent())
      co_return progress.cancelled(std::string_view());
    begin_exchange(whole);
    stopwatch watch(progress.info.first_byte);
    connection_.deadline(progress.until(call_phase::first_byte));
    written_ = connection_.begin_write(request);
    auto written_at = watch.started(); // unless that takes longer
    while (is_writing(request) && !answered()) {
      auto waiting = connection_.async_wait_writable_or_readable();
      auto const woken = co_await std::move(waiting);
      auto const read = write_more(request, connection_.waited(woken), progress);
      if (!read)
        co_return read.error();
      written_at = call_progress::clock::now();
    }
    if (written_ != io_status::done && written_ != io_status::socket_failed)
      co_return failure(written_, call_phase::first_byte, progress, "sending the request");
    if (written_ == io_status::done && !is_writing(request))
      written_at_ = written_at;
    if (answered()) {
      watch.go_on(progress.info.body);
      connection_.deadline(whole ? progress.until(call_phase::body) : call_progress::clock::time_point::max());
    }

    while (!has_read_enough()) {
      auto woken = polled_socket::outcome::ready;
      if (connection_.must_wait()) {
        auto waiting = connection_.async_wait_readable();
        woken = co_await std::move(waiting);
      }
      bool const in_head = !answered();
      auto const read = read_more(connection_.waited(woken), progress);
      if (!read)
        co_return read.error();
      if (in_head && answered()) {
        watch.go_on(progress.info.body);
        connection_.deadline(whole ? progress.until(call_phase::body) : call_progress::clock::time_point::max());
      }
    }
    if (parser_->complete())
      conclude_exchange();
    co_return std::move(parser_->response());
  }

  bool is_writing(request_pieces const& request) const noexcept {
    return written_ == io_status::done && (!request.empty() || connection_.has_unsent());
  }

  // A step of sending a large request, after a wait with that outcome. A server may answer before it has read
  // everything (RFC 9110 10.1.1 calls it a final status code), and then reads no more.
  result<void> write_more(request_pieces& request, io_status status, call_progress const& progress) {
    written_ = status;
    if (status == io_status::done && connection_.can_read())
      if (auto const read = read_more(status, progress); !read)
        return read.error();
    if (written_ == io_status::done && !answered())
      written_ = connection_.continue_write(request);
    return {};
  }

  void begin_exchange(bool whole) {
    parser_.emplace(environment_->max_answer_bytes);
    whole_ = whole;
    interim_ = 0;
    written_at_.reset();
    reusable_ = false;
    response_begun_ = false;
  }

  bool answered() const { return parser_->head_complete() && !is_interim(parser_->status()); }
  bool has_read_enough() const {
    return whole_ ? parser_->complete() || parser_->has_taken_enough() || is_proxys_refusal() : answered();
  }
  // A proxy may close before it has read the request, by which the rest of its answer gets lost.
  bool is_proxys_refusal() const {
    return parser_->status() == 407 && parser_->head_complete() && environment_->proxy && !environment_->tls;
  }

  // A step of reading the answer, after a wait with that outcome.
  result<void> read_more(io_status status, call_progress const& progress) {
    if (status == io_status::done)
      if (auto const parsed = parse_received(status); !parsed)
        return parsed.error();
    if (auto const passed = pass_interim(); !passed)
      return passed.error();
    if (status == io_status::done || has_read_enough())
      return {};
    if (answered())
      return end_body(status) ? result<void>()
                              : failure(status, call_phase::body, progress, "reading the answer's body");
    // A server that refuses a request early may have answered before it stopped reading. An alert tells more than the
    // broken pipe that came of it.
    if (written_ != io_status::done && status != io_status::tls_failed && !response_begun())
      return failure(written_, call_phase::first_byte, progress, "sending the request");
    return failure(status, call_phase::first_byte, progress,
                   written_at_ ? "waiting for the answer" : "sending the request");
  }

  result<void> pass_interim() {
    while (parser_->head_complete() && is_interim(parser_->status())) {
      if (++interim_ > response_parser::most_interim)
        return error(errc::protocol, "the peer sends interim responses without end");
      parser_.emplace(environment_->max_answer_bytes);
      response_begun_ = true;
      if (auto const parsed = parse_again(); !parsed)
        return parsed.error();
    }
    return {};
  }

  bool settle() {
    if (!settling())
      return true;
    constexpr int most_reads = 16;
    char rest[1024];
    result<std::size_t> read = std::size_t{1};
    for (int i = 0; i < most_reads && read && *read > 0; ++i)
      read = read_arrived(rest);
    return reusable_;
  }

  void conclude_exchange() {
    connection_.deadline(call_progress::clock::time_point::max());
    bool const is_final = parser_->status() >= 200;
    // Whoever answers early has not read the whole request, and would take the rest for the next one.
    reusable_ = is_final && parser_->keeps_connection() && pending_.empty() && written_at_;
    if (pending_.empty())
      std::string().swap(pending_);
  }

  result<std::size_t> parse(std::string_view bytes) {
    return whole_ ? parser_->parse_whole(bytes) : parser_->parse(bytes);
  }

  // Gives the parser what it could not use before.
  result<void> parse_again() {
    auto const used = parse(pending_);
    if (!used)
      return used.error();
    pending_.erase(0, *used);
    return {};
  }

  // Reads from the socket once, and parses all that gives. `status` says how the reading went.
  result<void> parse_received(io_status& status) {
    auto& plain = this_threads_buffers().plain;
    std::size_t got = 0;
    status = connection_.receive(plain, got);
    auto parsed = parse_bytes({plain.data(), got});
    while (parsed && status == io_status::done && got > 0) {
      status = connection_.read_arrived(plain, got);
      parsed = parse_bytes({plain.data(), got});
    }
    return parsed;
  }

  result<void> parse_bytes(std::string_view bytes) {
    if (!pending_.empty()) {
      pending_.append(bytes);
      return parse_again();
    }
    auto const used = parse(bytes);
    if (!used)
      return used.error();
    pending_.assign(bytes.substr(*used));
    return {};
  }

  result<std::size_t> parse_pending(std::span<char> into) {
    std::size_t filled = 0;
    auto const used = parser_->parse_body(pending_, into, filled);
    if (!used)
      return used.error();
    pending_.erase(0, *used);
    return filled;
  }

  // Takes the framing out of `got` bytes that stand in `into`.
  result<std::size_t> parse_body(std::span<char> into, std::size_t got) {
    if (!pending_.empty()) {
      pending_.append(into.data(), got);
      return parse_pending(into);
    }
    std::size_t filled = 0;
    auto const used = parser_->parse_body({into.data(), got}, into, filled);
    if (!used)
      return used.error();
    pending_.assign(into.data() + *used, got - *used);
    return filled;
  }

  // What has come out of the socket already.
  result<std::size_t> read_decrypted(std::span<char> into) {
    auto arrived = parse_pending(into);
    while (arrived && *arrived == 0 && !parser_->complete()) {
      std::size_t got = 0;
      // How the bytes ended is told to the one who waits for them.
      connection_.read_arrived(into, got);
      if (got == 0)
        break;
      arrived = parse_body(into, got);
    }
    if (arrived && parser_->complete())
      conclude_exchange();
    return arrived;
  }

  result<std::size_t> receive_body(std::span<char> into, io_status& status) {
    std::size_t got = 0;
    status = connection_.receive(into, got);
    auto const filled = parse_body(into, got);
    if (filled && parser_->complete())
      conclude_exchange();
    return filled;
  }

  // A body that ends with the connection: whether all of it came shows when it is read, so that a peer that does not
  // say goodbye to TLS is no failure here.
  bool end_body(io_status status) {
    if ((status != io_status::closed && status != io_status::truncated) || !parser_->ends_with_connection())
      return false;
    return parser_->end_input().has_value();
  }

  error failure(io_status status, call_phase phase, call_progress const& progress, std::string_view doing) const {
    return connection_failure(connection_, status, phase, progress, doing);
  }

  std::shared_ptr<session_environment const> environment_;
  connection connection_;
  session_opening opening_;
  std::optional<response_parser> parser_;
  std::string pending_; // what has come of the response and could not be parsed yet
  unsigned interim_ = 0;
  io_status written_ = io_status::done;
  std::optional<call_progress::clock::time_point> written_at_; // when all of the request had been written
  bool whole_ = false;
  bool reusable_ = false;
  bool response_begun_ = false;
};

} // namespace

session::session(std::shared_ptr<session_registry> registry)
    : registry_(std::move(registry)), position_(registry_->sessions_.size()) {
  registry_->sessions_.push_back(this);
}

session::~session() {
  auto& all = registry_->sessions_;
  all[position_] = all.back();
  all[position_]->position_ = position_;
  all.pop_back();
}

void session_registry::abort() {
  for (auto* open : sessions_)
    open->abort();
}

std::unique_ptr<session> make_session(std::shared_ptr<session_environment const> environment) {
  return std::make_unique<http_session>(std::move(environment));
}

} // namespace claudio
