#pragma once

#include "store/backend.hpp"
#include "store/sqlite_database.hpp"

namespace claudio {

/// Makes the tables of a new database; those that are there stay as they are. Two processes may do so at once. Errors:
/// those of `sqlite_database`; `errc::storage` for a database of a newer version or another program.
result<void> make_tables(sqlite_database& database);
/// In a transaction: brings tables of an older format to the newest.
result<void> upgrade_tables(sqlite_database& database, unsigned from);

result<snapshot> read_tables(sqlite_database& database);
/// To tables of that format.
result<void> write_tables(sqlite_database& database, unsigned format, changes const& decided);

} // namespace claudio
