#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// Takes credentials out of what a server says: it may echo those that it was sent. Secrets of less than eight bytes
/// are left, since they are too likely to be something else; what looks like an Anthropic key (`sk-ant-…`) never is.
namespace claudio {

using secret_list = std::span<std::string_view const>;

/// One printable line without secrets, of at most `limit` bytes: runs of white space and control characters become one
/// space, bytes that are not UTF-8 become U+FFFD.
std::string one_line(std::string_view text, secret_list secrets, std::size_t limit);

/// Takes secrets out of what an answer of the Messages API says of itself (`model`, `stop_reason`, `id`, …). The
/// content stays as it is, but for the types of its blocks.
void redact_answer(boost::json::object& answer, secret_list secrets);
/// The same for an event of a stream.
void redact_event(boost::json::object& event, secret_list secrets);

} // namespace claudio
