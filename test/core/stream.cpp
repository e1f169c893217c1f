#include "core/event_json.hpp"
#include "core/message_accumulator.hpp"
#include "support/allocations.hpp"
#include "support/test.hpp"

#include <claudio/stream_translator.hpp>

#include <boost/json/serialize.hpp>

using namespace claudio;
using claudio::test::json;

namespace {

std::string event(std::string const& data) { return "data: " + data + "\n\n"; }

std::string const start =
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],)"
    R"("stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}})";

void take_in(message_accumulator& accumulator, std::string_view data) {
  event_json event;
  BOOST_REQUIRE(event.read(data));
  accumulator.apply(event);
}

message accumulate(std::initializer_list<char const*> events) {
  message_accumulator accumulator;
  take_in(accumulator, start);
  for (auto const* text : events)
    take_in(accumulator, text);
  return accumulator.result();
}

} // namespace

BOOST_AUTO_TEST_SUITE(streams)

BOOST_AUTO_TEST_CASE(a_message_of_all_kinds_of_blocks) {
  auto const got = accumulate(
      {R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"b"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}})",
       R"({"type":"content_block_stop","index":0})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":null}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hé"}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"x"}}})",
       R"({"type":"content_block_stop","index":1})",
       R"({"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"z\":900719925"}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"4740993}"}})",
       R"({"type":"content_block_stop","index":2})",
       R"({"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9,"input_tokens":null}})",
       R"({"type":"message_stop"})"});
  BOOST_TEST(boost::json::value(got.json()) == json(R"({"id":"msg_1","type":"message","role":"assistant","model":"m",
    "content":[{"type":"thinking","thinking":"ab","signature":"s"},{"type":"text","text":"Hé","citations":[{"type":"x"}]},
      {"type":"tool_use","id":"t","name":"n","input":{"z":9007199254740993}}],
    "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":9}})"));
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_kept) {
  auto const got = accumulate(
      {R"({"type":"content_block_start","index":0,"content_block":{"type":"compaction","content":"a"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"b","level":2}})",
       R"({"type":"content_block_stop","index":0})", R"({"type":"aurora"})",
       R"({"type":"message_delta","delta":{"stop_reason":"novel","weather":"fine"}})"});
  BOOST_TEST(boost::json::value(got.content()) == json(R"([{"type":"compaction","content":"ab","level":2}])"));
  BOOST_TEST(got.stop_reason() == "novel");
  BOOST_TEST(got.json().at("weather") == json("\"fine\""));
}

// Indexes that lead nowhere, deltas before the beginning, inputs that are cut off: nothing breaks, nothing is lost.
BOOST_AUTO_TEST_CASE(events_out_of_order) {
  auto const got = accumulate(
      {R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}})",
       R"({"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"x"}})",
       R"({"type":"content_block_delta","index":-1,"delta":{"type":"text_delta","text":"x"}})",
       R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}})",
       R"({"type":"content_block_stop","index":0})", R"({"type":"content_block_stop","index":9})",
       R"({"type":"message_start","message":{"id":"msg_2"}})"});
  BOOST_TEST(got.id() == "msg_1");
  BOOST_TEST(boost::json::value(got.content()) ==
             json(R"([{"type":"tool_use","id":"t","name":"n","input":"{\"a\":"}])"));

  message_accumulator empty;
  take_in(empty, R"({"type":"message_delta","delta":{"stop_reason":"x"}})");
  take_in(empty, R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})");
  BOOST_TEST(!empty.started());
  BOOST_TEST(empty.result().json().empty());
}

// Texts count by their bytes, all else by its text and by the values in it.
BOOST_AUTO_TEST_CASE(what_the_events_leave_is_limited) {
  auto const delta_of = [](std::size_t size) {
    return R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":")" + std::string(size, 'x') +
           R"("}})";
  };
  auto const taken = [](message_accumulator& accumulator, std::string const& data) {
    event_json event;
    BOOST_REQUIRE(event.read(data));
    return accumulator.apply(event);
  };
  auto const limit = start.size() + 100;
  message_accumulator small(limit);
  take_in(small, start);
  for (int i = 0; i < 1000; ++i)
    BOOST_REQUIRE(taken(small, R"({"type":"ping"})"));
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(taken(small, delta_of(10)));
  BOOST_TEST(taken(small, delta_of(0)));
  BOOST_TEST(!taken(small, delta_of(1)));
  BOOST_TEST(small.overflow().code() == errc::protocol);
  BOOST_TEST(small.overflow().param() == "max_answer_bytes");
  BOOST_TEST(small.overflow().message().find(std::to_string(limit) + " bytes (max_answer_bytes)") != std::string::npos);
  BOOST_TEST((small.overflow().should_retry() == false));

  message_accumulator unknown(limit);
  take_in(unknown, start);
  BOOST_TEST(!taken(unknown, R"({"type":"content_block_start","index":0,"content_block":{"type":"x","y":")" +
                                 std::string(100, 'x') + R"("}})"));

  message_accumulator bomb;
  take_in(bomb, start);
  std::string list = "[0";
  for (int i = 0; i < 100'000; ++i)
    list += ",0";
  auto const block = R"({"type":"content_block_start","index":0,"content_block":{"type":"x","y":)" + list + "]}}";
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(taken(bomb, block));
  BOOST_TEST(!taken(bomb, block));
  BOOST_TEST(bomb.overflow().message().find("more than 500000 values") != std::string::npos);
}

// The event is short, and what it tells may be long.
BOOST_AUTO_TEST_CASE(a_block_ends_once) {
  stream_translator translator(answer_context(), {});
  auto const stop = event(R"({"type":"content_block_stop","index":0})");
  auto const bytes =
      event(start) +
      event(R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"t"}})") + stop +
      stop + stop;
  std::string out;
  translator.feed(bytes, out);
  auto const first = out.find("thinking_blocks");
  BOOST_TEST(first != std::string::npos);
  BOOST_TEST(out.find("thinking_blocks", first + 1) == std::string::npos);
}

// As many as make a tree that no answer has stay the text that they were.
BOOST_AUTO_TEST_CASE(the_values_of_inputs_are_limited) {
  message_accumulator bomb;
  take_in(bomb, start);
  std::string list = "[0";
  for (int i = 0; i < 100'000; ++i)
    list += ",0";
  list += "]";
  for (int i = 0; i < 5; ++i) {
    auto const index = std::to_string(i);
    take_in(bomb, R"({"type":"content_block_start","index":)" + index +
                      R"(,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}})");
    take_in(bomb, R"({"type":"content_block_delta","index":)" + index +
                      R"(,"delta":{"type":"input_json_delta","partial_json":")" + list + R"("}})");
    take_in(bomb, R"({"type":"content_block_stop","index":)" + index + "}");
  }
  auto const& blocks = bomb.result().content();
  BOOST_REQUIRE(blocks.size() == 5u);
  BOOST_TEST(blocks[3].at("input").is_array());
  BOOST_TEST(blocks[4].at("input").is_string());
}

// A message that begins with blocks, and one whose content turns into something else.
BOOST_AUTO_TEST_CASE(unusual_content) {
  message_accumulator begun;
  take_in(begun, R"({"type":"message_start","message":{"content":[0,{"type":"text","text":"a"}]}})");
  take_in(begun, R"({"type":"content_block_stop","index":0})");
  take_in(begun, R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1"}})");
  take_in(begun, R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}})");
  take_in(begun, R"({"type":"content_block_stop","index":1})");
  BOOST_TEST(boost::json::value(begun.result().content()) == json(R"([0,{"type":"text","text":"ab","input":1}])"));

  auto const replaced =
      accumulate({R"({"type":"message_delta","delta":{"content":5}})",
                  R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
                  R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})",
                  R"({"type":"content_block_stop","index":0})", R"({"type":"message_delta","delta":{"content":[{}]}})",
                  R"({"type":"content_block_stop","index":0})"});
  BOOST_TEST(boost::json::value(replaced.content()) == json(R"([{"type":"text","text":"a"}])"));
}

// From bytes to the bytes that go on: a text delta takes nothing from the heap, but for the answer that grows.
BOOST_AUTO_TEST_CASE(a_text_delta_takes_no_memory) {
  stream_translator translator(answer_context(), std::chrono::system_clock::from_time_t(0));
  std::string out;
  out.reserve(4096);
  translator.feed(event(start), out);
  translator.feed(event(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"), out);
  std::string const delta =
      event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello \"you\"\n"}})");
  auto const feed = [&](int times) {
    for (int i = 0; i < times; ++i) {
      out.clear();
      translator.feed(delta, out);
    }
  };
  feed(1000);
  auto const before = test::allocations();
  feed(10'000);
  // The text doubles its memory a few times.
  BOOST_TEST(test::allocations() - before < 10u);
  BOOST_TEST(translator.response().text().size() == 11'000u * 12);
}

// Read without JSON or with it, an event says the same; what is only nearly a plain delta is left to JSON.
BOOST_AUTO_TEST_CASE(plain_deltas) {
  struct example {
    char const* data;
    bool is_plain;
  };
  for (auto const& [data, is_plain] : {
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a b"}})", true},
           example{R"({"type":"content_block_delta","index":12,"delta":{"type":"text_delta","text":""}})", true},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"é€😀"}})", true},
           example{
               R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\n\"\\\/\b\f\r\t"}})",
               true},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x\ny"}        })",
                   true},
           example{R"({"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"t"}})",
                   true},
           example{
               R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a"}})",
               true},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\u00e9"}})", false},
           example{R"({"type": "content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})", false},
           example{R"({"type":"content_block_delta","index":0,"delta":{"text":"a","type":"text_delta"}})", false},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"},"new":1})",
                   false},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","new":1}})",
                   false},
       }) {
    BOOST_TEST_CONTEXT(data) {
      std::string unescaped;
      auto const plain = block_delta::read(data, unescaped);
      auto const parsed = json(data);
      auto const known = block_delta::of(parsed.as_object());
      BOOST_TEST(plain.has_value() == is_plain);
      BOOST_REQUIRE(known.has_value());
      if (plain) {
        BOOST_TEST(plain->index == known->index);
        BOOST_TEST((plain->part == known->part));
        BOOST_TEST(plain->text == known->text);
      }
      event_json event;
      BOOST_REQUIRE(event.read(data));
      BOOST_REQUIRE(event.delta());
      BOOST_TEST(event.delta()->text == known->text);
      BOOST_TEST(boost::json::value(event.json()) == json(data));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_plain_deltas) {
  for (std::string const data : {
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"})",
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a}})",
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}})",
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}x)",
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\"}})",
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\x"}})",
           R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\)",
           R"({"type":"content_block_delta","index":00,"delta":{"type":"text_delta","text":"a"}})",
           R"({"type":"content_block_delta","index":,"delta":{"type":"text_delta","text":"a"}})",
           "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\tb\"}}",
           "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\xc3\"}}",
       }) {
    BOOST_TEST_CONTEXT(data) {
      std::string unescaped;
      BOOST_TEST(!block_delta::read(data, unescaped));
      event_json event;
      BOOST_TEST(!event.read(data));
    }
  }
  // Integers beyond 64 bits and below 0 are JSON, but no block's index.
  for (std::string const index : {"-1", "18446744073709551616", "1.5"}) {
    std::string unescaped;
    auto const data =
        R"({"type":"content_block_delta","index":)" + index + R"(,"delta":{"type":"text_delta","text":"a"}})";
    BOOST_TEST(!block_delta::read(data, unescaped));
    event_json event;
    BOOST_TEST(event.read(data));
    BOOST_TEST(!event.delta());
  }
}

BOOST_AUTO_TEST_SUITE_END()
