#pragma once

#include "store/backend.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The rows of a store's tables as the JSON in which PostgreSQL gives and takes them.
namespace claudio::postgres_tables {

/// The text that `read` gives. Takes its time: for another thread than the event loop's.
result<snapshot> parse(std::string_view text);

/// Rows, or the names of rows, as a statement's parameter.
std::string as_text(std::vector<provider_row> const& rows);
std::string as_text(std::vector<model_row> const& rows);
std::string as_text(std::vector<secret_row> const& rows);
std::string as_text(std::vector<std::string> const& names);

} // namespace claudio::postgres_tables
