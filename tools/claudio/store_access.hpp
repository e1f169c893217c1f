#pragma once

#include <claudio/error.hpp>
#include <claudio/store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace claudio::tool {

/// Which database to use, and with which keys: the options --store and --key.
class store_choice {
public:
  store_choice() = default;

  std::string url;               ///< empty: the default one
  std::vector<std::string> keys; ///< where key-encryption keys come from; empty: the environment, else the key file
};

/// What becomes of a database that was named and is a file that is not there: its name may be mistyped. The default
/// one, whose name nobody types, is made whenever it is missing.
enum class missing_database {
  refuse,
  ask, ///< at a terminal, elsewhere refuse
  make
};

/// `choice` outlives the command line.
void add_store_options(CLI::App& app, store_choice& choice);

/// An open store, and the context that it works in.
class opened_store {
public:
  explicit opened_store(store_choice const& choice);

  /// Errors: those of `store::open`; `errc::configuration` for a database that is missing.
  result<void> open(missing_database when_missing = missing_database::refuse);
  claudio::store& store() noexcept { return store_; }
  /// Whether it is no file.
  bool is_on_server() const noexcept { return is_on_server_; }

  /// Runs an operation of the store to its end.
  template <class T>
  T run(boost::asio::awaitable<T> operation) {
    std::optional<T> outcome;
    boost::asio::co_spawn(context_, std::move(operation), [&](std::exception_ptr failure, T value) {
      if (failure)
        std::rethrow_exception(failure);
      outcome.emplace(std::move(value));
    });
    context_.restart();
    // What else goes on, such as the look-up of a host that was given up, is not waited for.
    while (!outcome)
      context_.run_one();
    return std::move(*outcome);
  }

private:
  boost::asio::io_context context_{1};
  store_choice choice_;
  claudio::store store_;
  bool is_on_server_ = false;
};

/// Takes the database's address, which may have a password, and the master key out of the environment, also where they
/// are not used: children would inherit them.
void take_variables();

/// The database's address. Errors: `errc::configuration`.
result<std::string> url_of(store_choice const& choice);
/// Whether a database is a file that is not there.
bool is_missing(std::string const& url);
/// The error for it, with the command that makes it.
error missing_fault(std::string const& url);

/// Whether the user has a database in the default place.
bool has_default_store();

/// The file of the key-encryption keys, when they come from one. Errors: `errc::configuration` when they come from
/// elsewhere.
result<std::string> key_file_of(store_choice const& choice);

} // namespace claudio::tool
