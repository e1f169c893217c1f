#pragma once

#include <claudio/observer.hpp>

namespace claudio {

/// Writes events to the library's loggers, one line each. There is one for all clients.
observer& log_observer() noexcept;

} // namespace claudio
