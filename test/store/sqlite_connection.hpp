#pragma once

#include "store/fixtures.hpp"
#include "store/operations.hpp"
#include "support/call.hpp"

#include <claudio/store.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <sqlite3.h>
#include <string>
#include <string_view>

/// Stores in SQLite files, and other programs beside them.
namespace claudio::test {

/// Another program at the same file.
class sqlite_connection {
public:
  explicit sqlite_connection(std::string const& path) {
    BOOST_REQUIRE(sqlite3_open(path.c_str(), &opened_) == SQLITE_OK);
    sqlite3_busy_timeout(opened_, 5000);
  }
  sqlite_connection(sqlite_connection const&) = delete;
  sqlite_connection& operator=(sqlite_connection const&) = delete;
  ~sqlite_connection() { sqlite3_close_v2(opened_); }

  void execute(std::string const& sql) {
    BOOST_REQUIRE_MESSAGE(sqlite3_exec(opened_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                          sql << ": " << sqlite3_errmsg(opened_));
  }
  // The first column of the first row.
  std::string text(std::string const& sql) {
    std::string found;
    auto const keep = [](void* into, int, char** values, char**) {
      if (values[0])
        *static_cast<std::string*>(into) = values[0];
      return 0;
    };
    BOOST_REQUIRE(sqlite3_exec(opened_, sql.c_str(), keep, &found, nullptr) == SQLITE_OK);
    return found;
  }

private:
  sqlite3* opened_ = nullptr;
};

inline result<store> open_at(boost::asio::io_context& context, std::string const& path,
                             std::initializer_list<std::string_view> keys = {first_key}) {
  return run(context, store::open(context.get_executor(), "sqlite:" + path, sources_of(keys)));
}

// A database with so many providers, closed.
inline std::string filled(temporary_folder const& folder, std::size_t count, std::string const& name = "filled.db") {
  boost::asio::io_context context;
  auto const opened = open_at(context, folder.file(name));
  succeeds(opened);
  auto config = configuration_of(count);
  succeeds(run(context, opened->import_configuration(std::move(config))));
  return folder.file(name);
}

} // namespace claudio::test
