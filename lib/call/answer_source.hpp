#pragma once

#include "core/event_json.hpp"
#include "core/message_accumulator.hpp"

#include <claudio/call_info.hpp>
#include <claudio/error.hpp>
#include <claudio/events.hpp>
#include <claudio/message.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>

namespace claudio::detail {

/// Where the events of an answer come from. All of it belongs to the home executor, but for reading `so_far()` between
/// two operations.
class answer_source {
public:
  using event_result = result<std::optional<message_event>>;

  explicit answer_source(boost::asio::any_io_executor executor) : home(std::move(executor)) {}
  answer_source(answer_source const&) = delete;
  answer_source& operator=(answer_source const&) = delete;
  virtual ~answer_source() = default;

  /// For one that nobody reads any more: its session goes where it lives, and what is still to be told is told there.
  static void end_at_home(answer_source* dropped) noexcept;

  /// At home: the next event, or nothing at the answer's end.
  static boost::asio::awaitable<event_result> next(std::shared_ptr<answer_source> self);
  /// At home: the outcome of `next()`, as far as it is known without waiting.
  virtual std::optional<event_result> poll() = 0;

  /// The event that was handed out last.
  virtual event_json& event() noexcept = 0;
  virtual message_accumulator const& so_far() const noexcept = 0;
  message const& response() const noexcept { return so_far().result(); }

  /// Takes over the account of what the same call did before, at another model.
  virtual void add(call_info const& earlier) = 0;
  /// Whether nothing is left to be ended or told.
  virtual bool over() const noexcept = 0;

  boost::asio::any_io_executor const home;

protected:
  /// Waits for what `poll()` lacks.
  virtual boost::asio::awaitable<result<void>> wait() = 0;
  /// Ends the answer with an error, and gives it as the caller sees it.
  virtual event_result fail(error failure) = 0;
};

} // namespace claudio::detail
