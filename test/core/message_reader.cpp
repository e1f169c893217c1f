#include "core/message_reader.hpp"

#include "core/answer_events.hpp"
#include "support/interleaved_stream.hpp"
#include "support/test.hpp"

#include <claudio/stream_translator.hpp>

#include <boost/json/serialize.hpp>

#include <random>

using namespace claudio;
using claudio::test::json;

namespace {

std::string event(std::string const& data, std::string const& name = std::string()) {
  return (name.empty() ? "" : "event: " + name + "\n") + "data: " + data + "\n\n";
}

std::string const begin =
    event(
        R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],)"
        R"("stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}})",
        "message_start") +
    event(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
          "content_block_start") +
    event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}})",
          "content_block_delta");
std::string const end =
    event(R"({"type":"content_block_stop","index":0})", "content_block_stop") +
    event(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})",
          "message_delta") +
    event(R"({"type":"message_stop"})", "message_stop");

std::string translate(std::string_view stream, std::size_t cut) {
  stream_translator translator(answer_context(), {});
  std::string out;
  translator.feed(stream.substr(0, cut), out);
  translator.feed(stream.substr(cut), out);
  translator.finish(out);
  BOOST_TEST(translator.done());
  return out;
}

// What a stream becomes, which does not depend on where its bytes are cut.
std::string translate(std::string const& stream) {
  auto const out = translate(stream, stream.size());
  for (std::size_t cut = 0; cut < stream.size(); ++cut)
    if (translate(stream, cut) != out)
      BOOST_ERROR("cut at " << cut << ": " << translate(stream, cut));
  return out;
}

// The message and the type of the error that ends a translated stream.
std::string error_of(std::string const& out) {
  test::collected_chunks const chunks(out);
  auto const value = json(chunks.last);
  auto const* const failure = value.as_object().if_contains("error");
  BOOST_REQUIRE(failure);
  return std::string(failure->at("type").as_string()) + ": " + std::string(failure->at("message").as_string());
}

error failure_of(std::string const& body) {
  message_reader reader;
  reader.feed(body);
  reader.finish();
  auto step = reader.next();
  while (step == message_reader::step::event)
    step = reader.next();
  BOOST_REQUIRE((step == message_reader::step::failed));
  response_facts head;
  head.content_type = "application/json";
  std::string_view const secrets[] = {"sk-secret-value"};
  return reader.failure(head, secrets, {});
}

} // namespace

BOOST_AUTO_TEST_SUITE(message_readers)

BOOST_AUTO_TEST_CASE(blocks_interleave_in_any_way) {
  std::mt19937 random(22);
  std::size_t complete = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::uint8_t> decisions(16 + random() % 200);
    for (auto& byte : decisions)
      byte = static_cast<std::uint8_t>(random());
    fuzz::fuzz_input input(decisions.data(), decisions.size());
    test::interleaved_stream const stream(input);
    complete += stream.complete() ? 1 : 0;
    auto const fault = test::find_disagreement(stream, 1 + random() % 300);
    BOOST_TEST(fault == "", fault << " of " << stream.text);
  }
  BOOST_TEST(complete > 500u);
  BOOST_TEST(complete < 2900u);
}

// What comes after the answer does not matter, at any cut.
BOOST_AUTO_TEST_CASE(message_stop_is_the_end) {
  auto const expected = translate(begin + end);
  BOOST_TEST(expected.ends_with("data: [DONE]\n\n"));
  for (std::string const& rest :
       {std::string("data: [DONE]\n\n"), event("{\"type\":\"ping\"}", "ping"), event("Bad gateway", "error"),
        event(R"({"type":"error","error":{"type":"api_error","message":"late"}})", "error"), begin, end,
        std::string("garbage \xff\0{", 11), std::string("data: {\"type\":"), std::string("{\"error\":{}}")})
    BOOST_TEST(translate(begin + end + rest) == expected);
  // An event that is larger than the parser takes.
  message_reader reader;
  reader.feed(begin + end + "data: ");
  std::string const piece(1024 * 1024, 'x');
  for (int i = 0; i < 40; ++i)
    reader.feed(piece);
  auto step = reader.next();
  while (step == message_reader::step::event)
    step = reader.next();
  BOOST_TEST((step == message_reader::step::end));
}

// Neither a stop_reason nor [DONE] says that nothing is missing.
BOOST_AUTO_TEST_CASE(an_answer_without_message_stop_is_cut_off) {
  auto const last = end.find("event: message_stop");
  BOOST_TEST(error_of(translate(begin + end.substr(0, last))) ==
             "server_error: the stream ended before its answer was complete");
  BOOST_TEST(error_of(translate(begin + end.substr(0, last) + "data: [DONE]\n\n"))
                 .starts_with("server_error: the stream has"));
  // Of the last event only its end may be missing.
  for (std::size_t size = 0; size < end.size(); ++size)
    BOOST_TEST((translate(begin + end.substr(0, size), 0) == translate(begin + end, 0)) ==
               (end.substr(size).find_first_not_of("\n") == std::string::npos));
}

BOOST_AUTO_TEST_CASE(errors_by_name_type_and_member) {
  struct example {
    std::string text;
    errc code;
    std::string_view message;
  };
  for (auto const& [text, code, message] : {
           example{event(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"),
                   errc::overloaded, "Overloaded"},
           example{event(R"({"error":{"type":"rate_limit_error","message":"slow"}})"), errc::rate_limited, "slow"},
           example{event(R"({"error":{"message":"no type","code":500}})"), errc::server_error, "no type"},
           example{event(R"({"type":"content_block_delta","index":0,"error":{"message":"in a delta"}})"),
                   errc::server_error, "in a delta"},
           example{event(R"({"error":"just text"})"), errc::server_error, "just text"},
           example{event(R"({"type":"error","message":"flat"})"), errc::server_error, "flat"},
           example{event(R"({"type":"overloaded_error","message":"named"})", "error"), errc::overloaded, "named"},
           example{event(R"({"detail":"other"})", "error"), errc::server_error, R"({"detail":"other"})"},
           example{event(R"({"type":"ping"})", "error"), errc::server_error, R"({"type":"ping"})"},
           example{event("upstream connect error\ndata: or reset", "error"), errc::server_error,
                   "upstream connect error or reset"},
           example{event("\"quoted\"", "error"), errc::server_error, "\"quoted\""},
           example{event("sk-secret-value was refused", "error"), errc::server_error, "[key removed] was refused"},
           example{event("caf\xc3 \xe9", "error"), errc::server_error, "caf\xef\xbf\xbd \xef\xbf\xbd"},
           example{event(R"({"error":{"message":"half \ud83d"}})"), errc::server_error, "half \xef\xbf\xbd"},
           example{event("", "error"), errc::server_error, "the stream has an error event without a message"},
       })
    for (std::string const& before : {std::string(), begin})
      BOOST_TEST_CONTEXT(text) {
        auto const failure = failure_of(before + text + end);
        BOOST_TEST(failure.code() == code);
        BOOST_TEST(failure.message() == message);
        BOOST_TEST(translate(before + text + end).find("[DONE]") == std::string::npos);
      }
  // A member that is nothing, and a name of another kind.
  for (std::string const& harmless :
       {event(R"({"type":"ping","error":null})"), event(R"({"type":"ping","error":""})"), event("", "ping"),
        event("  "), event("\ndata: "), std::string("data\n\n"), event(R"({"type":"ping"})", "errors")})
    BOOST_TEST(translate(harmless + begin + harmless + end) == translate(begin + end));
}

// Bytes that are not text become U+FFFD on each way, with a warning; half a pair in each of two deltas, twice.
BOOST_AUTO_TEST_CASE(deltas_that_are_not_unicode) {
  auto const delta = [](std::string const& text) {
    return event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":")" + text + R"("}})");
  };
  auto const stream = begin + delta(R"( \ud83d)") + delta(R"(\ude00)") + delta("\xe2\x82") + delta("!") + end;
  test::collected_chunks const chunks(translate(stream));
  BOOST_TEST(chunks.content == "Hello \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!");
  stream_translator translator(answer_context(), {});
  std::string out;
  translator.feed(stream, out);
  BOOST_TEST(translator.response().text() == chunks.content);
  BOOST_REQUIRE(translator.response().warnings().size() == 1u);
  BOOST_TEST(translator.response().warnings().front() == message_accumulator::repair_warning);
}

namespace {

std::string const whole =
    R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[)"
    R"({"type":"thinking","thinking":"Hm.","signature":"s"},{"type":"redacted_thinking","data":"r"},)"
    R"({"type":"text","text":"H\u00e9 \"x\"","citations":[{"type":"web_search_result_location","url":"u"},{"type":"other"}]},)"
    R"({"type":"text","text":"","citations":null},{"type":"tool_use","id":"t1","name":"f","input":{"a":[1.5,"b"]}},)"
    R"({"type":"tool_use","id":"t2","name":"g","input":{}},{"type":"novel","text":"n"}],)"
    R"("stop_reason":"tool_use","stop_sequence":null,"container":{"id":"c"},)"
    R"("usage":{"input_tokens":3,"output_tokens":9,"cache_read_input_tokens":0}})";

} // namespace

BOOST_AUTO_TEST_CASE(a_whole_answer_is_a_stream_of_one) {
  // As it came, and as a stream.
  for (std::string const& body :
       {whole, "\xef\xbb\xbf \r\n" + whole + "\n", to_answer_events(json(whole).as_object())}) {
    message_reader reader;
    std::string types;
    for (char const byte : body) {
      reader.feed({&byte, 1});
      while (reader.next() == message_reader::step::event)
        types += std::string(reader.event().type()) + " ";
    }
    reader.finish();
    while (reader.next() == message_reader::step::event)
      types += std::string(reader.event().type()) + " ";
    BOOST_TEST((reader.next() == message_reader::step::end));
    BOOST_TEST(types.starts_with("message_start content_block_start content_block_delta "));
    BOOST_TEST(types.ends_with("content_block_stop message_delta message_stop "));
    BOOST_TEST(boost::json::value(reader.answer().result().json()) == json(whole));
  }
  auto const out = translate(whole);
  test::collected_chunks chunks(out);
  chunks.collect();
  auto const response = to_openai(*message::parse(whole), answer_context(), {});
  BOOST_TEST(chunks.content == response.text());
  BOOST_TEST(chunks.finish_reason == response.finish_reason());
  BOOST_TEST(chunks.calls == test::collected_chunks::calls_of(response.tool_calls()), boost::test_tools::per_element());
  BOOST_TEST(chunks.last == "[DONE]");
}

BOOST_AUTO_TEST_CASE(a_whole_answer_that_is_not_unicode) {
  message_reader reader(100);
  reader.feed(R"({"type":"message","content":[{"type":"text","text":"\ud800)"
              "\xff"
              R"("}]})");
  reader.finish();
  while (reader.next() == message_reader::step::event)
    continue;
  BOOST_TEST((reader.next() == message_reader::step::end));
  BOOST_TEST(reader.answer().result().text() == "\xef\xbf\xbd\xef\xbf\xbd");
  BOOST_TEST(reader.answer().repaired());
}

BOOST_AUTO_TEST_CASE(whole_bodies_that_are_no_answers) {
  message_reader small(100);
  small.feed("{" + std::string(99, ' '));
  BOOST_TEST((small.next() == message_reader::step::more));
  small.feed(" ");
  BOOST_TEST((small.next() == message_reader::step::failed));
  BOOST_TEST(small.failure(response_facts(), {}, {})
                 .message()
                 .starts_with("the answer is larger than 100 bytes (max_answer_bytes)"));

  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(error_of(translate(whole.substr(0, size), 0)) ==
               "server_error: the stream ended before its answer was complete");
  auto const refused = failure_of(R"({"type":"error","error":{"type":"authentication_error","message":"no key"}})");
  BOOST_TEST(refused.code() == errc::authentication);
  BOOST_TEST(refused.message() == "no key");
  BOOST_TEST(failure_of(R"({"error":"busy"})").code() == errc::server_error);
  BOOST_TEST(failure_of(R"({"type":"message","content":[],"error":{"message":"half"}})").message() == "half");
  auto const foreign = failure_of(R"({"object":"chat.completion"})");
  BOOST_TEST(foreign.code() == errc::protocol);
  BOOST_TEST(foreign.message().find("not a Messages API answer (application/json)") != std::string::npos);
}

// A body that begins anew is not mixed up with the one before.
BOOST_AUTO_TEST_CASE(another_body) {
  message_reader reader;
  reader.feed("{\"type\":");
  reader.restart();
  reader.feed("data: {\"type\":");
  reader.restart();
  reader.feed(begin + end);
  auto step = reader.next();
  while (step == message_reader::step::event)
    step = reader.next();
  BOOST_TEST((step == message_reader::step::end));
  BOOST_TEST(reader.answer().result().text() == "Hello");
}

BOOST_AUTO_TEST_SUITE_END()
