#pragma once

#include "net/call_progress.hpp"
#include "net/connection.hpp"

#include <claudio/error.hpp>

#include <boost/system/error_code.hpp>

#include <string_view>

namespace claudio {

/// What this machine lacks says nothing of the peer.
bool is_local_fault(boost::system::error_code code);

/// What an operation that came to `status` is to the caller: in which phase, while the session was `doing` what.
error connection_failure(connection const& broken, io_status status, call_phase phase, call_progress const& progress,
                         std::string_view doing);

} // namespace claudio
