#include "call/body_bytes.hpp"

#include <memory>
#include <string>

namespace claudio::detail {
namespace asio = boost::asio;

namespace {

constexpr std::size_t piece_size = 16 * 1024;

class line_splitter {
public:
  line_splitter(byte_sink line, std::size_t most_bytes) : line_(std::move(line)), most_bytes_(most_bytes) {}

  // The last line may lack its end.
  static asio::awaitable<result<void>> take(std::shared_ptr<line_splitter> self, std::string_view piece) {
    bool const is_end = piece.empty();
    while (!piece.empty()) {
      auto const end = piece.find('\n');
      self->begun_.append(piece.substr(0, end));
      if (self->begun_.size() > self->most_bytes_)
        co_return error(errc::protocol,
                        "a line of the answer has more than " + std::to_string(self->most_bytes_) + " bytes");
      if (end == std::string_view::npos)
        co_return result<void>();
      piece.remove_prefix(end + 1);
      auto giving = give(self);
      auto const given = co_await std::move(giving);
      if (!given)
        co_return given;
    }
    if (!is_end || self->begun_.empty())
      co_return result<void>();
    auto giving = give(self);
    auto const given = co_await std::move(giving);
    co_return given;
  }

private:
  static asio::awaitable<result<void>> give(std::shared_ptr<line_splitter> self) {
    if (self->begun_.ends_with('\r'))
      self->begun_.pop_back();
    auto taking = self->line_(self->begun_);
    auto const taken = co_await std::move(taking);
    self->begun_.clear();
    co_return taken;
  }

  byte_sink line_;
  std::size_t most_bytes_;
  std::string begun_;
};

} // namespace

byte_sink each_line(byte_sink line, std::size_t most_bytes) {
  auto const splitter = std::make_shared<line_splitter>(std::move(line), most_bytes);
  return [splitter](std::string_view piece) { return line_splitter::take(splitter, piece); };
}

bool body_bytes::takes(http_response const& response) const {
  return response.status == 200 && !response.headers.has_content_coding();
}

asio::awaitable<result<void>> body_bytes::read(session_lease& lease, http_response&) {
  auto const buffer = std::make_unique<char[]>(piece_size);
  std::size_t got = 1;
  while (got > 0) {
    auto reading = lease->read_some({buffer.get(), piece_size}, progress);
    auto const read = co_await std::move(reading);
    if (!read)
      co_return count_ == 0 ? read.error() : begun(read.error());
    got = *read;
    count_ += got;
    auto taking = sink_({buffer.get(), got});
    auto const taken = co_await std::move(taking);
    if (!taken)
      co_return begun(taken.error());
  }
  lease.conclude();
  co_return result<void>();
}

// Another attempt would give the sink the same bytes again.
error body_bytes::begun(error const& failure) {
  error_details details;
  details.message = failure.message();
  details.param = failure.param();
  details.should_retry = false;
  return error(failure.code(), failure.http_status(), std::move(details));
}

void body_bytes::settle(traffic::permit permit, response_headers const& headers) {
  permit.answered(headers);
  permit.ended(std::nullopt);
}

std::uint64_t body_bytes::finish() {
  progress.observed.end(progress.finish(), nullptr, nullptr);
  return count_;
}

} // namespace claudio::detail
