#include "store/sqlite_database.hpp"

#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <sqlite3.h>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace {

constexpr int longest_wait_ms = 10'000;

std::string quoted(std::string const& path) { return "the database \"" + path + "\""; }

std::string reason(int errno_value) { return std::generic_category().message(errno_value); }

// SQLite would make the file readable for all; what it puts beside it has the file's mode.
result<void> make_file(std::string const& path) {
  int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 && errno != EEXIST)
    return error(errc::storage, "can't make " + quoted(path) + ": " + reason(errno));
  if (file >= 0)
    ::close(file);
  return {};
}

// For a URI, in which some characters have a meaning.
std::string percent_encoded(std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (char const c : path) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '/' || c == '.' || c == '-' || c == '_' || std::isalnum(byte) != 0)
      encoded += c;
    else
      encoded.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return encoded;
}

error unwritable(std::string message) {
  error_details details;
  details.message = std::move(message);
  details.error_code = unwritable_code;
  return error(errc::storage, 0, std::move(details));
}

} // namespace

void sqlite_database::close::operator()(sqlite3* opened) const noexcept { sqlite3_close_v2(opened); }

result<sqlite_database> sqlite_database::open(std::string const& path) {
  if (auto const made = make_file(path); !made)
    return made.error();
  return open(path, path, SQLITE_OPEN_READWRITE);
}

result<sqlite_database> sqlite_database::open_immutable(std::string const& path) {
  return open(path, "file:" + percent_encoded(path) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

result<sqlite_database> sqlite_database::open_copy(std::string const& path, std::string const& copy) {
  return open(path, copy, SQLITE_OPEN_READWRITE);
}

result<sqlite_database> sqlite_database::open(std::string const& path, std::string const& name, int flags) {
  sqlite_database database;
  database.path_ = path;
  database.wait_ = std::make_unique<lock_wait>();
  sqlite3* opened = nullptr;
  int const status = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  database.connection_.reset(opened);
  if (status != SQLITE_OK)
    return database.failure("opened");
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_handler(opened, &wait_for_lock, database.wait_.get());
  return database;
}

// What it says is asked again after a short while; SQLite itself would wait without an end to it.
int sqlite_database::wait_for_lock(void* waiting, int times) noexcept {
  auto& wait = *static_cast<lock_wait*>(waiting);
  if (times == 0)
    wait.waited_ms = 0;
  if ((wait.cancelled && *wait.cancelled) || wait.waited_ms >= longest_wait_ms)
    return 0;
  constexpr int step_ms = 5;
  sqlite3_sleep(step_ms);
  wait.waited_ms += step_ms;
  return 1;
}

void sqlite_database::watch(std::atomic<bool> const* cancelled) noexcept {
  if (wait_)
    wait_->cancelled = cancelled;
}

error sqlite_database::failure(std::string_view doing) const {
  if (is_cancelled())
    return error(errc::cancelled, "the caller cancelled");
  auto* const connection = connection_.get();
  auto const start = quoted(path_) + " can't be " + std::string(doing) + ": ";
  switch (sqlite3_errcode(connection) & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return error(errc::storage,
                 start + "another process has kept it locked for " + std::to_string(longest_wait_ms / 1000) + " s");
  case SQLITE_READONLY:
    return unwritable(start + "it is read-only; its file and its folder have to be writable");
  case SQLITE_FULL:
    return unwritable(start + "the disk is full");
  case SQLITE_NOTADB:
    return error(errc::storage, quoted(path_) + " is not a SQLite database");
  case SQLITE_CORRUPT:
    return error(errc::storage, quoted(path_) + " is damaged (" + sqlite3_errmsg(connection) +
                                    "); restore it from a backup, or see `sqlite3 FILE .recover`");
  case SQLITE_CANTOPEN:
  case SQLITE_IOERR:
    if (int const number = sqlite3_system_errno(connection); number != 0)
      return unwritable(start + reason(number));
    return unwritable(start + sqlite3_errmsg(connection) + "; is the disk full, or failing?");
  default:
    break;
  }
  return error(errc::storage, start + sqlite3_errmsg(connection));
}

bool sqlite_database::has_moved() const {
  int moved = 0;
  return sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

std::string sqlite_database::name() const { return quoted(path_); }

result<void> sqlite_database::execute(std::string const& sql) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure("used");
  return {};
}

result<sqlite_statement> sqlite_database::prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &prepared, nullptr) != SQLITE_OK)
    return failure("used");
  return sqlite_statement(*this, prepared);
}

result<std::int64_t> sqlite_database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement)
    return statement.error();
  auto const row = statement->step();
  if (!row)
    return row.error();
  return *row ? statement->column_integer(0) : 0;
}

void sqlite_statement::finalize::operator()(sqlite3_stmt* prepared) const noexcept { sqlite3_finalize(prepared); }

sqlite_statement::sqlite_statement(sqlite_database const& database, sqlite3_stmt* prepared)
    : database_(&database), prepared_(prepared) {}

void sqlite_statement::note(int status) noexcept { is_bound_ = is_bound_ && status == SQLITE_OK; }

sqlite_statement& sqlite_statement::text(int parameter, std::string_view value) {
  note(sqlite3_bind_text(prepared_.get(), parameter + 1, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
  return *this;
}

sqlite_statement& sqlite_statement::blob(int parameter, std::string_view value) {
  note(sqlite3_bind_blob(prepared_.get(), parameter + 1, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
  return *this;
}

sqlite_statement& sqlite_statement::integer(int parameter, std::optional<std::int64_t> value) {
  note(value ? sqlite3_bind_int64(prepared_.get(), parameter + 1, *value)
             : sqlite3_bind_null(prepared_.get(), parameter + 1));
  return *this;
}

result<bool> sqlite_statement::step() {
  int const status = is_bound_ ? sqlite3_step(prepared_.get()) : SQLITE_ERROR;
  if (status == SQLITE_ROW)
    return true;
  if (status != SQLITE_DONE) {
    auto const failure = database_->failure("used");
    sqlite3_reset(prepared_.get());
    return failure;
  }
  sqlite3_reset(prepared_.get());
  return false;
}

result<void> sqlite_statement::run() {
  auto const row = step();
  if (!row)
    return row.error();
  return {};
}

std::string sqlite_statement::column_text(int column) const {
  auto const* const data = static_cast<char const*>(sqlite3_column_blob(prepared_.get(), column));
  auto const size = static_cast<std::size_t>(sqlite3_column_bytes(prepared_.get(), column));
  return data ? std::string(data, size) : std::string();
}

std::int64_t sqlite_statement::column_integer(int column) const {
  return sqlite3_column_int64(prepared_.get(), column);
}

std::optional<std::int64_t> sqlite_statement::column_optional(int column) const {
  if (sqlite3_column_type(prepared_.get(), column) == SQLITE_NULL)
    return std::nullopt;
  return column_integer(column);
}

} // namespace claudio
