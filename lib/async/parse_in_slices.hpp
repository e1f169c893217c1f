#pragma once

#include "core/sliced_json.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace claudio::detail {

/// Parses a large document to its end, for `take()`; between two slices the executor gets to its other work. For an
/// `awaitable` that is awaited at once. Cancellation: Asio throws `operation_aborted` after the slice that is being
/// parsed.
inline boost::asio::awaitable<void> parse_in_slices(sliced_json& document) {
  auto const executor = co_await boost::asio::this_coro::executor;
  while (document.parse_some()) {
    auto yielding = boost::asio::post(executor, boost::asio::deferred);
    co_await std::move(yielding);
  }
}

} // namespace claudio::detail
