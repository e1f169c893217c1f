#pragma once

#include "store_access.hpp"

#include <claudio/error.hpp>
#include <claudio/secret.hpp>
#include <claudio/store.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// What the commands on a store's entries share.
namespace claudio::tool {

/// Opens the store and does something with it. What fails is told in one line on standard error.
int with_store(store_choice const& choice, std::function<result<void>(opened_store& opened)> const& work,
               missing_database when_missing = missing_database::refuse);

/// Where an API key is to be read: an environment variable, a file, standard input.
class secret_input {
public:
  secret_input() = default;

  std::string variable;
  std::string file;
  bool standard_input = false;

  bool is_given() const noexcept { return standard_input || !variable.empty() || !file.empty(); }
};

/// Reads a secret; from standard input, when that is a terminal, by asking for it.
/// Errors: `errc::configuration`.
result<secret> read_input(secret_input const& from, std::string const& question);

/// A merge patch from `FIELD=VALUE`, with dots in FIELD for what is deeper, VALUE as JSON or else as a text, and from
/// fields to be removed. Errors: `errc::configuration`, also when a key would have stood in an argument.
result<boost::json::object> make_patch(std::vector<std::string> const& set, std::vector<std::string> const& unset);

/// Whether a document has what is to be removed. Errors: `errc::configuration`.
result<void> require_fields(boost::json::object const& document, std::vector<std::string> const& fields);

stored_entry const* find_entry(std::vector<stored_entry> const& entries, std::string_view name);
/// Errors: `errc::configuration`, with a name like it.
result<stored_entry> require_entry(std::string_view kind, std::vector<stored_entry> const& entries,
                                   std::string_view name);

/// "2026-11-25 16:20", in UTC.
std::string minute_of(std::chrono::system_clock::time_point time);
/// RFC 3339.
std::string date_of(std::chrono::system_clock::time_point time);

/// An array of the entries, with their times.
void print_list(std::vector<stored_entry> const& entries);
/// An entry as JSON; or all that is in it, a line each: its path and its value, of secrets their hints.
void print_entry(stored_entry const& entry, std::vector<stored_secret> const& secrets, bool json);

/// Says on standard error which entries are not used, and why.
void print_faults(std::vector<stored_entry> const& entries);

void print_json(boost::json::value const& value);
/// Writes JSON as people write it: indented, a member a line. The pieces are for the sink to use at once.
void write_pretty(boost::json::value const& value, std::function<void(std::string_view piece)> const& sink);

} // namespace claudio::tool
