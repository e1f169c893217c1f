#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace claudio {

/// The stream that a whole answer of the Messages API could have come as: server-sent events from `message_start` to
/// `message_stop`, with one delta for each text. `message_accumulator` makes the same answer of them.
std::string to_answer_events(boost::json::object answer);

} // namespace claudio
