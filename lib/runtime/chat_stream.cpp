#include "runtime/chat_stream.hpp"

#include "async/as_result.hpp"
#include "core/translate/chunks.hpp"
#include "runtime/message_stream.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace claudio {
namespace asio = boost::asio;

using chunk_result = result<std::optional<chat_chunk>>;

class chat_stream::state {
public:
  state(message_stream stream, answer_context given, std::vector<std::string> noted, call_info const& earlier)
      : events(std::move(stream)), context(std::move(given)), warnings(std::move(noted)),
        created(std::chrono::system_clock::now()), maker(context, created) {
    events.state_->progress.add(earlier);
  }

  message_stream events;
  answer_context const context;
  std::vector<std::string> const warnings;
  std::chrono::system_clock::time_point const created;
  chunk_maker maker;
};

namespace {

asio::awaitable<chunk_result> no_chunk() {
  co_return error(errc::configuration, "an empty claudio::chat_stream; get one from model::stream()");
}

} // namespace

asio::awaitable<chunk_result> chat_stream::next() { return state_ ? next_of(state_) : no_chunk(); }

asio::awaitable<chunk_result> chat_stream::next_of(std::shared_ptr<state> state) {
  try {
    auto& source = *state->events.state_;
    auto const caller = co_await asio::this_coro::executor;
    bool const at_home = caller == source.home;
    while (true) {
      if (auto const* chunk = state->maker.next())
        co_return std::optional<chat_chunk>(*chunk);
      // What has arrived needs no further coroutine.
      std::optional<detail::message_stream_state::event_result> event;
      if (at_home)
        event = source.poll();
      if (!event) {
        auto waiting = state->events.next();
        auto awaited = co_await std::move(waiting);
        event = std::move(awaited);
      }
      if (event->has_error())
        co_return event->error();
      if (!**event)
        co_return std::optional<chat_chunk>();
      state->maker.apply(source.event(), source.so_far());
    }
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return cancelled_by_caller();
}

chat_response chat_stream::response() const {
  if (!state_)
    return chat_response();
  auto warnings = state_->warnings;
  if (state_->events.state_->so_far().repaired())
    warnings.emplace_back(message_accumulator::repair_warning);
  return to_openai(state_->events.response(), state_->context, state_->created, std::move(warnings));
}

chat_stream make_chat_stream(message_stream events, answer_context context, std::vector<std::string> warnings,
                             call_info const& earlier) {
  return chat_stream(
      std::make_shared<chat_stream::state>(std::move(events), std::move(context), std::move(warnings), earlier));
}

} // namespace claudio
