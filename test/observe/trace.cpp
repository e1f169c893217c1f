// Traces: W3C's traceparent, how it is handed on, and the spans in the file.
#include "support/call.hpp"
#include "support/test.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace claudio;
using namespace std::chrono_literals;
using claudio::testing::fake_server;
using claudio::testing::reply;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr auto unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

trace_context context_of(std::string_view traceparent) { return trace_context::parse(traceparent).value(); }

std::string trace_id_of(trace_context const& context) { return context.to_string().substr(3, 32); }
std::string span_id_of(trace_context const& context) { return context.to_string().substr(36, 16); }

class folder {
public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "claudio_traces_XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()));
    path = name;
  }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string file(char const* name = "traces.jsonl") const { return (path / name).string(); }
  std::string fifo() const {
    auto name = file("fifo");
    BOOST_REQUIRE(::mkfifo(name.c_str(), 0600) == 0);
    return name;
  }

  std::filesystem::path path;
};

std::string contents_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream from(text);
  for (std::string line; std::getline(from, line);)
    lines.push_back(line);
  return lines;
}

// A line's one span.
class span {
public:
  explicit span(std::string const& line) {
    auto const whole = test::json(line);
    auto const& resources = whole.at("resourceSpans").as_array();
    BOOST_REQUIRE(resources.size() == 1u);
    service = json::serialize(resources.at(0).at("resource"));
    auto const& scopes = resources.at(0).at("scopeSpans").as_array();
    BOOST_REQUIRE(scopes.size() == 1u);
    BOOST_TEST(json::serialize(scopes.at(0).at("scope")) == R"({"name":"claudio","version":")" CLAUDIO_VERSION R"("})");
    auto const& spans = scopes.at(0).at("spans").as_array();
    BOOST_REQUIRE(spans.size() == 1u);
    fields = spans.at(0).as_object();
  }

  // "" where it is absent.
  std::string field(std::string_view name) const {
    auto const* const found = fields.if_contains(name);
    return !found ? std::string() : found->is_string() ? std::string(found->as_string()) : json::serialize(*found);
  }
  // As OTLP has it, with its type; "" where it is absent.
  std::string attribute(std::string_view name) const {
    for (auto const& one : fields.at("attributes").as_array())
      if (one.at("key").as_string() == json::string_view(name.data(), name.size()))
        return json::serialize(one.at("value"));
    return std::string();
  }
  std::int64_t time(std::string_view name) const { return std::stoll(field(name)); }

  std::string service;
  json::object fields;
};

std::vector<span> spans_in(std::string const& text) {
  std::vector<span> spans;
  for (auto const& line : lines_of(text))
    spans.emplace_back(line);
  return spans;
}

// Calls of a client whose spans go to a file.
class traced {
public:
  traced() : options(test::quick(server)) {
    trace_file_options named;
    named.service_name = "search";
    traces = trace_file::open(where.file(), named).value();
  }

  client endpoint() { return client::make(context.get_executor(), options, serial, traces).value(); }
  result<message> create(call_options call = call_options(), message_request request = test::native_hello()) {
    return test::run(context, endpoint().create(std::move(request), std::move(call)));
  }
  // Of calls that have ended.
  std::string text() {
    std::weak_ptr<trace_file> const last = traces;
    traces.reset();
    BOOST_REQUIRE(last.expired());
    return contents_of(where.file());
  }
  std::vector<span> spans() { return spans_in(text()); }
  std::string sent(std::string_view header, std::size_t request = 0) const {
    return std::string(server.requests().at(request).header(header));
  }
  // Of all requests, how often they have a header of this name.
  std::size_t count_sent(std::string_view header) const {
    std::size_t count = 0;
    for (auto const& request : server.requests())
      for (auto const& [name, value] : request.headers)
        count += name == header ? 1 : 0;
    return count;
  }

  folder where;
  fake_server server;
  provider_options options;
  asio::io_context context;
  std::shared_ptr<trace_file> traces;
};

model with_fallbacks(client const& endpoint) {
  std::vector<fallback_route> others(2);
  others[0].target.model = "claude-sonnet-4-6";
  others[1].target.model = "claude-haiku-4-5";
  for (auto& other : others) {
    other.endpoint = endpoint;
    other.target.capabilities = capabilities_of(other.target.model);
  }
  translation_target opus;
  opus.model = "claude-opus-4-6";
  opus.capabilities = capabilities_of(opus.model);
  return model(endpoint, opus, others);
}

asio::awaitable<result<message>> read_stream(client endpoint, call_options call) {
  auto opening = endpoint.stream(test::native_hello(), std::move(call));
  auto stream = co_await std::move(opening);
  if (!stream)
    co_return stream.error();
  while (true) {
    auto const event = co_await stream->next();
    if (!event)
      co_return event.error();
    if (!*event)
      break;
  }
  co_return stream->response();
}

asio::awaitable<result<void>> drop_stream(client endpoint) {
  auto opening = endpoint.stream(test::native_hello(), call_options());
  auto stream = co_await std::move(opening);
  if (!stream)
    co_return stream.error();
  co_return result<void>();
}

// A call that never was, for what calls of a server can't be like.
class told_call {
public:
  explicit told_call(std::string of_model = "claude-sonnet-4-6") : model(std::move(of_model)) {
    endpoint.provider = "anthropic";
    endpoint.server_address = "api.anthropic.com";
    endpoint.server_port = 443;
    trace.context = trace_context().child();
    call.endpoint = &endpoint;
    call.model = model;
    call.begun = std::chrono::steady_clock::now();
    call.trace = &trace;
  }
  told_call(told_call const&) = delete;
  told_call& operator=(told_call const&) = delete;

  void end(observer& told) const {
    call_event event;
    event.call = &call;
    event.info = &info;
    told.call_ended(event);
  }

  std::string const model;
  endpoint_info endpoint;
  trace_span trace;
  observed_call call;
  call_info info;
};

void wait_for_dropped(trace_file const& traces, std::uint64_t count) {
  while (traces.dropped() < count)
    std::this_thread::sleep_for(1ms);
}

std::string read_to_end(int descriptor) {
  std::string text;
  std::array<char, 4096> piece;
  while (true) {
    auto const got = ::read(descriptor, piece.data(), piece.size());
    if (got <= 0)
      break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(traces)

BOOST_AUTO_TEST_CASE(a_traceparent_is_read_by_w3cs_rules) {
  struct row {
    std::string_view text;
    bool valid;
  };
  row const rows[] = {{sampled, true},
                      {unsampled, true},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true},
                      // A later version may have more to say.
                      {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
                      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", true},
                      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", false},
                      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01f", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false},
                      {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
                      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01", false},
                      {"0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A", false},
                      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
                      {"00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", false},
                      {" 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
                      {"00-4bf92f3577b34da6a3ce929d0e0e47g6-00f067aa0ba902b7-01", false},
                      {"0", false},
                      {"", false}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.text) {
      auto const read = trace_context::parse(row.text);
      BOOST_TEST(read.has_value() == row.valid);
      if (!row.valid)
        BOOST_TEST(read.error().code() == errc::invalid_request);
      else
        BOOST_TEST(read->to_string().substr(2, 50) == row.text.substr(2, 50));
      // A piece of memory that ends where the text does: nothing behind it is read.
      std::vector<char> const exact(row.text.begin(), row.text.end());
      BOOST_TEST(trace_context::parse({exact.data(), exact.size()}).has_value() == row.valid);
    }
  BOOST_TEST(context_of(sampled).to_string() == sampled);
  BOOST_TEST(context_of("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x").to_string() == sampled);
}

BOOST_AUTO_TEST_CASE(a_child_is_a_new_span_of_the_same_trace) {
  auto const parent = context_of(sampled);
  auto const child = parent.child();
  BOOST_TEST(child.valid());
  BOOST_TEST((child.trace_id == parent.trace_id));
  BOOST_TEST((child.span_id != parent.span_id));
  BOOST_TEST(child.sampled());
  BOOST_TEST(!context_of(unsampled).child().sampled());
  // Flags of versions to come are not handed on.
  BOOST_TEST(context_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff").child().to_string().substr(53) ==
             "03");

  auto const root = trace_context().child();
  BOOST_TEST(root.valid());
  BOOST_TEST(root.sampled());
  BOOST_TEST((root.trace_id != trace_context().child().trace_id));
  BOOST_TEST((context_of(root.to_string()) == root));
  BOOST_TEST(!trace_context().valid());
}

BOOST_AUTO_TEST_CASE(an_answer_is_a_span) {
  traced all;
  all.server.script(
      {reply::status(200, R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[{"type":"text","text":"The answer is a secret."}],"stop_reason":"end_turn",
    "usage":{"input_tokens":7,"output_tokens":5,"cache_read_input_tokens":100,"cache_creation_input_tokens":20}})")});
  call_options call;
  call.trace = context_of(sampled);
  auto const before = std::chrono::system_clock::now();
  auto const answer = all.create(call);
  auto const after = std::chrono::system_clock::now();
  BOOST_REQUIRE(answer.has_value());
  auto const& span_of_call = answer->info().trace;
  BOOST_REQUIRE(span_of_call);
  BOOST_TEST((span_of_call->parent == call.trace));
  BOOST_TEST(all.sent("traceparent") == span_of_call->context.to_string());

  auto const port = std::to_string(all.server.port());
  auto const text = all.text();
  auto const spans = spans_in(text);
  BOOST_REQUIRE(spans.size() == 2u);
  auto const& post = spans.front();
  auto const& chat = spans.back();
  BOOST_TEST(chat.service == R"({"attributes":[{"key":"service.name","value":{"stringValue":"search"}}]})");
  BOOST_TEST(chat.field("name") == "chat claude-sonnet-4-6");
  BOOST_TEST(chat.field("kind") == "3");
  BOOST_TEST(chat.field("traceId") == "4bf92f3577b34da6a3ce929d0e0e4736");
  BOOST_TEST(chat.field("spanId") == span_id_of(span_of_call->context));
  BOOST_TEST(chat.field("parentSpanId") == "00f067aa0ba902b7");
  BOOST_TEST(chat.field("status") == "");
  std::pair<char const*, std::string> const attributes[] = {
      {"gen_ai.operation.name", R"({"stringValue":"chat"})"},
      {"gen_ai.provider.name", R"({"stringValue":"anthropic"})"},
      {"gen_ai.request.model", R"({"stringValue":"claude-sonnet-4-6"})"},
      {"gen_ai.request.stream", ""},
      {"gen_ai.response.model", R"({"stringValue":"claude-sonnet-4-6"})"},
      {"gen_ai.response.id", R"({"stringValue":"msg_1"})"},
      {"gen_ai.response.finish_reasons", R"({"arrayValue":{"values":[{"stringValue":"end_turn"}]}})"},
      {"gen_ai.response.time_to_first_chunk", ""},
      {"gen_ai.usage.input_tokens", R"({"intValue":"127"})"},
      {"gen_ai.usage.output_tokens", R"({"intValue":"5"})"},
      {"gen_ai.usage.cache_read.input_tokens", R"({"intValue":"100"})"},
      {"gen_ai.usage.cache_creation.input_tokens", R"({"intValue":"20"})"},
      {"server.address", R"({"stringValue":"127.0.0.1"})"},
      {"server.port", R"({"intValue":")" + port + R"("})"},
      {"error.type", ""},
      {"claudio.provider", R"({"stringValue":"127.0.0.1:)" + port + R"("})"},
      {"claudio.attempts", R"({"intValue":"1"})"},
      {"claudio.request_id", R"({"stringValue":"req_01fake000000000000000001"})"}};
  for (auto const& [name, value] : attributes)
    BOOST_TEST_CONTEXT(name)
  BOOST_TEST(chat.attribute(name) == value);
  auto const paid = test::json(chat.attribute("claudio.cost_usd")).at("doubleValue").as_double();
  BOOST_TEST(paid == static_cast<double>(answer->info().cost->picodollars()) / 1e12);
  BOOST_TEST(chat.attribute("claudio.call").find("intValue") != std::string::npos);

  BOOST_TEST(post.field("name") == "POST");
  BOOST_TEST(post.field("kind") == "3");
  BOOST_TEST(post.field("traceId") == chat.field("traceId"));
  BOOST_TEST(post.field("parentSpanId") == chat.field("spanId"));
  BOOST_TEST(post.field("spanId").size() == 16u);
  BOOST_TEST(post.field("spanId") != chat.field("spanId"));
  BOOST_TEST(post.attribute("http.request.method") == R"({"stringValue":"POST"})");
  BOOST_TEST(post.attribute("http.response.status_code") == R"({"intValue":"200"})");
  BOOST_TEST(post.attribute("http.request.resend_count") == "");
  BOOST_TEST(post.attribute("server.address") == R"({"stringValue":"127.0.0.1"})");
  BOOST_TEST(post.attribute("error.type") == "");

  auto const nanoseconds = [](auto time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  };
  // Two clocks are read one after the other.
  auto const slack = std::chrono::nanoseconds(20ms).count();
  BOOST_TEST(chat.time("startTimeUnixNano") >= nanoseconds(before) - slack);
  BOOST_TEST(chat.time("startTimeUnixNano") <= post.time("startTimeUnixNano") + slack);
  BOOST_TEST(post.time("startTimeUnixNano") <= post.time("endTimeUnixNano"));
  BOOST_TEST(post.time("endTimeUnixNano") <= chat.time("endTimeUnixNano") + slack);
  BOOST_TEST(chat.time("endTimeUnixNano") <= nanoseconds(after) + slack);

  for (auto const* said : {"Hello!", "secret", "sk-ant-"})
    BOOST_TEST(text.find(said) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(retries_and_failures_are_marked) {
  traced all;
  all.options.retry.max_retries = 1;
  auto const body = R"({"type":"error","error":{"type":"overloaded_error","message":"you said Hello! to me"}})";
  all.server.script({reply::status(529, body), reply::status(500)});
  auto const answer = all.create();
  BOOST_REQUIRE(answer.has_error());
  auto const& span_of_call = answer.error().info().trace;
  BOOST_REQUIRE(span_of_call);
  BOOST_TEST(!span_of_call->parent.valid());
  BOOST_TEST(all.sent("traceparent", 0) == span_of_call->context.to_string());
  BOOST_TEST(all.sent("traceparent", 1) == span_of_call->context.to_string());

  auto const text = all.text();
  BOOST_TEST(text.find("Hello!") == std::string::npos);
  auto const spans = spans_in(text);
  BOOST_REQUIRE(spans.size() == 3u);
  BOOST_TEST(spans[0].attribute("http.response.status_code") == R"({"intValue":"529"})");
  BOOST_TEST(spans[0].attribute("http.request.resend_count") == "");
  BOOST_TEST(spans[0].attribute("error.type") == R"({"stringValue":"overloaded"})");
  BOOST_TEST(spans[0].field("status") == R"({"code":2})");
  BOOST_TEST(spans[1].attribute("http.response.status_code") == R"({"intValue":"500"})");
  BOOST_TEST(spans[1].attribute("http.request.resend_count") == R"({"intValue":"1"})");
  BOOST_TEST(spans[1].attribute("error.type") == R"({"stringValue":"server_error"})");
  BOOST_TEST(spans[0].field("spanId") != spans[1].field("spanId"));
  auto const& chat = spans[2];
  for (std::size_t i = 0; i < 2; ++i)
    BOOST_TEST(spans[i].field("parentSpanId") == chat.field("spanId"));
  BOOST_TEST(chat.field("traceId") == trace_id_of(span_of_call->context));
  BOOST_TEST(chat.field("parentSpanId") == "");
  BOOST_TEST(chat.field("status") == R"({"code":2})");
  BOOST_TEST(chat.attribute("error.type") == R"({"stringValue":"server_error"})");
  BOOST_TEST(chat.attribute("claudio.attempts") == R"({"intValue":"2"})");
  BOOST_TEST(chat.attribute("gen_ai.response.id") == "");
  BOOST_TEST(chat.attribute("gen_ai.usage.input_tokens") == "");
  BOOST_TEST(chat.attribute("claudio.cost_usd") == "");
}

BOOST_AUTO_TEST_CASE(an_attempt_without_an_answer_has_no_status) {
  traced all;
  all.options.retry.max_retries = 0;
  all.server.script({reply::reset()});
  BOOST_TEST(all.create().error().code() == errc::connect);
  auto const spans = all.spans();
  BOOST_REQUIRE(spans.size() == 2u);
  BOOST_TEST(spans[0].attribute("http.response.status_code") == "");
  BOOST_TEST(spans[0].attribute("error.type") == R"({"stringValue":"connect"})");
}

BOOST_AUTO_TEST_CASE(where_nothing_was_sent_there_is_no_post) {
  traced all;
  call_options late;
  late.timeout(0s);
  BOOST_TEST(all.create(late).error().code() == errc::timeout);
  auto const spans = all.spans();
  BOOST_REQUIRE(spans.size() == 1u);
  BOOST_TEST(spans[0].field("name") == "chat claude-sonnet-4-6");
  BOOST_TEST(spans[0].attribute("claudio.attempts") == R"({"intValue":"0"})");
}

BOOST_AUTO_TEST_CASE(a_stream_is_a_span) {
  traced all;
  all.server.script({reply::status(529), reply::answer("Said piece by piece.").pace(2ms)});
  call_options call;
  call.trace = context_of(sampled);
  call.tracestate = "vendor=1";
  auto const answer = test::run(all.context, read_stream(all.endpoint(), call));
  BOOST_REQUIRE(answer.has_value());
  BOOST_REQUIRE(answer->info().trace);
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_TEST(all.sent("traceparent", i) == answer->info().trace->context.to_string());
    BOOST_TEST(all.sent("tracestate", i) == "vendor=1");
  }
  auto const spans = all.spans();
  BOOST_REQUIRE(spans.size() == 3u);
  BOOST_TEST(spans[0].attribute("http.response.status_code") == R"({"intValue":"529"})");
  BOOST_TEST(spans[1].attribute("http.response.status_code") == R"({"intValue":"200"})");
  auto const& chat = spans[2];
  BOOST_TEST(chat.field("spanId") == span_id_of(answer->info().trace->context));
  BOOST_TEST(chat.attribute("gen_ai.request.stream") == R"({"boolValue":true})");
  BOOST_TEST(chat.attribute("gen_ai.response.finish_reasons") ==
             R"({"arrayValue":{"values":[{"stringValue":"end_turn"}]}})");
  BOOST_TEST(chat.attribute("gen_ai.usage.output_tokens") ==
             R"({"intValue":")" + std::to_string(answer->usage().output_tokens) + R"("})");
  auto const first = test::json(chat.attribute("gen_ai.response.time_to_first_chunk")).at("doubleValue").as_double();
  BOOST_TEST(first > 0.0);
  BOOST_TEST(first <= std::chrono::duration<double>(answer->info().total).count());
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_dropped_ends_as_cancelled) {
  traced all;
  all.server.script({reply::answer("a").repeat_deltas(1000).pace(5ms)});
  BOOST_TEST(test::run(all.context, drop_stream(all.endpoint())).has_value());
  auto const spans = all.spans();
  BOOST_REQUIRE(spans.size() == 2u);
  BOOST_TEST(spans[1].attribute("error.type") == R"({"stringValue":"cancelled"})");
  BOOST_TEST(spans[1].attribute("gen_ai.response.finish_reasons") == "");
}

BOOST_AUTO_TEST_CASE(what_is_not_sampled_is_handed_on_but_not_written) {
  traced all;
  call_options call;
  call.trace = context_of(unsampled);
  auto const answer = all.create(call);
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(all.sent("traceparent") == answer->info().trace->context.to_string());
  BOOST_TEST(all.sent("traceparent").ends_with("-00"));
  BOOST_TEST(all.spans().empty());
}

BOOST_AUTO_TEST_CASE(without_observer_a_trace_is_handed_on) {
  fake_server server;
  asio::io_context context;
  auto const endpoint = client::make(context.get_executor(), test::quick(server), serial).value();
  call_options call;
  call.trace = context_of(sampled);
  auto const answer = test::run(context, endpoint.create(test::native_hello(), call));
  BOOST_REQUIRE(answer.has_value());
  BOOST_REQUIRE(answer->info().trace);
  BOOST_TEST(server.requests().at(0).header("traceparent") == answer->info().trace->context.to_string());
  auto const silent = test::run(context, endpoint.create(test::native_hello(), call_options()));
  BOOST_REQUIRE(silent.has_value());
  BOOST_TEST(!silent->info().trace);
  BOOST_TEST(server.requests().at(1).header("traceparent") == "");
}

BOOST_AUTO_TEST_CASE(a_calls_own_header_stays) {
  traced all;
  call_options call;
  call.headers.emplace_back("Traceparent", sampled);
  call.headers.emplace_back("tracestate", "mine=1");
  call.tracestate = "other=1";
  auto const answer = all.create(call);
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(all.sent("traceparent") == sampled);
  BOOST_TEST(all.sent("tracestate") == "mine=1");
  BOOST_TEST(all.count_sent("traceparent") == 1u);
  // The call's span is below the one that the caller named.
  auto const spans = all.spans();
  BOOST_REQUIRE(spans.size() == 2u);
  BOOST_TEST(spans[1].field("traceId") == trace_id_of(context_of(sampled)));
  BOOST_TEST(spans[1].field("parentSpanId") == span_id_of(context_of(sampled)));
  BOOST_TEST(spans[1].field("spanId") == span_id_of(answer->info().trace->context));
}

BOOST_AUTO_TEST_CASE(a_calls_own_header_may_be_none) {
  traced all;
  call_options call;
  call.headers.emplace_back("traceparent", "what our gateway calls one");
  auto const answer = all.create(call);
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(all.sent("traceparent") == "what our gateway calls one");
  BOOST_TEST(!answer->info().trace->parent.valid());
  BOOST_TEST(all.spans().size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_options_trace_comes_before_a_header) {
  traced all;
  call_options call;
  call.headers.emplace_back("TRACEPARENT", unsampled);
  call.trace = context_of(sampled);
  auto const answer = all.create(call);
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(all.sent("traceparent") == answer->info().trace->context.to_string());
  BOOST_TEST(all.count_sent("traceparent") == 1u);
}

BOOST_AUTO_TEST_CASE(a_tracestate_that_can_not_be_sent_is_left_out) {
  traced all;
  std::string const states[] = {"a=1\r\nx-api-key: other",   "a=1\n", std::string("a=\0", 3), "a=\x7f", "a=\xc3\xa9",
                                "a=" + std::string(511, 'x')};
  for (auto const& state : states) {
    call_options call;
    call.trace = context_of(sampled);
    call.tracestate = state;
    BOOST_TEST(all.create(call).has_value());
  }
  BOOST_TEST(all.count_sent("tracestate") == 0u);
  BOOST_TEST(all.count_sent("traceparent") == std::size(states));
  BOOST_TEST(all.count_sent("x-api-key") == std::size(states));
  call_options call;
  call.trace = context_of(sampled);
  call.tracestate = "a=" + std::string(510, 'x');
  BOOST_TEST(all.create(call).has_value());
  BOOST_TEST(all.count_sent("tracestate") == 1u);

  call.tracestate.clear();
  call.headers.emplace_back("tracestate", "a=1\r\nx-other: 1");
  BOOST_TEST(all.create(call).error().code() == errc::configuration);
}

BOOST_AUTO_TEST_CASE(fallbacks_stay_in_the_trace) {
  traced all;
  all.options.retry.max_retries = 0;
  auto const ask = [&](call_options call) {
    all.server.script({reply::status(529), reply::status(529), reply::answer("at last")});
    return test::run(all.context, with_fallbacks(all.endpoint()).invoke(test::hello(), std::move(call))).value();
  };
  call_options call;
  call.trace = context_of(sampled);
  auto const named = ask(call);
  auto const unnamed = ask(call_options());

  std::vector<span> chats;
  for (auto& one : all.spans())
    if (one.field("name") != "POST")
      chats.push_back(std::move(one));
  BOOST_REQUIRE(chats.size() == 6u);
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST(all.sent("traceparent", i).substr(36, 16) == chats[i].field("spanId"));
  for (std::size_t i = 0; i < 3; ++i)
    BOOST_TEST(chats[i].field("parentSpanId") == span_id_of(context_of(sampled)));
  BOOST_TEST(chats[2].field("spanId") == span_id_of(named.info().trace->context));
  // Where the caller named none, the first model's span is what the others are below.
  BOOST_TEST(chats[3].field("parentSpanId") == "");
  for (std::size_t i = 4; i < 6; ++i) {
    BOOST_TEST(chats[i].field("traceId") == chats[3].field("traceId"));
    BOOST_TEST(chats[i].field("parentSpanId") == chats[3].field("spanId"));
  }
  BOOST_TEST(chats[5].field("spanId") == span_id_of(unnamed.info().trace->context));
}

BOOST_AUTO_TEST_CASE(a_hostile_name_does_not_break_its_line) {
  folder const where;
  auto traces = trace_file::open(where.file()).value();
  std::string const names[] = {"a\"},{\"b", "line\nbreak\r\t", std::string("nul\0!", 5), "back\\slash\\",
                               "\xff\xfe",  "cut \xe2\x82",    "\xed\xa0\x80",           "over\xc0\xaf",
                               "\x7f",      "Zoë €\U0001F600", std::string(100'000, 'x')};
  std::string const read[] = {names[0],
                              names[1],
                              names[2],
                              names[3],
                              "\uFFFD\uFFFD",
                              "cut \uFFFD\uFFFD",
                              "\uFFFD\uFFFD\uFFFD",
                              "over\uFFFD\uFFFD",
                              names[8],
                              names[9],
                              std::string(256, 'x')};
  for (auto const& name : names)
    told_call(name).end(*traces);
  traces.reset();
  auto const spans = spans_in(contents_of(where.file()));
  BOOST_REQUIRE(spans.size() == std::size(names));
  for (std::size_t i = 0; i < spans.size(); ++i) {
    BOOST_TEST(spans[i].field("name") == "chat " + read[i]);
    auto const value = test::json(spans[i].attribute("gen_ai.request.model")).at("stringValue").as_string();
    BOOST_TEST(std::string(value) == read[i]);
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_appended_to_and_is_its_users_own) {
  folder const where;
  for (int i = 0; i < 2; ++i)
    told_call().end(*trace_file::open(where.file()).value());
  auto const spans = spans_in(contents_of(where.file()));
  BOOST_REQUIRE(spans.size() == 2u);
  BOOST_TEST(spans[0].service.find("unknown_service") != std::string::npos);
  struct stat about {};
  BOOST_REQUIRE(::stat(where.file().c_str(), &about) == 0);
  BOOST_TEST((about.st_mode & 077) == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_that_can_not_be_written_is_an_error) {
  folder const where;
  auto const fifo = where.fifo();
  std::pair<std::string, char const*> const rows[] = {{where.path.string(), "Is a directory"},
                                                      {where.file("missing/traces.jsonl"), "No such file or directory"},
                                                      {fifo, "it is a FIFO that nobody reads"},
                                                      {"", "No such file or directory"}};
  for (auto const& [path, reason] : rows) {
    auto const opened = trace_file::open(path);
    BOOST_REQUIRE(opened.has_error());
    BOOST_TEST(opened.error().code() == errc::configuration);
    BOOST_TEST(opened.error().message() == "can't write traces to the file \"" + path + "\": " + reason);
  }
  trace_file_options options;
  for (std::size_t const waiting : {std::size_t(0), std::size_t(1'000'001)}) {
    options.max_waiting = waiting;
    BOOST_TEST(trace_file::open(where.file(), options).error().code() == errc::configuration);
  }
}

BOOST_AUTO_TEST_CASE(calls_do_not_wait_for_a_file_that_nobody_reads) {
  folder const where;
  auto const fifo = where.fifo();
  int const reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  BOOST_REQUIRE(reader >= 0);
  trace_file_options options;
  options.max_waiting = 16;
  auto traces = trace_file::open(fifo, options).value();

  constexpr std::size_t calls = 100;
  constexpr std::size_t told = 5000;
  {
    fake_server server;
    asio::io_context context;
    auto const endpoint = client::make(context.get_executor(), test::quick(server), serial, traces).value();
    for (std::size_t i = 0; i < calls; ++i)
      BOOST_TEST(test::run(context, endpoint.create(test::native_hello(), call_options())).has_value());
  }
  for (std::size_t i = 0; i < told; ++i)
    told_call().end(*traces);
  auto const dropped = traces->dropped();
  BOOST_TEST(dropped > told / 2);

  // What waits is written at the end, as soon as somebody reads.
  BOOST_REQUIRE(::fcntl(reader, F_SETFL, 0) == 0);
  auto reading = std::async(std::launch::async, [&] { return read_to_end(reader); });
  traces.reset();
  auto const text = reading.get();
  ::close(reader);
  BOOST_TEST(text.ends_with('\n'));
  BOOST_TEST(spans_in(text).size() + dropped == 2 * calls + told);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_logged_once) {
  auto const traces = trace_file::open("/dev/full").value();
  for (int i = 0; i < 10; ++i)
    told_call().end(*traces);
  wait_for_dropped(*traces, 10);
  std::size_t logged = 0;
  for (auto const& line : recent_log_lines())
    if (line.find("span_lost file=\"/dev/full\"") != std::string::npos) {
      ++logged;
      BOOST_TEST(line.find("No space left on device") != std::string::npos);
    }
  BOOST_TEST(logged == 1u);
}

BOOST_AUTO_TEST_CASE(a_reader_may_go_and_come_back) {
  folder const where;
  auto const fifo = where.fifo();
  int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto traces = trace_file::open(fifo).value();
  ::close(reader);
  told_call("lost").end(*traces);
  wait_for_dropped(*traces, 1);
  reader = ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
  told_call("read").end(*traces);
  traces.reset();
  auto const spans = spans_in(read_to_end(reader));
  ::close(reader);
  BOOST_REQUIRE(spans.size() == 1u);
  BOOST_TEST(spans[0].field("name") == "chat read");
}

BOOST_AUTO_TEST_CASE(a_line_after_one_that_did_not_fit_is_whole) {
  folder const where;
  auto traces = trace_file::open(where.file()).value();
  rlimit before{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 300;
  BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  told_call("cut").end(*traces);
  wait_for_dropped(*traces, 1);
  BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  told_call("whole").end(*traces);
  traces.reset();
  auto const lines = lines_of(contents_of(where.file()));
  BOOST_REQUIRE(lines.size() == 2u);
  BOOST_TEST(lines[0].size() == 300u);
  BOOST_TEST(span(lines[1]).field("name") == "chat whole");
}

BOOST_AUTO_TEST_CASE(many_threads_write_whole_lines) {
  folder const where;
  auto traces = trace_file::open(where.file()).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k)
        told_call().end(*traces);
    });
  for (auto& thread : threads)
    thread.join();
  auto const dropped = traces->dropped();
  traces.reset();
  BOOST_TEST(spans_in(contents_of(where.file())).size() + dropped == 2000u);
}

BOOST_AUTO_TEST_SUITE_END()
