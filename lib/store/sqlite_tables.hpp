#pragma once

#include "store/backend.hpp"
#include "store/sqlite_database.hpp"

namespace claudio {

/// Makes the tables of a new database, and brings those of an older version up to this one. Two processes may do so at
/// once. Errors: those of `sqlite_database`; `errc::storage` for a database of a newer version or another program.
result<void> migrate(sqlite_database& database);

result<snapshot> read_tables(sqlite_database& database);
result<void> write_tables(sqlite_database& database, changes const& decided);

} // namespace claudio
