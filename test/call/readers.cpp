// What is read of a response, and how often a request is sent for it.
#include "call/body_bytes.hpp"
#include "call/json_document.hpp"
#include "support/call.hpp"
#include "support/raw_server.hpp"
#include "support/test.hpp"

#include <array>
#include <atomic>
#include <vector>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::test::raw_peer;
using claudio::test::raw_server;
using detail::body_bytes;
using detail::byte_sink;
using detail::call_request;
using detail::json_document;
namespace asio = boost::asio;

namespace {

std::string response(std::string_view status, std::string_view body, std::string_view more = std::string_view()) {
  return "HTTP/1.1 " + std::string(status) + "\r\ncontent-type: application/json\r\n" + std::string(more) +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// An endpoint whose server plays a script.
class setting {
public:
  explicit setting(raw_server::script play) : server(0, std::move(play)) {
    auto options = server.provider();
    options.retry.max_retries = 2;
    options.retry.base_delay = 1ms;
    options.limits.first_byte = 5s;
    endpoint = client::make(context.get_executor(), std::move(options), serial).value();
  }

  template <class Call, class... Arguments>
  auto run(call_request request, Arguments... arguments) {
    return test::run(context, detail::run<Call>(detail::endpoint::of(endpoint), std::move(request), call_options(),
                                                std::move(arguments)...));
  }

  raw_server server;
  asio::io_context context{1};
  client endpoint;
};

call_request get(std::string target) {
  call_request request;
  request.method = "GET";
  request.target = std::move(target);
  return request;
}

call_request create(std::string target) {
  call_request request("{}");
  request.target = std::move(target);
  request.has = call_request::effect::creates;
  return request;
}

class collected {
public:
  byte_sink sink() {
    return [this](std::string_view piece) { return take(piece); };
  }
  asio::awaitable<result<void>> take(std::string_view piece) {
    pieces.emplace_back(piece);
    if (pieces.size() == fails_at)
      co_return error(errc::storage, "the disk is full");
    co_return result<void>();
  }

  std::vector<std::string> pieces;
  std::size_t fails_at = 0;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(readers)

BOOST_AUTO_TEST_CASE(a_document) {
  std::atomic<unsigned> requests = 0;
  setting all([&](raw_peer& peer, unsigned) {
    while (peer.receive_request()) {
      ++requests;
      peer.send(response("200 OK", R"({"data":[],"has_more":false})"));
    }
  });
  auto const document = all.run<json_document>(get("/models?limit=20"));
  BOOST_REQUIRE(document.has_value());
  BOOST_TEST(document->at("has_more") == false);
  BOOST_TEST(requests == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_no_document_is_an_error) {
  struct row {
    std::string answer;
    errc code;
  };
  row const rows[] = {
      {response("200 OK", "[1]"), errc::protocol},
      {response("200 OK", "{"), errc::protocol},
      {response("200 OK", R"({"type":"error","error":{"type":"not_found_error","message":"no"}})"),
       errc::model_not_found},
      {response("404 Not Found", R"({"type":"error","error":{"type":"not_found_error","message":"no"}})"),
       errc::model_not_found},
      {response("200 OK", R"({"a":1})", "content-encoding: gzip\r\n"), errc::protocol},
  };
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.answer) {
      setting all([&](raw_peer& peer, unsigned) {
        while (peer.receive_request())
          peer.send(row.answer);
      });
      auto const document = all.run<json_document>(get("/models"));
      BOOST_REQUIRE(document.has_error());
      BOOST_TEST(document.error().code() == row.code);
    }
}

BOOST_AUTO_TEST_CASE(bytes_go_to_a_sink_as_they_come) {
  std::string const body(200'000, 'x');
  setting all([&](raw_peer& peer, unsigned) {
    while (peer.receive_request())
      peer.send(response("200 OK", body));
  });
  collected all_pieces;
  auto const count = all.run<body_bytes>(get("/files/1/content"), all_pieces.sink());
  BOOST_REQUIRE(count.has_value());
  BOOST_TEST(*count == body.size());
  std::string joined;
  for (auto const& piece : all_pieces.pieces)
    joined += piece;
  BOOST_TEST((joined == body));
  BOOST_TEST(all_pieces.pieces.size() > 10u);
  BOOST_TEST(all_pieces.pieces.back().empty());
  // The session is fit for another request.
  BOOST_TEST(all.run<body_bytes>(get("/files/1/content"), collected().sink()).has_value());
  BOOST_TEST(all.server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(a_sink_that_has_begun_is_not_given_the_same_again) {
  std::atomic<unsigned> requests = 0;
  setting all([&](raw_peer& peer, unsigned) {
    while (peer.receive_request()) {
      ++requests;
      auto const whole = response("200 OK", std::string(1000, 'x'));
      peer.send(whole.substr(0, whole.size() - 500));
      peer.shut_down_sending();
      peer.receive();
    }
  });
  collected all_pieces;
  auto const count = all.run<body_bytes>(get("/files/1/content"), all_pieces.sink());
  BOOST_REQUIRE(count.has_error());
  BOOST_TEST(count.error().code() == errc::connect, count.error());
  BOOST_TEST(requests == 1u);
  BOOST_TEST(all_pieces.pieces.size() == 1u);

  collected full;
  full.fails_at = 1;
  auto const refused = all.run<body_bytes>(get("/files/1/content"), full.sink());
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().code() == errc::storage);
  BOOST_TEST(requests == 2u);
}

BOOST_AUTO_TEST_CASE(lines) {
  struct row {
    std::string body;
    std::vector<std::string> lines;
  };
  row const rows[] = {{"", {}},
                      {"a", {"a"}},
                      {"a\nb\n", {"a", "b"}},
                      {"a\r\n\r\nb", {"a", "", "b"}},
                      {std::string(50'000, 'y') + "\nz\n", {std::string(50'000, 'y'), "z"}}};
  for (auto const& row : rows) {
    setting all([&](raw_peer& peer, unsigned) {
      while (peer.receive_request())
        peer.send(response("200 OK", row.body));
    });
    collected got;
    auto const count = all.run<body_bytes>(get("/results"), detail::each_line(got.sink(), 60'000));
    BOOST_TEST(count.has_value());
    BOOST_TEST((got.pieces == row.lines));
    if (row.body.size() > 20'000)
      BOOST_TEST(contains(all.run<body_bytes>(get("/results"), detail::each_line(got.sink(), 20'000)).error().message(),
                          "20000"));
  }
}

BOOST_AUTO_TEST_CASE(what_creates_is_not_repeated_when_nobody_knows) {
  std::atomic<unsigned> requests = 0;
  std::array<std::string, 3> const answers{
      "", response("500 Internal Server Error", R"({"type":"error","error":{"type":"api_error","message":"oops"}})"),
      response("529 ", R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})")};
  std::atomic<std::size_t> now = 0;
  setting all([&](raw_peer& peer, unsigned) {
    while (peer.receive_request()) {
      ++requests;
      if (now == 0)
        return; // it has taken the request, and closes
      peer.send(answers[now]);
    }
  });
  auto const closed = all.run<json_document>(create("/messages/batches"));
  BOOST_REQUIRE(closed.has_error());
  BOOST_TEST(contains(closed.error().message(), "ambiguous"), closed.error());
  BOOST_TEST(requests == 1u);
  // The same of a request without effects.
  BOOST_TEST(!contains(all.run<json_document>(get("/models")).error().message(), "ambiguous"));
  BOOST_TEST(requests == 4u);

  now = 1;
  auto const broken = all.run<json_document>(create("/messages/batches"));
  BOOST_TEST(contains(broken.error().message(), "ambiguous"), broken.error());
  BOOST_TEST(requests == 5u);

  now = 2;
  auto const busy = all.run<json_document>(create("/messages/batches"));
  BOOST_TEST((busy.error().code() == errc::overloaded));
  BOOST_TEST(!contains(busy.error().message(), "ambiguous"));
  BOOST_TEST(requests == 8u);
}

BOOST_AUTO_TEST_CASE(what_was_not_sent_says_so) {
  asio::io_context context{1};
  provider_options options;
  options.api_key = secret("sk-ant-0123456789");
  options.api_base = "http://127.0.0.1:1";
  options.retry.max_retries = 1;
  options.retry.base_delay = 1ms;
  auto const endpoint = client::make(context.get_executor(), std::move(options), serial).value();
  auto const refused = test::run(
      context, detail::run<json_document>(detail::endpoint::of(endpoint), create("/messages/batches"), call_options()));
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST((refused.error().code() == errc::connect));
  BOOST_TEST(refused.error().message().ends_with("; not sent"), refused.error());
  BOOST_TEST(refused.error().info().attempts == 2u);
}

BOOST_AUTO_TEST_CASE(the_tokens_of_a_request) {
  testing::fake_server server;
  asio::io_context context{1};
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  auto const count = test::run(context, endpoint.count_tokens(test::native_hello().set("stream", true)));
  BOOST_REQUIRE(count.has_value());
  BOOST_TEST(*count > 0u);
  auto const seen = server.requests().at(0);
  BOOST_TEST(seen.target == "/v1/messages/count_tokens");
  BOOST_TEST((test::json(seen.body).as_object().size() == 2u));
  BOOST_TEST(test::run(context, client().count_tokens(test::native_hello())).error().code() == errc::configuration);
}

BOOST_AUTO_TEST_SUITE_END()
