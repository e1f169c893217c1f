#include "store/store_state.hpp"
#include "store/views.hpp"

#include <algorithm>
#include <set>

namespace claudio {
namespace asio = boost::asio;

namespace {

// Each step reads all tables, so that many small ones would take the square of the time.
constexpr std::size_t rotated_at_once = 50;
constexpr std::size_t most_steps = 4;

} // namespace

asio::awaitable<result<rotation_report>> store::state::rotate(std::shared_ptr<state> self) {
  if (!self)
    co_return not_opened();
  auto reading = read_head(self);
  auto const head = co_await std::move(reading);
  if (!head)
    co_return head.error();
  // The first key may be a new one.
  auto asking = ask(self, *head);
  auto const asked = co_await std::move(asking);
  if (!asked)
    co_return asked.error();
  rotation_report report;
  auto const given = self->keys();
  report.key_id = given.key_ids().front();
  auto const refused = std::make_shared<std::set<std::string>>();
  store_backend::decision renew = [refused, given](snapshot const& now) {
    return sealing::renew_own_keys(now, given, *refused);
  };
  auto renewing = self->backend->change(std::move(renew));
  auto const renewed = co_await std::move(renewing);
  if (!renewed)
    co_return renewed.error();
  report.refused.assign(refused->begin(), refused->end());
  auto const noted = std::make_shared<std::size_t>(0);
  auto const failed = std::make_shared<std::set<std::string>>();
  auto const is_more = std::make_shared<bool>(false);
  store_backend::decision const decide = [noted, is_more, failed, given](snapshot const& now) -> result<changes> {
    auto const most = std::max(rotated_at_once, now.secrets.size() / most_steps + 1);
    auto decided = sealing::rewrap_some(now, given, most, *failed);
    *noted = decided ? decided->put_secrets.size() : 0;
    *is_more = *noted == most;
    return decided;
  };
  while (true) {
    auto changing = self->backend->change(decide);
    auto const outcome = co_await std::move(changing);
    if (!outcome)
      co_return outcome.error();
    report.rewrapped += *noted;
    if (!*is_more)
      break;
  }
  auto forgetting = self->backend->forget_overwritten();
  auto const forgotten = co_await std::move(forgetting);
  if (!forgotten)
    co_return forgotten.error();
  std::function<result<rotation_report>(snapshot const&, vault const&)> count =
      [report, failed](snapshot const& now, vault const& keys) -> result<rotation_report> {
    auto counted = report;
    for (auto const& row : now.secrets)
      if (failed->contains(row.id))
        counted.failed.push_back(views::describe(row, now, keys));
    // Some that were rewrapped may have been removed since.
    auto const intact = now.secrets.size() - counted.failed.size();
    counted.current = intact - std::min(counted.rewrapped, intact);
    return counted;
  };
  auto counting = read(self, std::move(count));
  auto counted = co_await std::move(counting);
  co_return counted;
}

} // namespace claudio
