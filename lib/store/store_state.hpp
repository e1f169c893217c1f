#pragma once

#include "store/asking_pace.hpp"
#include "store/backend.hpp"
#include "store/sealing.hpp"

#include <claudio/store.hpp>
#include <claudio/vault.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace claudio {

/// What the copies of a store share. Whatever is asked of none (an empty store's) gives `errc::configuration`.
class store::state {
public:
  using edit = std::function<result<changes>(snapshot const& now, sealing::sealer const& with)>;

  state(boost::asio::execution_context& context, std::unique_ptr<store_backend> made, std::vector<key_source> given)
      : home(context), backend(std::move(made)), sources(std::move(given)) {}

  // Gives what a function makes of the tables. When there is a key that was not given, the sources are asked again.
  template <class T>
  static boost::asio::awaitable<result<T>> read(std::shared_ptr<state> self,
                                                std::function<result<T>(snapshot const&, vault const&)> view) {
    if (!self)
      co_return not_opened();
    auto const missing = std::make_shared<std::optional<std::string>>();
    for (bool is_first = true;; is_first = false) {
      auto const seen = std::make_shared<std::optional<T>>();
      store_backend::reader use = [seen, missing, view, keys = self->keys()](snapshot const& now) -> result<void> {
        *missing = sealing::find_missing_key(now, keys);
        auto made = view(now, keys);
        if (!made)
          return made.error();
        seen->emplace(std::move(*made));
        return {};
      };
      auto reading = self->backend->read(std::move(use));
      auto const outcome = co_await std::move(reading);
      if (*missing && is_first) {
        auto asking = ask_again(self, **missing);
        bool const is_given = co_await std::move(asking);
        if (is_given)
          continue;
      }
      if (!outcome)
        co_return outcome.error();
      co_return std::move(**seen);
    }
  }

  static boost::asio::awaitable<result<void>> change(std::shared_ptr<state> self, edit make);

  // Makes a change, and gives what was noted when it was decided.
  template <class T>
  static boost::asio::awaitable<result<T>> change(std::shared_ptr<state> self, std::shared_ptr<T> noted, edit make) {
    auto changing = change(std::move(self), std::move(make));
    auto const outcome = co_await std::move(changing);
    if (!outcome)
      co_return outcome.error();
    co_return std::move(*noted);
  }

  static boost::asio::awaitable<result<void>> wait_for_change(std::shared_ptr<state> self, std::int64_t seen);
  static boost::asio::awaitable<result<store>> open(std::shared_ptr<state> self);
  // In rotation.cpp and migration.cpp.
  static boost::asio::awaitable<result<rotation_report>> rotate(std::shared_ptr<state> self);
  static boost::asio::awaitable<result<migration_report>> migrate(std::shared_ptr<state> self);

private:
  static error not_opened();
  static boost::asio::awaitable<result<snapshot>> read_head(std::shared_ptr<state> self);
  static boost::asio::awaitable<result<void>> ask(std::shared_ptr<state> self, snapshot const& head);
  static boost::asio::awaitable<bool> ask_again(std::shared_ptr<state> self, std::string missing);

  // The cost of a passphrase in a database that has none yet.
  unsigned cost() const;
  vault keys() const {
    std::scoped_lock const lock(mutex_);
    return keys_;
  }

  boost::asio::execution_context& home;
  std::unique_ptr<store_backend> const backend;
  std::vector<key_source> const sources;
  mutable std::mutex mutex_;
  vault keys_;
  asking_pace pace_;
};

} // namespace claudio
