#include "call/answer_source.hpp"

#include "async/as_result.hpp"

#include <boost/asio/dispatch.hpp>

namespace claudio::detail {
namespace asio = boost::asio;

void answer_source::end_at_home(answer_source* dropped) noexcept {
  std::unique_ptr<answer_source> owned(dropped);
  if (owned->over())
    return;
  auto const home = owned->home;
  asio::dispatch(home, [source = std::move(owned)] {});
}

asio::awaitable<answer_source::event_result> answer_source::next(std::shared_ptr<answer_source> self) {
  try {
    while (true) {
      if (auto outcome = self->poll())
        co_return std::move(*outcome);
      auto waiting = self->wait();
      auto const waited = co_await std::move(waiting);
      if (!waited)
        co_return self->fail(waited.error());
    }
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return self->fail(cancelled_by_caller());
}

} // namespace claudio::detail
