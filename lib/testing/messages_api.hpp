#pragma once

#include <claudio/testing/fake_server.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace claudio::testing {

/// What the API would say to a request that no script decides on. Pure.
reply judge(received_request const& request);

/// A Messages answer to `request`; an empty `text` echoes its last message. `number` makes the ids.
std::string answer_body(received_request const& request, std::string const& text, std::uint64_t number);

/// An error body as the API sends it with this status.
std::string error_body(int status, std::string_view message, std::uint64_t number);

/// "req_…", made of a running number.
std::string make_id(std::string_view prefix, std::uint64_t number);

} // namespace claudio::testing
