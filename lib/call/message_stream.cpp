#include "async/on_home.hpp"
#include "call/answer_source.hpp"

#include <claudio/stream.hpp>

#include <boost/asio/this_coro.hpp>

namespace claudio {
namespace asio = boost::asio;

namespace {

using event_result = detail::answer_source::event_result;

asio::awaitable<event_result> no_event() {
  co_return error(errc::configuration, "an empty claudio::message_stream; get one from client::stream()");
}

// Hands out what has arrived without another coroutine, when the caller is at home.
asio::awaitable<event_result> next_event(std::shared_ptr<detail::answer_source> source) {
  auto const caller = co_await asio::this_coro::executor;
  if (caller == source->home)
    if (auto outcome = source->poll())
      co_return std::move(*outcome);
  auto work = detail::answer_source::next(source);
  auto there = on_home<std::optional<message_event>>(source->home, std::move(work));
  auto outcome = co_await std::move(there);
  co_return outcome;
}

} // namespace

asio::awaitable<event_result> message_stream::next() { return source_ ? next_event(source_) : no_event(); }

message const& message_stream::response() const noexcept {
  static auto const* const none = new message;
  return source_ ? source_->response() : *none;
}

} // namespace claudio
