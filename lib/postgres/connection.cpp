#include "postgres/connection.hpp"

#include "async/descriptors.hpp"
#include "observe/loggers.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fcntl.h>
#include <libpq-fe.h>
#include <optional>
#include <unistd.h>
#include <utility>

namespace claudio {
namespace asio = boost::asio;
using descriptor = asio::posix::descriptor_base;

namespace {

// Of SQLSTATE, PostgreSQL's appendix A.
constexpr char const* connection_failure = "08006";
constexpr char const* invalid_authorization = "28000";
constexpr char const* invalid_password = "28P01";

// Locks are given up before statements, which say less about why. Names are looked up in the system's schema only, so
// that nobody puts a function of theirs in front of one of its.
constexpr char const* session_settings = "SET statement_timeout = '10s'; SET lock_timeout = '8s'; "
                                         "SET idle_in_transaction_session_timeout = '10s'; "
                                         "SET search_path = pg_catalog";

error database_error(std::string message, std::string state) {
  error_details details;
  details.message = std::move(message);
  details.error_code = std::move(state);
  return error(errc::storage, 0, std::move(details));
}

error wrong_parameter(std::string message) {
  error_details details;
  details.message = std::move(message);
  details.param = "store";
  return error(errc::configuration, 0, std::move(details));
}

// Log lines and messages have one line.
std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

// What a server refuses a connection with has its SQLSTATE only in the verbose text: "FATAL:  28P01: password …". The
// first word is translated.
struct refusal {
  std::string state = connection_failure;
  std::string reason;
};

refusal read_refusal(std::string const& text) {
  refusal read;
  read.reason = first_line(text);
  for (auto at = text.find(":  "); at != std::string::npos; at = text.find(":  ", at + 1)) {
    auto const state = text.substr(at + 3, 5);
    auto const is_code = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || (c >= 'A' && c <= 'Z'); };
    if (state.size() == 5 && std::all_of(state.begin(), state.end(), is_code) && text.compare(at + 8, 2, ": ") == 0) {
      read.state = state;
      read.reason = first_line(std::string_view(text).substr(at + 10));
      break;
    }
  }
  return read;
}

void log_notice(void*, PGresult const* notice) {
  if (char const* const text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY))
    net_log().debug("postgresql: {}", text);
}

} // namespace

postgres_rows::postgres_rows(pg_result* answer) : answer_(answer, &PQclear) {}

std::size_t postgres_rows::size() const { return answer_ ? static_cast<std::size_t>(PQntuples(answer_.get())) : 0; }

std::string_view postgres_rows::text(std::size_t row, int column) const {
  auto const index = static_cast<int>(row);
  return {PQgetvalue(answer_.get(), index, column),
          static_cast<std::size_t>(PQgetlength(answer_.get(), index, column))};
}

bool is_lost_connection(error const& failure) noexcept {
  auto const& state = failure.error_code();
  // The server stops, starts, is a standby that waits, or has too many connections.
  return state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05" ||
         state == "53300";
}

// Ends the waits of an operation when its time is up. Belongs to the operation's coroutine.
class postgres_connection::time_limit {
public:
  time_limit(postgres_connection& limited, clock::time_point limit) : limited_(limited) {
    auto const operation = ++limited.operations_;
    limited.timed_out_ = false;
    limited.timer_.expires_at(limit);
    limited.timer_.async_wait([weak = limited.weak_from_this(), operation](boost::system::error_code failure) {
      auto const self = weak.lock();
      if (failure || !self || self->operations_ != operation)
        return;
      self->timed_out_ = true;
      boost::system::error_code ignored;
      self->socket_.cancel(ignored);
    });
  }
  time_limit(time_limit const&) = delete;
  time_limit& operator=(time_limit const&) = delete;
  ~time_limit() {
    ++limited_.operations_;
    limited_.timer_.cancel();
  }

private:
  postgres_connection& limited_;
};

// A forked child shares the connection with its parent. What PQfinish() says to the server there must not reach it.
void postgres_connection::close::operator()(pg_conn* opened) const noexcept {
  if (process != process_id() && PQsocket(opened) >= 0)
    leave_to_parent(PQsocket(opened));
  PQfinish(opened);
}

postgres_connection::postgres_connection(asio::any_io_executor const& executor,
                                         std::shared_ptr<postgres_address const> address)
    : address_(std::move(address)), connection_(nullptr, close()), socket_(executor), timer_(executor) {}

postgres_connection::~postgres_connection() {
  if (connection_.get_deleter().process != process_id() && socket_.is_open())
    leave_to_parent(socket_.native_handle());
}

bool postgres_connection::take_socket() {
  boost::system::error_code failure;
  socket_.close(failure);
  int const own = ::fcntl(PQsocket(connection_.get()), F_DUPFD_CLOEXEC, 0);
  if (own < 0)
    return false;
  socket_.assign(own, failure);
  if (failure)
    ::close(own);
  return !failure;
}

error postgres_connection::lost(std::string const& why) const {
  return database_error(name() + " " + why, connection_failure);
}

error postgres_connection::failure_now() const {
  return lost("can't be reached any more: " + first_line(PQerrorMessage(connection_.get())));
}

error postgres_connection::refusal_now() const {
  auto refused = read_refusal(PQerrorMessage(connection_.get()));
  // What the client itself finds wrong has no code, and would be no better the next time.
  constexpr std::array<std::string_view, 3> faults{"certificate verify failed", "certificate file",
                                                   "does not match host name"};
  if (PQconnectionNeedsPassword(connection_.get()))
    refused.state = invalid_password;
  else if (std::any_of(faults.begin(), faults.end(),
                       [&](std::string_view fault) { return refused.reason.find(fault) != std::string::npos; }))
    refused.state = invalid_authorization;
  return database_error(name() + " can't be connected to: " + refused.reason, refused.state);
}

error postgres_connection::failure_of(pg_result const* answer) const {
  auto const field = [&](int which) {
    char const* const text = PQresultErrorField(answer, which);
    return std::string(text ? text : "");
  };
  auto const state = field(PG_DIAG_SQLSTATE);
  // Without one it is libpq that complains.
  if (state.empty())
    return failure_now();
  return database_error(name() + " says: " + first_line(field(PG_DIAG_MESSAGE_PRIMARY)), state);
}

// False: the time is up.
asio::awaitable<bool> postgres_connection::ready(pointer self, descriptor::wait_type what) {
  if (self->timed_out_)
    co_return false;
  boost::system::error_code failure;
  co_await self->socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, failure));
  if (failure == asio::error::operation_aborted && !self->timed_out_)
    throw boost::system::system_error(failure);
  co_return !self->timed_out_;
}

asio::awaitable<result<void>> postgres_connection::handshake(pointer self, clock::time_point limit) {
  auto* const connection = self->connection_.get();
  time_limit const timed(*self, limit);
  auto polling = PGRES_POLLING_WRITING;
  while (polling != PGRES_POLLING_OK) {
    // libpq takes another socket when it likes.
    if (polling == PGRES_POLLING_FAILED || !self->take_socket())
      co_return self->refusal_now();
    auto waiting = ready(self, polling == PGRES_POLLING_READING ? descriptor::wait_read : descriptor::wait_write);
    if (!co_await std::move(waiting))
      co_return self->lost("can't be connected to: it does not answer in time");
    polling = PQconnectPoll(connection);
  }
  if (!self->take_socket() || PQsetnonblocking(connection, 1) != 0)
    co_return self->failure_now();
  co_return result<void>();
}

asio::awaitable<result<postgres_connection::pointer>>
postgres_connection::connect(std::shared_ptr<postgres_address const> address, postgres_address::server where,
                             clock::time_point limit) {
  auto const parameters = address->parameters_for(where);
  std::vector<char const*> keywords;
  std::vector<char const*> values;
  for (auto const& [keyword, value] : parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  auto executor = co_await asio::this_coro::executor;
  pointer const made(new postgres_connection(executor, address));
  made->connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!made->connection_)
    co_return made->lost("can't be connected to: out of memory");
  if (PQstatus(made->connection_.get()) == CONNECTION_BAD)
    co_return wrong_parameter(made->name() +
                              " can't be connected to: " + first_line(PQerrorMessage(made->connection_.get())));
  PQsetErrorVerbosity(made->connection_.get(), PQERRORS_VERBOSE);
  PQsetNoticeReceiver(made->connection_.get(), &log_notice, nullptr);
  auto shaking = handshake(made, limit);
  auto const shaken = co_await std::move(shaking);
  if (!shaken)
    co_return shaken.error();
  auto setting = execute(made, session_settings, limit);
  auto const set = co_await std::move(setting);
  if (!set)
    co_return set.error();
  co_return made;
}

// Sends what is to be sent, and takes all answers. While it writes it does not read: a server that has not read all of
// a statement answers nothing of any size.
asio::awaitable<result<postgres_rows>> postgres_connection::finish(pointer self) {
  auto* const connection = self->connection_.get();
  while (true) {
    int const left = PQflush(connection);
    if (left < 0)
      co_return self->failure_now();
    if (left == 0)
      break;
    auto waiting = ready(self, descriptor::wait_write);
    if (!co_await std::move(waiting))
      co_return self->lost("does not take a statement in time");
  }
  postgres_rows last;
  std::optional<error> failure;
  while (true) {
    while (PQisBusy(connection)) {
      auto waiting = ready(self, descriptor::wait_read);
      if (!co_await std::move(waiting))
        co_return self->lost("does not answer in time");
      // With what came before the end of a connection.
      if (PQconsumeInput(connection) == 0 && self->is_connected())
        co_return self->failure_now();
    }
    auto* const taken = PQgetResult(connection);
    if (!taken)
      break;
    postgres_rows answer(taken);
    auto const status = PQresultStatus(taken);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
      last = std::move(answer);
    else if (!failure)
      failure = self->failure_of(taken);
  }
  self->in_operation_ = false;
  auto const preparing = std::exchange(self->preparing_, nullptr);
  if (failure)
    co_return *failure;
  if (PQstatus(connection) != CONNECTION_OK)
    co_return self->failure_now();
  if (preparing)
    self->prepared_.insert(preparing);
  co_return last;
}

asio::awaitable<result<postgres_rows>> postgres_connection::query(pointer self, postgres_statement statement,
                                                                  std::vector<std::string> parameters,
                                                                  clock::time_point limit) {
  auto* const connection = self->connection_.get();
  time_limit const timed(*self, limit);
  self->in_operation_ = true;
  if (!self->prepared_.contains(statement.name)) {
    if (PQsendPrepare(connection, statement.name, statement.sql, 0, nullptr) == 0)
      co_return self->failure_now();
    self->preparing_ = statement.name;
    auto preparing = finish(self);
    auto const prepared = co_await std::move(preparing);
    if (!prepared)
      co_return prepared.error();
    self->in_operation_ = true;
  }
  std::vector<char const*> texts;
  for (auto const& parameter : parameters)
    texts.push_back(parameter.c_str());
  if (PQsendQueryPrepared(connection, statement.name, static_cast<int>(texts.size()), texts.data(), nullptr, nullptr,
                          0) == 0)
    co_return self->failure_now();
  auto answering = finish(self);
  auto answered = co_await std::move(answering);
  co_return answered;
}

asio::awaitable<result<void>> postgres_connection::execute(pointer self, std::string statements,
                                                           clock::time_point limit) {
  time_limit const timed(*self, limit);
  self->in_operation_ = true;
  if (PQsendQuery(self->connection_.get(), statements.c_str()) == 0)
    co_return self->failure_now();
  auto answering = finish(self);
  auto const answered = co_await std::move(answering);
  if (!answered)
    co_return answered.error();
  co_return result<void>();
}

asio::awaitable<result<bool>> postgres_connection::wait_for_notification(pointer self, clock::time_point limit) {
  auto* const connection = self->connection_.get();
  time_limit const timed(*self, limit);
  while (true) {
    if (auto* const notification = PQnotifies(connection)) {
      PQfreemem(notification);
      co_return true;
    }
    auto waiting = ready(self, descriptor::wait_read);
    if (!co_await std::move(waiting))
      co_return false;
    if (PQconsumeInput(connection) == 0 || PQstatus(connection) != CONNECTION_OK)
      co_return self->failure_now();
  }
}

bool postgres_connection::is_idle() const {
  return !in_operation_ && is_connected() && PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

bool postgres_connection::is_connected() const {
  return connection_.get_deleter().process == process_id() && PQstatus(connection_.get()) == CONNECTION_OK;
}

bool postgres_connection::is_same_server(postgres_connection const& other) const {
  auto* const one = connection_.get();
  auto* const two = other.connection_.get();
  return std::string_view(PQhost(one)) == PQhost(two) && std::string_view(PQport(one)) == PQport(two);
}

asio::awaitable<void> postgres_connection::ask_to_cancel(pointer self, pointer other, clock::time_point limit) {
  std::vector<std::string> parameters{std::to_string(PQbackendPID(other->connection_.get()))};
  postgres_statement const cancel{"claudio_cancel", "SELECT pg_cancel_backend($1::integer)"};
  auto asking = query(std::move(self), cancel, std::move(parameters), limit);
  co_await std::move(asking);
}

asio::awaitable<void> postgres_connection::settle(pointer self, clock::time_point limit) {
  if (self->in_operation_) {
    time_limit const timed(*self, limit);
    auto finishing = finish(self);
    co_await std::move(finishing);
  }
  if (!self->in_operation_ && !self->is_idle()) {
    auto rolling_back = execute(self, "ROLLBACK", limit);
    co_await std::move(rolling_back);
  }
}

} // namespace claudio
