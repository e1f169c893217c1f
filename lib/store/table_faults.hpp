#pragma once

#include <claudio/error.hpp>

#include <string>

/// What is wrong with tables that can't be used, in any database, whose name begins the message.
namespace claudio::table_faults {

error lost_row(std::string const& database);
error newer_format(std::string const& database, std::int64_t format);

} // namespace claudio::table_faults
