// The fake server's streams: what they say, how they leave, and how they break.
#include "support/test.hpp"
#include "testing/messages_api.hpp"
#include "testing/reply_writer.hpp"

#include <claudio/sse.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/serialize.hpp>

#include <filesystem>
#include <map>
#include <thread>

using namespace claudio;
using namespace claudio::testing;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string body(bool stream, std::string more = "") {
  return R"({"model":"claude-sonnet-4-6","max_tokens":99,"messages":[{"role":"user","content":"Hi, how are you?"}])" +
         more + (stream ? R"(,"stream":true})" : "}");
}

received_request request(bool stream) {
  received_request made;
  made.body = body(stream);
  return made;
}

std::vector<std::string> pieces(reply const& made) {
  std::vector<std::string> all;
  reply_writer writer(made, request(true), 7, {});
  while (auto const piece = writer.next())
    all.push_back(piece->bytes);
  return all;
}

std::string joined(std::vector<std::string> const& parts) {
  std::string all;
  for (auto const& part : parts)
    all += part;
  return all;
}

// The body of a whole response.
std::string read_body(std::string const& response) {
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  parser.eager(true);
  error_code failure;
  std::size_t read = 0;
  while (!failure && !parser.is_done() && read < response.size())
    read += parser.put(asio::buffer(response.data() + read, response.size() - read), failure);
  BOOST_TEST(!failure, failure.message());
  BOOST_TEST(parser.is_done());
  BOOST_TEST(read == response.size());
  return parser.get().body();
}

std::vector<json::object> events_of(std::string const& stream) {
  std::vector<json::object> events;
  sse_parser parser;
  parser.feed(stream);
  while (auto const event = parser.next()) {
    events.push_back(test::json(event->data).as_object());
    BOOST_TEST(event->name == std::string_view(events.back().at("type").as_string()));
  }
  return events;
}

void append(json::value& target, json::value const& more) { target.as_string() += more.as_string(); }

// What the SDKs make of a stream.
json::object accumulated(std::vector<json::object> const& events) {
  json::object message;
  std::map<std::size_t, std::string> inputs; // by the index of the block
  for (auto const& event : events) {
    std::string_view const type = event.at("type").as_string();
    json::array* const content = message.empty() ? nullptr : &message["content"].as_array();
    auto const* const given = event.if_contains("index");
    auto const index = given ? given->to_number<std::size_t>() : 0;
    if (type == "message_start") {
      message = event.at("message").as_object();
      BOOST_TEST(message.at("stop_reason").is_null());
    } else if (type == "content_block_start") {
      // This server sends one block after another.
      BOOST_TEST(index == content->size());
      content->push_back(event.at("content_block"));
    } else if (type == "content_block_delta") {
      BOOST_TEST(index == content->size() - 1);
      auto& block = content->at(index).as_object();
      auto const& delta = event.at("delta").as_object();
      if (delta.contains("text"))
        append(block["text"], delta.at("text"));
      if (delta.contains("thinking"))
        append(block["thinking"], delta.at("thinking"));
      if (delta.contains("signature"))
        block["signature"] = delta.at("signature");
      if (delta.contains("partial_json"))
        inputs[index] += delta.at("partial_json").as_string();
    } else if (type == "content_block_stop" && !inputs[index].empty()) {
      content->at(index).as_object()["input"] = test::json(inputs[index]);
    } else if (type == "message_delta") {
      message["stop_reason"] = event.at("delta").at("stop_reason");
      message["usage"].as_object()["output_tokens"] = event.at("usage").at("output_tokens");
    }
  }
  return message;
}

json::object sample_input() {
  return {{"city", "Zürich – 東京東京東京東京東京東京"}, {"days", 3}, {"deep", {1, nullptr}}};
}

// A blocking client over plain TCP.
class plain_client {
public:
  explicit plain_client(fake_server const& server, std::string const& asked = body(true)) : socket_(context_) {
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server.port()));
    ask(asked);
  }

  void ask(std::string const& asked) {
    std::string const text =
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: sk-ant-x\r\nanthropic-version: 2023-06-01\r\n"
        "content-length: " +
        std::to_string(asked.size()) + "\r\n\r\n" + asked;
    asio::write(socket_, asio::buffer(text));
  }

  void read_until(std::string_view text) { asio::read_until(socket_, raw_, std::string(text)); }

  // The body of the next response, and how it ended.
  std::pair<std::string, error_code> read() {
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    error_code failure;
    http::read(socket_, buffer_, parser, failure);
    return {parser.get().body(), failure};
  }

  tcp::socket& socket() { return socket_; }

private:
  asio::io_context context_;
  tcp::socket socket_;
  asio::streambuf raw_;
  beast::flat_buffer buffer_;
};

fake_server_options plain() {
  fake_server_options options;
  options.tls = false;
  return options;
}

std::ptrdiff_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

// The kernel and the server's thread are what is waited for.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500 && !condition(); ++i)
    std::this_thread::sleep_for(10ms);
  return condition();
}

// Waits until the server can write no more.
std::uint64_t stuck_at(fake_server const& server) {
  std::uint64_t before = 0;
  BOOST_TEST(eventually([&] {
    std::this_thread::sleep_for(100ms);
    return std::exchange(before, server.stream_bytes()) == server.stream_bytes() && before > 0;
  }));
  return before;
}

} // namespace

BOOST_AUTO_TEST_SUITE(streams)

BOOST_AUTO_TEST_CASE(a_stream_adds_up_to_the_whole_answer) {
  reply const replies[] = {
      reply::answer(),
      reply::answer("x"),
      reply::answer("Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. "
                    "東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京\n\"quoted\""),
      reply::answer("Let me see.").thinking("Hm, what could that mean?").thinking(""),
      reply::answer().tool_call("weather", sample_input()),
      reply::answer("Both.").tool_call("a", {}, "toolu_own").tool_call("b", sample_input()).tool_call("c", {}),
      reply::answer("ab ").repeat_deltas(1000),
      reply::answer("I won't.").stop_reason("refusal").record_per_event().pace(1ms)};
  for (auto const& made : replies) {
    reply_writer whole(made, request(false), 7, {});
    auto const expected = test::json(read_body(whole.next().value().bytes)).as_object();
    // The two requests differ in size, and so in tokens.
    auto got = accumulated(events_of(read_body(joined(pieces(made)))));
    got["usage"].as_object()["input_tokens"] = expected.at("usage").at("input_tokens");
    BOOST_TEST(json::serialize(got) == json::serialize(expected));
  }
}

BOOST_AUTO_TEST_CASE(answers_are_made_of_blocks) {
  auto const text =
      reply_text(reply::answer().thinking("Hm.").tool_call("f", {{"a", 1}}).tool_call("g", {}), request(false));
  auto const message = test::json(text.substr(4)).as_object();
  BOOST_TEST(message.at("content").as_array().size() == 3u);
  BOOST_TEST(message.at("content").at(0).at("type").as_string() == "thinking");
  BOOST_TEST(!message.at("content").at(0).at("signature").as_string().empty());
  BOOST_TEST(message.at("content").at(1).at("name").as_string() == "f");
  BOOST_TEST(message.at("content").at(1).at("id") != message.at("content").at(2).at("id"));
  BOOST_TEST(message.at("stop_reason").as_string() == "tool_use");
}

BOOST_AUTO_TEST_CASE(events_come_in_the_order_of_the_api) {
  auto const events = events_of(read_body(joined(pieces(reply::answer("one two three four").thinking("hm")))));
  std::string order;
  for (auto const& event : events)
    order += std::string(event.at("type").as_string()) + " ";
  BOOST_TEST(order ==
             "message_start content_block_start ping content_block_delta content_block_delta content_block_stop "
             "content_block_start content_block_delta content_block_delta content_block_stop "
             "message_delta message_stop ");
  BOOST_TEST(events.front().at("message").at("usage").at("output_tokens").to_number<int>() == 1);
}

BOOST_AUTO_TEST_CASE(events_leave_together_or_alone) {
  BOOST_TEST(pieces(reply::answer("one two three four five")).size() <= 2u);
  auto const alone = pieces(reply::answer("x").record_per_event());
  BOOST_TEST(alone.size() == 9u); // the head, seven events, the last chunk
  reply_writer paced(reply::answer("x").pace(5ms).delay(7ms), request(true), 1, {});
  std::vector<int> pauses;
  while (auto const piece = paced.next())
    pauses.push_back(static_cast<int>(piece->pause.count()));
  BOOST_TEST((pauses == std::vector<int>{7, 0, 5, 5, 5, 5, 5, 5, 0}));
}

BOOST_AUTO_TEST_CASE(streams_end_early) {
  auto const said = [](reply const& made) { return events_of(read_body(joined(pieces(made)))); };
  BOOST_TEST(said(reply::answer("x").cut_after_events(0)).empty());
  BOOST_TEST(said(reply::answer("x").cut_after_events(4)).size() == 4u);
  BOOST_TEST(said(reply::answer("x").cut_after_events(400)).size() == 7u);
  BOOST_TEST(said(reply::answer("x").repeat_deltas(1'000'000'000'000).cut_after_events(10)).size() == 10u);
  auto const failed = said(reply::answer("x").error_after(2, "overloaded_error", "Overloaded"));
  BOOST_TEST(failed.size() == 3u);
  BOOST_TEST(json::serialize(failed.back()) ==
             R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})");
  auto const pings = said(reply::answer().pings_only(0ms).cut_after_events(5));
  BOOST_TEST(pings.front().at("type").as_string() == "message_start");
  BOOST_TEST(pings.back().at("type").as_string() == "ping");
}

BOOST_AUTO_TEST_CASE(bytes_are_counted_across_events) {
  for (bool const alone : {false, true}) {
    auto made = reply::answer("one two three four").thinking("hm");
    if (alone)
      made.record_per_event();
    std::string const whole = joined(pieces(made));
    for (std::size_t n = 0; n <= whole.size(); ++n)
      if (joined(pieces(made.reset_after(n))) != whole.substr(0, n))
        BOOST_ERROR("cut at " << n);
    reply_writer cut(made.stall_after(9), request(true), 1, {});
    BOOST_TEST((cut.then() == reply_writer::ending::stall));
    auto const body_size = whole.size() - (whole.find("\r\n\r\n") + 4);
    BOOST_TEST(joined(pieces(made.half_body())).size() == whole.size() - body_size + body_size / 2);
  }
}

BOOST_AUTO_TEST_CASE(a_connection_serves_streams_and_more) {
  fake_server server(plain());
  plain_client client(server);
  for (int i = 0; i < 3; ++i) {
    auto const [stream, failure] = client.read();
    BOOST_TEST(!failure, failure.message());
    BOOST_TEST(events_of(stream).back().at("type").as_string() == "message_stop");
    client.ask(body(true));
  }
  BOOST_TEST(!client.read().second);
  BOOST_TEST(server.connections() == 1u);
  BOOST_TEST(server.stream_bytes() > 0u);
}

BOOST_AUTO_TEST_CASE(broken_connections_end_streams) {
  fake_server server(plain());
  server.script(
      {reply::answer("x").then_close(), reply::answer("x").close_after(770), reply::answer("x").reset_after(770)});
  plain_client closed(server);
  BOOST_TEST(!closed.read().second);
  BOOST_TEST((closed.read().second == http::error::end_of_stream));
  BOOST_TEST((plain_client(server).read().second == http::error::partial_message));
  BOOST_TEST((plain_client(server).read().second == asio::error::connection_reset));
}

BOOST_AUTO_TEST_CASE(who_goes_away_is_noticed_at_once) {
  fake_server server(plain());
  auto const idle = open_files();
  server.script({reply::answer().pings_only(1h), reply::answer("x").pace(1h), reply::answer().pings_only(1ms)});
  {
    plain_client first(server);
    plain_client second(server);
    plain_client third(server);
    first.read_until("message_start");
    second.read_until("message_start");
    third.read_until("ping");
    first.ask("{}"); // bytes that nobody reads
  }
  BOOST_TEST(eventually([&] { return open_files() == idle; }));
}

BOOST_AUTO_TEST_CASE(stopping_ends_streams) {
  fake_server server(plain());
  server.script({reply::answer().pings_only(1h), reply::answer("x").repeat_deltas(1'000'000'000),
                 reply::answer("x").stall_after(770)});
  plain_client pings(server);
  pings.read_until("message_start");
  plain_client slow(server);
  slow.read_until("message_start");
  plain_client silent(server);
  silent.read_until("message_start");
  stuck_at(server);
  server.stop();
  BOOST_TEST(pings.read().second.failed());
}

BOOST_AUTO_TEST_CASE(a_slow_reader_holds_the_stream_back) {
  fake_server server(plain());
  std::string const kilobyte(1024, 'x');
  constexpr std::uint64_t deltas = 64 * 1024;
  server.script({reply::answer(kilobyte).repeat_deltas(deltas)});
  plain_client client(server);
  auto const held = stuck_at(server);
  BOOST_TEST(held < deltas * 1024 / 2);
  auto const [stream, failure] = client.read();
  BOOST_TEST(!failure, failure.message());
  BOOST_TEST(stream.size() > deltas * 1024);
  BOOST_TEST(server.stream_bytes() > deltas * 1024);
}

BOOST_AUTO_TEST_CASE(each_event_may_have_a_record_of_its_own) {
  fake_server server;
  server.script({reply::answer("one two three four"), reply::answer("one two three four").record_per_event()});
  std::vector<int> counts;
  for (int i = 0; i < 2; ++i) {
    asio::io_context context;
    asio::ssl::context tls(asio::ssl::context::tls_client);
    int records = 0;
    SSL_CTX_set_num_tickets(tls.native_handle(), 0);
    SSL_CTX_set_msg_callback(
        tls.native_handle(), [](int sent, int, int type, void const* data, std::size_t, SSL*, void* count) {
          if (!sent && type == SSL3_RT_HEADER && static_cast<unsigned char const*>(data)[0] == SSL3_RT_APPLICATION_DATA)
            ++*static_cast<int*>(count);
        });
    SSL_CTX_set_msg_callback_arg(tls.native_handle(), &records);
    asio::ssl::stream<tcp::socket> stream(context, tls);
    stream.next_layer().connect(tcp::endpoint(asio::ip::address_v4::loopback(), server.port()));
    stream.handshake(asio::ssl::stream_base::client);
    std::string const asked = body(true);
    std::string const text =
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: " + std::to_string(asked.size()) + "\r\n\r\n" + asked;
    asio::write(stream, asio::buffer(text));
    http::response<http::string_body> response;
    beast::flat_buffer buffer;
    http::read(stream, buffer, response);
    counts.push_back(records);
    if (i == 0)
      BOOST_TEST(events_of(response.body()).size() == 8u);
  }
  BOOST_TEST(counts[1] - counts[0] == 9); // the head, eight events and the last chunk, instead of one record
}

BOOST_AUTO_TEST_SUITE_END()
