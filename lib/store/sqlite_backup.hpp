#pragma once

#include <claudio/error.hpp>

#include <string>

namespace claudio {

/// Copies a SQLite database as it was committed last, also while another connection has begun a change, to a file that
/// is made for its owner only. A file that is there already is left, and a number put behind the name.
/// @return the name of the file. Errors: `errc::storage`; no file is left then.
result<std::string> back_up(std::string const& path, std::string const& copy);

} // namespace claudio
