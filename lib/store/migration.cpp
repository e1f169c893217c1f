#include "store/store_state.hpp"
#include "store/views.hpp"

#include <set>

namespace claudio {
namespace asio = boost::asio;

asio::awaitable<result<migration_report>> store::state::migrate(std::shared_ptr<state> self) {
  if (!self)
    co_return not_opened();
  auto const failed = std::make_shared<std::set<std::string>>();
  auto const refused = std::make_shared<std::set<std::string>>();
  store_backend::decision decide = [failed, refused, keys = self->keys(), cost = self->cost()](snapshot const& now) {
    return sealing::upgrade(now, keys, cost, *failed, *refused);
  };
  auto upgrading = self->backend->upgrade(std::move(decide));
  auto const backup = co_await std::move(upgrading);
  if (!backup)
    co_return backup.error();
  std::function<result<migration_report>(snapshot const&, vault const&)> describe =
      [backup, failed, refused](snapshot const& now, vault const& keys) -> result<migration_report> {
    migration_report report;
    report.backup = *backup;
    report.refused.assign(refused->begin(), refused->end());
    for (auto const& row : now.secrets)
      if (failed->contains(row.id))
        report.failed.push_back(views::describe(row, now, keys));
    return report;
  };
  auto describing = read(self, std::move(describe));
  auto report = co_await std::move(describing);
  co_return report;
}

} // namespace claudio
