#pragma once

#include <claudio/error.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace claudio::tool {

/// Reads a configuration file, `-` for standard input, in memory that is wiped. Where it is but one provider or one
/// model, as Anthropic's integration guide has them, or an array of those, they become the `providers` and `models` of
/// a configuration. Errors: `errc::configuration`, with the file's name.
result<boost::json::object> read_configuration_file(std::string const& file);

/// The same error with the file's name before its message.
error in_file(std::string const& file, error const& fault);

} // namespace claudio::tool
