#pragma once

#include "store/fixtures.hpp"

#include <claudio/store.hpp>

#include <boost/asio/io_context.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

struct pg_conn;

/// Databases for the tests that hold for each kind: SQLite, or PostgreSQL where test/postgresql/with_server.sh runs
/// them.
namespace claudio::test {

/// A database of its own, new and empty. It goes with this object.
class database {
public:
  database();
  database(database const&) = delete;
  database& operator=(database const&) = delete;
  ~database();

  std::string const& url() const noexcept { return url_; }
  /// Makes a new one one of `test/store/data`, under the first key.
  void load_old(std::string const& name) const;
  /// Where it is, when it is a file.
  std::string path() const { return folder_.file("claudio.db"); }
  bool is_file() const noexcept { return name_.empty(); }
  /// Keeps the content aside, and brings it back; while nobody uses it.
  void save() const;
  void restore() const;
  /// Makes it as it was when it was new.
  void clear() const;

  /// What another program does with it.
  void execute(std::string const& sql) const;
  /// The first column of the first row.
  std::string text(std::string const& sql) const;
  /// The bytes there, two digits for each.
  std::string hexadecimal(std::string const& sql) const;

private:
  temporary_folder folder_; // of SQLite
  std::string name_;        // of PostgreSQL
  std::string url_;
  mutable std::shared_ptr<pg_conn> connection_; // another program's
};

/// Of the server that the tests run beside; empty when there is none.
std::string postgresql_url(std::string_view database_and_parameters);

result<store> open_at(boost::asio::io_context& context, database const& at,
                      std::initializer_list<std::string_view> keys = {first_key});

/// With so many providers, their keys and models. Closed.
void fill(database const& at, std::size_t count);

store_content content_of(database const& at, std::initializer_list<std::string_view> keys = {first_key});

} // namespace claudio::test
