#pragma once

#include <string>

namespace claudio::test {

/// All that the library has logged in this process so far, at debug level.
std::string captured_log();

} // namespace claudio::test
