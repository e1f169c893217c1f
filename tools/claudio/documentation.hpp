#pragma once

#include <string>

namespace claudio::tool {

/// Where a page of the documentation is on this machine, such as "configuration.md": beside the installed program, or
/// in the source folder that it was built from. Empty: nowhere.
std::string find_page(std::string const& name);

/// " (PATH)" for a help text; empty where the page is not there.
std::string see_page(std::string const& name);

} // namespace claudio::tool
