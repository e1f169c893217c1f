#pragma once

#include <claudio/testing/fake_server.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the Messages API would say. Pure: a request in, a reply out.
namespace claudio::testing {

/// The answer, or the refusal, to a request that no script decides on.
/// @param api_key the one key that is accepted; empty: any that begins with "sk-ant-"
reply judge(received_request const& request, std::string_view api_key);

/// The key that a request gives: `x-api-key`, or else the bearer token; empty: neither.
std::string_view given_key(received_request const& request);

/// The organization that all keys belong to.
inline constexpr std::string_view organization_id = "00000000-0000-4000-8000-00000000fake";

/// A reply's status and body, "200 {…}", as they answer `request` without streaming; for tests of the judge.
std::string reply_text(reply const& made, received_request const& request);

/// A Messages answer, to be sent whole or as a stream.
class answer {
public:
  answer() = default;

  boost::json::array content;
  std::string stop_reason;
  std::optional<std::size_t> repeat; ///< the text blocks' texts stand so many times, with one delta for each
  std::string model;
  std::uint64_t request_bytes = 0;
  std::uint64_t number = 0; ///< makes the ids
};

/// The Message as a body.
std::string answer_body(answer made);

/// A server-sent event that is sent so many times in a row.
class stream_event {
public:
  stream_event() = default;

  std::string text;
  std::uint64_t times = 1;
};

/// The Message as a stream of events.
std::vector<stream_event> answer_events(answer const& made);
/// As `answer_events`, but after message_start come pings without end.
std::vector<stream_event> ping_events(answer const& made);
/// Keeps the first `count` events.
void cut_events(std::vector<stream_event>& events, std::uint64_t count);
/// An `error` event.
stream_event error_event(std::string_view type, std::string_view message);

/// The answer of a server with nothing to say.
std::string echo(boost::json::object const& request);

/// An error body as the API sends it with this status; an empty `message` is replaced by the status's usual one.
std::string error_body(int status, std::string_view message, std::uint64_t number);

/// "req_…", made of a running number.
std::string make_id(std::string_view prefix, std::uint64_t number);

/// The Message with neither content nor stop reason yet, and how many output tokens it will have.
boost::json::object begin_message(answer const& made, std::uint64_t output_tokens);
/// What the answer's usage tells.
std::uint64_t input_tokens(answer const& made);
std::uint64_t output_tokens(answer const& made);

} // namespace claudio::testing
