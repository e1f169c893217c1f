#pragma once

#include <string>
#include <utility>
#include <vector>

namespace claudio {

/// HTTP headers in order: name, value.
using header_list = std::vector<std::pair<std::string, std::string>>;

} // namespace claudio
