#pragma once

#include "call/answer_source.hpp"

#include <claudio/call_options.hpp>
#include <claudio/client.hpp>
#include <claudio/error.hpp>
#include <claudio/message.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace claudio::detail {

/// What `client::stream()` does, up to the source of the answer's events.
boost::asio::awaitable<result<std::shared_ptr<answer_source>>>
open_source(client const& endpoint, message_request request, call_options options);

} // namespace claudio::detail
