#include "async/on_home.hpp"
#include "call/endpoint.hpp"
#include "call/json_document.hpp"
#include "call/live_source.hpp"
#include "call/open_source.hpp"
#include "call/whole_message.hpp"
#include "core/json_access.hpp"
#include "core/request_size.hpp"

#include <claudio/client.hpp>

#include <boost/asio/strand.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <string_view>

namespace claudio {
namespace asio = boost::asio;

namespace {

template <class T>
asio::awaitable<result<T>> fail(error failure) {
  co_return failure;
}

error no_endpoint() { return error(errc::configuration, "an empty claudio::client; get one from client::make()"); }

detail::call_request serialize(message_request const& request) {
  auto text = boost::json::serialize(request.json());
  auto const text_bytes = measure_text(request.json(), text.size());
  return detail::call_request(std::move(text), text_bytes);
}

using source_result = result<std::shared_ptr<detail::answer_source>>;

asio::awaitable<source_result> open(std::shared_ptr<detail::endpoint> const& endpoint, detail::call_request request,
                                    call_options options) {
  return endpoint ? detail::run<detail::live_source>(endpoint, std::move(request), std::move(options))
                  : fail<std::shared_ptr<detail::answer_source>>(no_endpoint());
}

asio::awaitable<source_result> open(std::shared_ptr<detail::endpoint> const& endpoint, message_request request,
                                    call_options options) {
  request.set("stream", true);
  return open(endpoint, serialize(request), std::move(options));
}

// What count_tokens takes of a request (Anthropic API, token counting).
constexpr std::array<std::string_view, 10> counted_fields{"messages",    "model",      "system",        "tools",
                                                          "tool_choice", "thinking",   "output_config", "cache_control",
                                                          "speed",       "mcp_servers"};

detail::call_request counting_request(message_request request) {
  auto body = std::move(request).json();
  boost::json::object counted(body.storage());
  for (auto const field : counted_fields)
    if (auto* const value = body.if_contains(field))
      counted.emplace(field, std::move(*value));
  detail::call_request made(boost::json::serialize(counted));
  made.target = "/messages/count_tokens";
  return made;
}

asio::awaitable<result<std::uint64_t>> as_count(asio::awaitable<result<boost::json::object>> asking) {
  auto const told = co_await std::move(asking);
  if (!told)
    co_return told.error();
  auto const count = find_integer(*told, "input_tokens");
  if (!count || *count < 0)
    co_return error(errc::protocol, "the answer has no input_tokens");
  co_return static_cast<std::uint64_t>(*count);
}

asio::awaitable<result<message_stream>> as_stream(asio::awaitable<source_result> opening) {
  auto opened = co_await std::move(opening);
  if (!opened)
    co_return opened.error();
  co_return message_stream(std::move(*opened));
}

} // namespace

asio::awaitable<source_result> detail::open_source(client const& endpoint, message_request request,
                                                   call_options options) {
  return open(detail::endpoint::of(endpoint), std::move(request), std::move(options));
}

result<client> client::make(asio::any_io_executor executor, provider_options options,
                            std::shared_ptr<observer> observed_by) {
  return make(asio::any_io_executor(asio::make_strand(std::move(executor))), std::move(options), serial,
              std::move(observed_by));
}

result<client> client::make(asio::any_io_executor executor, provider_options options, serial_t,
                            std::shared_ptr<observer> observed_by) {
  trusted_authorities authorities;
  return detail::endpoint::make(std::move(executor), std::move(options), authorities, std::string(),
                                std::move(observed_by));
}

asio::awaitable<result<message>> client::create(message_request request, call_options options) const {
  if (auto const* stream = request.json().if_contains("stream"); stream && *stream == true)
    return fail<message>(
        error(errc::unsupported, "stream: create() gives one whole answer and can't stream; remove the field"));
  return endpoint_ ? detail::run<detail::whole_message>(endpoint_, serialize(request), std::move(options))
                   : fail<message>(no_endpoint());
}

asio::awaitable<result<message>> client::create(std::string serialized_request, call_options options) const {
  return endpoint_ ? detail::run<detail::whole_message>(endpoint_, detail::call_request(std::move(serialized_request)),
                                                        std::move(options))
                   : fail<message>(no_endpoint());
}

asio::awaitable<result<message_stream>> client::stream(message_request request, call_options options) const {
  return as_stream(open(endpoint_, std::move(request), std::move(options)));
}

asio::awaitable<result<message_stream>> client::stream(std::string serialized_request, call_options options) const {
  return as_stream(open(endpoint_, detail::call_request(std::move(serialized_request)), std::move(options)));
}

asio::awaitable<result<std::uint64_t>> client::count_tokens(message_request request, call_options options) const {
  if (!endpoint_)
    return fail<std::uint64_t>(no_endpoint());
  return as_count(
      detail::run<detail::json_document>(endpoint_, counting_request(std::move(request)), std::move(options)));
}

asio::awaitable<result<void>> client::prewarm(std::size_t sessions, call_options options) const {
  if (!endpoint_)
    return fail<void>(no_endpoint());
  return on_home<void>(endpoint_->home, detail::endpoint::prewarm(endpoint_, sessions, std::move(options)));
}

asio::awaitable<result<void>> client::drain(std::chrono::steady_clock::time_point deadline) const {
  if (!endpoint_)
    return fail<void>(no_endpoint());
  return on_home<void>(endpoint_->home, detail::endpoint::drain({endpoint_}, deadline));
}

session_pool_statistics client::pool() const {
  return endpoint_ ? endpoint_->pool->statistics() : session_pool_statistics();
}

} // namespace claudio
