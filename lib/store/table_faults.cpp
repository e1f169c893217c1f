#include "store/table_faults.hpp"

#include "store/backend.hpp"

namespace claudio::table_faults {

error lost_row(std::string const& database) {
  return error(errc::storage, database + " has lost the row of its table store; restore it from a backup");
}

error newer_format(std::string const& database, std::int64_t format) {
  return error(errc::storage, database + " was made by a newer version of claudio (its tables are of version " +
                                  std::to_string(format) + ", this version knows " + std::to_string(newest_format) +
                                  "); use that version or a newer one");
}

} // namespace claudio::table_faults
