// The fake server as a judge of requests, and its script.
#include "support/test.hpp"
#include "testing/dates.hpp"
#include "testing/limit_reply.hpp"
#include "testing/messages_api.hpp"
#include "testing/reply_writer.hpp"
#include "testing/script.hpp"

#include <claudio/testing/fake_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>

#include <sys/resource.h>

using namespace claudio;
using namespace claudio::testing;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

received_request request_with(std::string body, std::string version = "2023-06-01") {
  received_request request;
  request.method = "POST";
  request.target = "/v1/messages";
  request.headers = {{"x-api-key", "sk-ant-x"}, {"anthropic-version", std::move(version)}};
  request.body = std::move(body);
  return request;
}

// The reply's bytes tell its status and its message.
std::string judged(received_request const& request, std::string_view key = "") {
  return reply_text(judge(request, key), request);
}

// A valid request with one field set, or removed by "".
std::string with(std::string_view field, std::string_view value) {
  auto body = test::json(R"({"model":"claude-sonnet-4-6","max_tokens":5,"messages":[{"role":"user","content":"a"}]})")
                  .as_object();
  if (value.empty())
    body.erase(field);
  else
    body[field] = test::json(value);
  return boost::json::serialize(body);
}

using response = http::response<http::string_body>;

// The response to a request over a connection of its own.
response exchange(fake_server const& server, received_request const& asked) {
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), server.port()));
  http::request<http::string_body> request(http::string_to_verb(asked.method), asked.target, 11);
  for (auto const& [name, value] : asked.headers)
    request.set(name, value);
  request.body() = asked.body;
  request.prepare_payload();
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  response got;
  http::read(socket, buffer, got);
  return got;
}

// The same as bytes that a reply makes.
response written(reply const& made, received_request const& asked) {
  reply_writer writer(made, asked, 7, std::chrono::sys_seconds(784'111'777s));
  std::string bytes;
  while (auto const piece = writer.next())
    bytes += piece->bytes;
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code failure;
  parser.put(asio::buffer(bytes), failure);
  BOOST_TEST(!failure, failure.message());
  return parser.release();
}

std::string limit_headers(response const& got) {
  std::string all;
  for (auto const& field : got)
    if (std::string_view(field.name_string()).starts_with("anthropic-ratelimit-"))
      all += std::string(field.name_string().substr(20)) + ": " + std::string(field.value()) + "\n";
  return all;
}

fake_server_options limited_to(std::uint64_t requests) {
  fake_server_options options;
  options.tls = false;
  options.limits.rpm = requests;
  return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fake_servers)

BOOST_AUTO_TEST_CASE(requests_are_judged_as_the_api_does) {
  struct row {
    std::string body;
    char const* version;
    char const* expected; // status and a part of the message
  };
  row const rows[] = {
      {with("metadata", "{}"), "2023-06-01", "200 "},
      {with("model", ""), "2023-06-01", "400 model: Field required"},
      {with("model", "7"), "2023-06-01", "400 model: Input should be a valid string"},
      {with("model", R"("gpt-4o")"), "2023-06-01", "404 model: gpt-4o"},
      {with("max_tokens", ""), "2023-06-01", "400 max_tokens: Field required"},
      {with("max_tokens", R"("5")"), "2023-06-01", "400 max_tokens: Input should be a valid integer"},
      {with("max_tokens", "-1"), "2023-06-01", "400 max_tokens: Input should be greater"},
      {with("max_tokens", "1000000"), "2023-06-01", "400 max_tokens: 1000000 > 128000"},
      {with("messages", ""), "2023-06-01", "400 messages: Field required"},
      {with("messages", "{}"), "2023-06-01", "400 messages: Input should be a valid list"},
      {with("messages", "[]"), "2023-06-01", "400 messages: at least one message is required"},
      {with("messages", R"([{"role":"tool","content":"a"}])"), "2023-06-01", "400 messages.0.role: Input should be"},
      {with("messages", R"([{"role":"user","content":" "}])"), "2023-06-01",
       "400 messages.0.content: must be non-empty"},
      {with("messages", R"([{"role":"user","content":[{"type":"text","text":""}]}])"), "2023-06-01",
       "400 messages.0.content.0.text: text content blocks must contain"},
      {with("messages", R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])"), "2023-06-01",
       "400 This model does not support assistant message prefill"},
      {with("temperature", "0.5"), "2023-06-01", "200 "},
      {with("temperature", "0.5"), "2026-10-21", "400 temperature: Extra inputs are not permitted"},
      {with("temperature", "2"), "2023-06-01", "400 temperature: range: 0..1"},
      {with("unknown", "1"), "2023-06-01", "400 unknown: Extra inputs are not permitted"},
      {with("system", "7"), "2023-06-01", "400 system: Input should be"},
      {with("stop_sequences", R"("x")"), "2023-06-01", "400 stop_sequences: Input should be a valid list"},
      {with("stream", "1"), "2023-06-01", "400 stream: "},
      {with("metadata", "{}"), "", "400 anthropic-version: header is required"},
      {with("metadata", "{}"), "2024-01-01", "400 anthropic-version: "},
      {"{", "2023-06-01", "400 The request body is not valid JSON"}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.body << " " << row.version) {
      auto const text = judged(request_with(row.body, row.version));
      BOOST_TEST(text.substr(0, 4) == std::string(row.expected).substr(0, 4));
      BOOST_TEST(text.find(std::string(row.expected).substr(4)) != std::string::npos, text);
    }
  BOOST_TEST(judged(request_with(std::string(33 * 1024 * 1024, ' '))).starts_with("413"));
}

BOOST_AUTO_TEST_CASE(keys_are_judged) {
  auto request = request_with(with("metadata", "{}"));
  auto const& version = request.headers.at(1);
  std::pair<std::string, std::string> const key{"x-api-key", "sk-ant-x"}, wrong{"x-api-key", "x"};
  std::pair<std::string, std::string> const bearer{"authorization", "Bearer sk-ant-x"},
      basic{"authorization", "Basic x"};
  auto const with_headers = [&](std::vector<std::pair<std::string, std::string>> headers) {
    headers.push_back(version);
    auto changed = request;
    changed.headers = std::move(headers);
    return judged(changed).substr(0, 3);
  };
  BOOST_TEST(with_headers({key}) == "200");
  BOOST_TEST(with_headers({bearer}) == "200");
  BOOST_TEST(with_headers({}) == "401");
  BOOST_TEST(with_headers({wrong}) == "401");
  BOOST_TEST(with_headers({basic}) == "401");
  BOOST_TEST(with_headers({wrong, bearer}) == "401");
  BOOST_TEST(judged(request, "sk-ant-x").starts_with("200"));
  BOOST_TEST(judged(request, "sk-ant-another").starts_with("401"));
}

BOOST_AUTO_TEST_CASE(other_endpoints) {
  auto request = request_with(with("max_tokens", ""));
  request.target = "/v1/messages/count_tokens?beta=true";
  BOOST_TEST(judged(request).find("\"input_tokens\":") != std::string::npos);
  request.target = "/v1/nothing";
  BOOST_TEST(judged(request).starts_with("404"));
  request.method = "GET";
  request.target = "/v1/models?limit=2";
  BOOST_TEST(judged(request).find("\"has_more\":true") != std::string::npos);
  request.target = "/v1/models/claude-sonnet-4-6";
  BOOST_TEST(judged(request).find("\"id\":\"claude-sonnet-4-6\"") != std::string::npos);
  request.target = "/v1/models/no-such";
  BOOST_TEST(judged(request).starts_with("404"));
}

BOOST_AUTO_TEST_CASE(tools_are_judged) {
  std::string const user = R"({"role":"user","content":"a"})";
  auto const call = [](std::string id) {
    return R"({"role":"assistant","content":[{"type":"tool_use","id":")" + id + R"(","name":"f","input":{}}]})";
  };
  auto const answered = [](std::string id) {
    return R"({"role":"user","content":[{"type":"tool_result","tool_use_id":")" + id + R"(","content":"5"}]})";
  };
  auto const talk = [&](std::vector<std::string> turns) {
    std::string text = user;
    for (auto const& turn : turns)
      text += "," + turn;
    return with("messages", "[" + text + "]");
  };
  auto const tools = [](std::string tool) { return with("tools", "[" + tool + "]"); };
  std::string const unnamed = R"({"name":"f","input_schema":{"type":"object"}})";
  std::pair<std::string, char const*> const rows[] = {
      {talk({call("t1"), answered("t1")}), "200 "},
      {talk({call("t1"), answered("t1"), call("t2"), answered("t2")}), "200 "},
      {talk({call("t1"), call("t2"), answered("t2"), answered("t1")}), "200 "}, // the API merges turns
      {talk({call("t1"), answered("t1"), user}), "200 "},
      {talk({call("t1"), answered("t2")}),
       "400 messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t2. Each"},
      {talk({answered("t1")}), "400 messages.1.content.0: unexpected `tool_use_id`"},
      {talk({call("t1"), user}), "400 messages.1: `tool_use` ids were found without `tool_result` blocks immediately "
                                 "after: t1. Each `tool_use` block must"},
      {talk({call("t1"), call("t2"), answered("t2")}), "400 messages.2: `tool_use` ids were found without"},
      {talk({call("t1"), answered("t1"), call("t1"), answered("t1")}), "400 messages.3.content.0.id: `tool_use` ids"},
      {talk({call("t1"), answered("t1"), answered("t1")}),
       "400 messages.3.content.0: each tool_use must have a single"},
      {talk({call("t 1"), answered("t 1")}), "400 messages.1.content.0.tool_use.id: String should match"},
      {talk({R"({"role":"user","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]})"}),
       "400 messages.1.content.0: `tool_use` blocks can only be in `assistant`"},
      {talk({R"({"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f"}]})", user}),
       "400 messages.1.content.0.tool_use.input: Field required"},
      {tools(unnamed), "200 "},
      {tools(R"({"type":"web_search_20250305","name":"web_search"})"), "200 "},
      {tools(unnamed + "," + unnamed), "400 tools: Tool names must be unique."},
      {tools("7"), "400 tools.0: Input should be an object"},
      {tools("{}"), "400 tools.0.custom.name: Field required"},
      {tools(R"({"name":"a b","input_schema":{"type":"object"}})"), "400 tools.0.custom.name: String should match"},
      {tools(R"({"name":"f"})"), "400 tools.0.custom.input_schema: Field required"},
      {tools(R"({"name":"f","input_schema":{"type":"array"}})"), "400 tools.0.custom.input_schema.type: Input"}};
  for (auto const& [body, expected] : rows)
    BOOST_TEST_CONTEXT(body) {
      auto const text = judged(request_with(body));
      std::string const part = std::string(expected).substr(4);
      BOOST_TEST(text.substr(0, 4) == std::string(expected).substr(0, 4));
      BOOST_TEST(text.find(part) != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(forced_tools_are_called) {
  auto const ask = [](std::string model, std::string choice, std::string more = "{}") {
    auto body = test::json(with("metadata", "{}")).as_object();
    body["model"] = model;
    body["tools"] = test::json(R"([{"name":"first","input_schema":{"type":"object"}},
      {"name":"second","input_schema":{"type":"object","required":["s","n","b","a","o","e"],"properties":{
        "s":{"type":"string"},"n":{"type":"integer"},"b":{"type":"boolean"},"a":{"type":"array"},
        "o":{"type":"object"},"e":{"enum":["red","blue"]},"optional":{"type":"string"}}}}])");
    body["tool_choice"] = test::json(choice);
    auto const fields = test::json(more);
    for (auto const& [key, value] : fields.as_object())
      body[key] = value;
    return judged(request_with(boost::json::serialize(body)));
  };
  auto const contains = [](std::string const& text, std::string_view part) {
    BOOST_TEST(text.find(part) != std::string::npos, text);
  };
  contains(ask("claude-sonnet-4-6", R"({"type":"auto"})"), "You said");
  contains(ask("claude-sonnet-4-6", R"({"type":"any"})"), R"("name":"first","input":{})");
  contains(ask("claude-sonnet-4-6", R"({"type":"tool","name":"second"})"),
           R"("input":{"s":"x","n":1,"b":true,"a":[],"o":{},"e":"red"}}],"stop_reason":"tool_use")");
  contains(ask("claude-sonnet-4-6", R"({"type":"tool","name":"third"})"), "Tool 'third' not found");
  contains(ask("claude-sonnet-4-6", R"({"type":"some"})"), "400 ");
  contains(ask("claude-sonnet-5-5", R"({"type":"any"})"), R"(tool_choice.type: \"any\" is not supported)");
  std::string const thinking = R"({"thinking":{"type":"adaptive"}})";
  contains(ask("claude-sonnet-4-6", R"({"type":"any"})", thinking), "Thinking may not be enabled when tool_choice");
  contains(ask("claude-sonnet-4-6", R"({"type":"auto"})", thinking), R"("thinking":"The user said)");
  contains(ask("claude-sonnet-4-6", R"({"type":"auto"})", R"({"thinking":{"type":"adaptive","display":"omitted"}})"),
           R"("thinking":"","signature":")");
  contains(judged(request_with(with("tool_choice", R"({"type":"auto"})"))), "only be specified while providing tools");
}

BOOST_AUTO_TEST_CASE(scripts) {
  auto const script =
      parse_script(R"({"requests":[{"status":429,"headers":{"retry-after":"1"},"times":2},{"stall_after":0},
    {"text":"Hello!","delay_ms":5},{"status":502,"body":"<html>","content_type":"text/html"},{"body":{"a":1}},
    {"garbage":"x"},{"half_body":true},{"then_close":true},
    {"thinking":"Hm.","tool_calls":[{"name":"f","input":{"a":1}},{"name":"g","id":"own"}],"stop_reason":"max_tokens",
     "pace_ms":5,"record_per_event":true,"repeat_deltas":3,"cut_after_events":4},
    {"text":"a","error_after":{"events":3,"type":"api_error","message":"No."}},{"pings_only_ms":10}],"connections":["none","reset"]})");
  BOOST_REQUIRE(script.has_value());
  BOOST_TEST(script->replies.size() == 12u);
  BOOST_TEST(script->connections.size() == 2u);
  BOOST_TEST(reply_text(script->replies[0], received_request()).starts_with("429"));
  BOOST_TEST(reply_text(script->replies[3], received_request()).find("Hello!") != std::string::npos);
  BOOST_TEST(reply_text(script->replies[4], received_request()) == "502 <html>");
  auto const calls = reply_text(script->replies[9], received_request());
  BOOST_TEST(calls.find(R"("name":"f","input":{"a":1}},{"type":"tool_use","id":"own","name":"g","input":{}}],)"
                        R"("stop_reason":"max_tokens")") != std::string::npos,
             calls);
  std::pair<char const*, char const*> const wrong[] = {
      {"[]", "expected an object"},
      {R"({"request":[]})", "request: unknown field; did you mean \"requests\"?"},
      {R"({"requests":[7]})", "requests[0]: expected an object, got 7"},
      {R"({"requests":[{},{"stauts":429}]})", "requests[1].stauts: unknown field; did you mean \"status\"?"},
      {R"({"requests":[{"status":700}]})", "requests[0].status: expected a status from 100 to 599"},
      {R"({"requests":[{"text":"a","garbage":"b"}]})", "requests[0]: text"},
      {R"({"requests":[{"tool_calls":[{"input":{}}]}]})", "requests[0].tool_calls[0].name: missing"},
      {R"({"requests":[{"tool_calls":[7]}]})", "requests[0].tool_calls[0]: expected an object, got 7"},
      {R"({"requests":[{"thinking":"a","status":429}]})", "requests[0]: text"},
      {R"({"requests":[{"error_after":{"event":1}}]})", "requests[0].error_after.event: unknown field; did you mean"},
      {R"({"connections":["explode"]})", "connections[0]: expected"}};
  for (auto const& [text, message] : wrong)
    BOOST_TEST(parse_script(text).error().message().starts_with(message), parse_script(text).error().message());
  fake_server server;
  BOOST_TEST(server.script("{").has_error());
}

BOOST_AUTO_TEST_CASE(dates) {
  std::chrono::sys_seconds const example(784'111'777s); // of RFC 9110
  BOOST_TEST(http_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(internet_timestamp(example) == "1994-11-06T08:49:37Z");
  BOOST_TEST(http_date(std::chrono::sys_days(2028y / 2 / 29) + 23h + 59min + 59s) == "Tue, 29 Feb 2028 23:59:59 GMT");
  auto const request = request_with(with("metadata", "{}"));
  BOOST_TEST(written(reply::answer(), request)["date"] == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(written(reply::status(500).header("date", "today"), request)["date"] == "today");
}

BOOST_AUTO_TEST_CASE(limits_are_told_and_enforced) {
  claudio::rate_limits options;
  options.rpm = 3;
  options.itpm = 60'000;
  options.otpm = 60;
  enforced_limits limits(options);
  std::chrono::steady_clock::time_point now{1h};
  auto request = request_with(with("metadata", "{}"));
  std::uint64_t const input = request.body.size() / 4 + 1;
  auto const limited = [&](reply judged) {
    std::chrono::sys_seconds const date(784'111'777s);
    return written(limit_reply(limits, std::move(judged), request, 7, now, date + 300ms), request);
  };

  // 41 characters of output are 11 tokens; 20 s, a little more than nothing, and 11 s refill the buckets.
  auto const first = limited(reply::answer("It is a matter of opinion; mine is: none."));
  BOOST_TEST(first.result_int() == 200u);
  auto const usage = test::json(first.body()).at("usage");
  BOOST_TEST(usage.at("input_tokens").to_number<std::uint64_t>() == input);
  BOOST_TEST(usage.at("output_tokens").to_number<std::uint64_t>() == 11u);
  BOOST_TEST(limit_headers(first) == "requests-limit: 3\nrequests-remaining: 2\nrequests-reset: 1994-11-06T08:49:58Z\n"
                                     "input-tokens-limit: 60000\ninput-tokens-remaining: 60000\n"
                                     "input-tokens-reset: 1994-11-06T08:49:38Z\n"
                                     "output-tokens-limit: 60\noutput-tokens-remaining: 49\n"
                                     "output-tokens-reset: 1994-11-06T08:49:49Z\n");

  BOOST_TEST(limited(reply::answer(std::string(396, 'x'))).result_int() == 200u); // 100 tokens, 51 too many
  auto const refused = limited(reply::answer("x"));
  BOOST_TEST(refused.result_int() == 429u);
  BOOST_TEST(refused["retry-after"] == "52");
  BOOST_TEST(refused["anthropic-ratelimit-output-tokens-remaining"] == "0");
  BOOST_TEST(refused["anthropic-ratelimit-output-tokens-reset"] == "1994-11-06T08:51:29Z");
  BOOST_TEST(refused["anthropic-ratelimit-requests-remaining"] == "1");
  auto const error = test::json(refused.body());
  BOOST_TEST(error.at("request_id").as_string() == std::string_view(refused["request-id"]));
  BOOST_TEST(error.at("error").at("type").as_string() == "rate_limit_error");
  BOOST_TEST(std::string(error.at("error").at("message").as_string())
                 .starts_with("This request would exceed your organization's rate limit of 60 output tokens per minute "
                              "(org: 00000000-0000-4000-8000-00000000fake, model: claude-sonnet-4-6)."));

  now += 52s;
  request.body = with("messages", R"([{"role":"user","content":")" + std::string(240'000, 'x') + R"("}])");
  BOOST_TEST(limited(reply::answer("x")).result_int() == 200u); // the bucket is full
  now += 52s;
  auto const large = test::json(limited(reply::answer("x")).body());
  BOOST_TEST(std::string(large.at("error").at("message").as_string()).find("60,000 input tokens") != std::string::npos);

  for (auto const& other : {reply::status(400), reply::status(200, "{}"), reply::status(529)})
    BOOST_TEST(limit_headers(limited(other)).empty());
}

BOOST_AUTO_TEST_CASE(the_server_limits_each_key) {
  fake_server server(limited_to(2));
  auto mine = request_with(with("metadata", "{}"));
  auto other = mine;
  other.headers[0] = {"authorization", "Bearer sk-ant-other"};
  auto other_model = request_with(with("model", R"("claude-haiku-4-5")"));
  auto streamed = request_with(with("stream", "true"));

  auto const before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto const first = exchange(server, streamed);
  auto const after = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  BOOST_TEST(first.result_int() == 200u);
  BOOST_TEST(first["content-type"].starts_with("text/event-stream"));
  BOOST_TEST(first["anthropic-ratelimit-requests-remaining"] == "1");
  bool dated = false;
  for (auto time = before; time <= after; time += 1s)
    dated = dated || first["date"] == http_date(time);
  BOOST_TEST(dated, first["date"]);
  BOOST_TEST(exchange(server, mine).result_int() == 200u);

  for (auto const& asked : {mine, streamed}) {
    auto const refused = exchange(server, asked);
    BOOST_TEST(refused.result_int() == 429u);
    BOOST_TEST(refused["content-type"] == "application/json");
    int const seconds = std::stoi(std::string(refused["retry-after"]));
    BOOST_TEST(seconds > 0);
    BOOST_TEST(seconds <= 30);
    BOOST_TEST(refused["anthropic-ratelimit-requests-limit"] == "2");
    BOOST_TEST(refused["anthropic-ratelimit-requests-remaining"] == "0");
    BOOST_TEST(limit_headers(refused).find("tokens") == std::string::npos);
  }
  BOOST_TEST(exchange(server, other)["anthropic-ratelimit-requests-remaining"] == "1");
  BOOST_TEST(exchange(server, other_model)["anthropic-ratelimit-requests-remaining"] == "1");

  // What is not limited.
  auto wrong = request_with(with("model", "7"));
  BOOST_TEST(exchange(server, wrong).result_int() == 400u);
  auto counting = request_with(with("max_tokens", ""));
  counting.target = "/v1/messages/count_tokens";
  auto const counted = exchange(server, counting);
  BOOST_TEST(counted.result_int() == 200u);
  BOOST_TEST(limit_headers(counted).empty());
  server.script({reply::answer("Scripted.")});
  BOOST_TEST(limit_headers(exchange(server, mine)).empty());
  server.on_request([](received_request const&) { return reply::answer("Decided."); });
  BOOST_TEST(exchange(server, mine).result_int() == 200u);
}

// It pauses, and goes on when there are some again.
BOOST_AUTO_TEST_CASE(a_server_without_descriptors_does_not_spin) {
  asio::io_context context;
  fake_server_options options;
  options.tls = false;
  fake_server server(context.get_executor(), options);
  asio::ip::tcp::socket caller(context);
  caller.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), server.port()));
  rlimit before{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  auto none = before;
  none.rlim_cur = 3;
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  auto const handlers = context.run_for(100ms);
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST(handlers < 50u);
  BOOST_TEST(server.connections() == 0u);
  while (server.connections() == 0)
    context.run_one();
  caller.close();
  server.stop();
  context.run();
}

BOOST_AUTO_TEST_SUITE_END()
