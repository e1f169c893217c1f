#include "runtime/chat_stream.hpp"

#include "async/on_home.hpp"
#include "core/translate/chunks.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace claudio {
namespace asio = boost::asio;

using chunk_result = result<std::optional<chat_chunk>>;

class chat_stream::state {
public:
  state(std::shared_ptr<detail::answer_source> events, answer_context given, std::vector<std::string> noted)
      : source(std::move(events)), context(std::move(given)), warnings(std::move(noted)),
        created(std::chrono::system_clock::now()), maker(context, created) {}

  std::shared_ptr<detail::answer_source> const source;
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
    auto& source = *state->source;
    auto const caller = co_await asio::this_coro::executor;
    bool const at_home = caller == source.home;
    while (true) {
      if (auto const* chunk = state->maker.next())
        co_return std::optional<chat_chunk>(*chunk);
      // What has arrived needs no further coroutine.
      std::optional<detail::answer_source::event_result> event;
      if (at_home)
        event = source.poll();
      if (!event) {
        auto there = on_home<std::optional<message_event>>(source.home, detail::answer_source::next(state->source));
        auto awaited = co_await std::move(there);
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
  if (state_->source->so_far().repaired())
    warnings.emplace_back(message_accumulator::repair_warning);
  return to_openai(state_->source->response(), state_->context, state_->created, std::move(warnings));
}

chat_stream make_chat_stream(std::shared_ptr<detail::answer_source> source, answer_context context,
                             std::vector<std::string> warnings) {
  return chat_stream(std::make_shared<chat_stream::state>(std::move(source), std::move(context), std::move(warnings)));
}

} // namespace claudio
