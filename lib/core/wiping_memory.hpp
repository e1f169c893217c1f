#pragma once

#include <boost/json/storage_ptr.hpp>

namespace claudio {

/// Memory for JSON that may hold secrets: what is given back is wiped. Thread-safe.
boost::json::storage_ptr wiping_memory();

} // namespace claudio
