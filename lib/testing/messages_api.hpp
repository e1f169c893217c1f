#pragma once

#include <claudio/testing/fake_server.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// What the Messages API would say. Pure: a request in, a reply out.
namespace claudio::testing {

/// The answer, or the refusal, to a request that no script decides on.
/// @param api_key the one key that is accepted; empty: any that begins with "sk-ant-"
reply judge(received_request const& request, std::string_view api_key);

/// A reply's status and body, "200 {…}", as they answer `request`; for tests of the judge.
std::string reply_text(reply const& made, received_request const& request);

/// A Messages answer to `request`; an empty `text` echoes its last message. `number` makes the ids.
std::string answer_body(received_request const& request, std::string const& text, std::uint64_t number);

/// An error body as the API sends it with this status; an empty `message` is replaced by the status's usual one.
std::string error_body(int status, std::string_view message, std::uint64_t number);

/// "req_…", made of a running number.
std::string make_id(std::string_view prefix, std::uint64_t number);

} // namespace claudio::testing
