#pragma once

#include <string>

namespace CLI {
class App;
class Error;
} // namespace CLI

namespace claudio::tool {

/// What is wrong with the command line, after it was parsed in vain: a mistyped command or option by name, with the
/// nearest one there is, else what the parser says.
std::string explain_mistake(CLI::App const& app, CLI::Error const& failure);

/// "there is no level verbose; the levels are debug, info".
std::string no_such(std::string const& kind, std::string const& given, std::string const& names);

} // namespace claudio::tool
