#pragma once

#include "call/answer_source.hpp"
#include "call/call.hpp"
#include "core/message_reader.hpp"

#include <claudio/stream.hpp>

#include <memory>
#include <optional>

namespace claudio::detail {

/// A call whose answer streams, from its request to the answer's end.
class live_source final : public call, public answer_source {
public:
  using answer = std::shared_ptr<answer_source>;

  /// Keeps it beyond `run()`.
  class holder {
  public:
    holder(std::shared_ptr<endpoint> const& where, call_options const& options)
        : source_(new live_source(where, options), &answer_source::end_at_home) {}

    live_source* operator->() const noexcept { return source_.get(); }
    answer finish() { return source_; }

  private:
    std::shared_ptr<live_source> source_;
  };

  live_source(std::shared_ptr<endpoint> const& where, call_options const& options);
  ~live_source() override;

  std::optional<event_result> poll() override;
  event_json& event() noexcept override { return reader_.event(); }
  message_accumulator const& so_far() const noexcept override { return reader_.answer(); }
  void add(call_info const& earlier) override { progress.add(earlier); }
  bool over() const noexcept override { return !lease_ && !progress.observed.active(); }

private:
  bool reads_whole() const noexcept override { return false; }
  bool takes(http_response const& response) const override;
  std::optional<result<void>> read_now(http_response&) override { return std::nullopt; }
  boost::asio::awaitable<result<void>> read(session_lease& lease, http_response& response) override;
  void settle(traffic::permit permit, response_headers const& headers) override;

  boost::asio::awaitable<result<void>> wait() override;
  event_result fail(error failure) override;

  boost::asio::awaitable<void> parse_large();
  event_result take_event();
  error truncation() const;
  void note_chunk();
  void end_body();
  void release();
  void tell_end(error const* failure);

  std::shared_ptr<observer> const observer_; // of the call; told until its end
  traffic::permit permit_;
  session_lease lease_;
  http_response head_;
  message_reader reader_;
  std::optional<event_result> ahead_; // of an event that was read ahead
  std::optional<error> failure_;
  stream_event told_;                        // so far
  call_progress::clock::time_point arrived_; // of the bytes that were read last
  call_progress::clock::time_point last_chunk_;
  bool opened_ = false;
};

} // namespace claudio::detail
