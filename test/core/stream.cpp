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
  auto const taken = accumulator.apply(event);
  BOOST_TEST(taken.has_value(), taken.error().message());
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
       R"({"type":"content_block_delta","index":0,"delta":{"type":"glow_delta","glow":true}})",
       R"({"type":"message_delta","delta":{"stop_reason":"novel","weather":"fine"}})"});
  BOOST_TEST(boost::json::value(got.content()) ==
             json(R"([{"type":"compaction","content":"ab","level":2,"glow":true}])"));
  BOOST_TEST(got.stop_reason() == "novel");
  BOOST_TEST(got.json().at("weather") == json("\"fine\""));
}

// Two answers of the API's own kind: blocks that overlap, and an index that is used twice (a web search's result and
// the text behind it).
BOOST_AUTO_TEST_CASE(blocks_are_matched_by_index) {
  auto const interleaved = accumulate(
      {R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"delete_file","input":{}}})",
       R"({"type":"content_block_start","index":4,"content_block":{"type":"text","text":""}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"read_file","input":{}}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"path\":\"re"}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"path\":\"de"}})",
       R"({"type":"content_block_delta","index":4,"delta":{"type":"text_delta","text":"t"}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"lete\"}"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"ad\"}"}})",
       R"({"type":"content_block_stop","index":0})", R"({"type":"message_delta","delta":{"stop_reason":"tool_use"}})",
       R"({"type":"content_block_stop","index":4})", R"({"type":"message_stop"})"});
  BOOST_TEST(boost::json::value(interleaved.content()) ==
             json(R"([{"type":"tool_use","id":"a","name":"read_file","input":{"path":"read"}},
                      {"type":"tool_use","id":"b","name":"delete_file","input":{"path":"delete"}},
                      {"type":"text","text":"t"}])"));

  auto const twice = accumulate(
      {R"({"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}})",
       R"({"type":"content_block_start","index":2,"content_block":{"type":"text","text":"c"}})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[]}})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":"a"}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":"z"}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}})",
       R"({"type":"content_block_stop","index":1})"});
  BOOST_TEST(
      boost::json::value(twice.content()) ==
      json(R"([{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}},{"type":"text","text":"z"},
                      {"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"text","text":"ab"},
                      {"type":"text","text":"c"}])"));
}

// An input that is cut off is kept as text.
BOOST_AUTO_TEST_CASE(half_an_input) {
  auto const got = accumulate(
      {R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}})",
       R"({"type":"content_block_stop","index":0})"});
  BOOST_TEST(boost::json::value(got.content()) ==
             json(R"([{"type":"tool_use","id":"t","name":"n","input":"{\"a\":"}])"));
}

// Each follows the start of a message, of the text block 0, and of block 1 of another type, which has stopped.
BOOST_AUTO_TEST_CASE(events_that_do_not_fit) {
  struct example {
    std::string_view data;
    std::string_view says;
    std::string_view block = R"({"type":"thinking","thinking":"","signature":""})"; // 2, which is open
  };
  for (auto const& [data, says, block] : {
           example{R"({"type":"message_start","message":{"id":"msg_2","content":[]}})", "after another one"},
           example{R"({"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"x"}})",
                   "content_block_delta event with index 7, whose block is not open"},
           example{R"({"type":"content_block_delta","index":7, "delta":{"type":"signature_delta","signature":"x"}})",
                   "index 7, whose block is not open"},
           example{R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"x"}})",
                   "index 1, whose block is not open"},
           example{R"({"type":"content_block_delta","index":-1,"delta":{"type":"text_delta","text":"x"}})",
                   "index is -1"},
           example{R"({"type":"content_block_delta","index":"0","delta":{"type":"text_delta","text":"x"}})",
                   "index is a string"},
           example{R"({"type":"content_block_delta","index":0.5,"delta":{"type":"text_delta","text":"x"}})",
                   "index is 0.5"},
           example{R"({"type":"content_block_delta","index":null,"delta":{"type":"text_delta","text":"x"}})",
                   "index is null"},
           example{R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}})", "index is missing"},
           example{
               R"({"type":"content_block_delta","index":18446744073709551615,"delta":{"type":"text_delta","text":""}})",
               "index 18446744073709551615, whose block is not open"},
           example{R"({"type":"content_block_delta","index":0})", "index 0, without a delta"},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":5}})",
                   "index 0, whose text_delta is no text"},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}})",
                   "index 0, which does not fit its block's type"},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x"}})",
                   "index 0, which does not fit"},
           example{R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}})",
                   "index 0, which does not fit"},
           example{R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"x"}})",
                   "index 2, which does not fit"},
           example{R"({"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{}}})",
                   "index 2, which does not fit"},
           example{R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"x"}})",
                   "index 2, which does not fit", R"({"type":"tool_use","id":"t","name":"n","input":{}})"},
           example{R"({"type":"content_block_delta","index":2,"delta":{"type":"thinking_delta","thinking":"x"}})",
                   "index 2, which does not fit", R"({"type":"server_tool_use","id":"t","name":"n","input":{}})"},
           example{R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"x"}})",
                   "index 2, which does not fit", R"({"type":"web_search_tool_result","content":[]})"},
           example{R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"x"}})",
                   "index 2, which does not fit", R"({"type":"redacted_thinking","data":"x"})"},
           example{R"({"type":"content_block_stop","index":1})",
                   "content_block_stop event with index 1, whose block is not open"},
           example{R"({"type":"content_block_stop","index":9})", "index 9, whose block is not open"},
           example{R"({"type":"content_block_stop"})", "content_block_stop event whose index is missing"},
           example{R"({"type":"content_block_start","index":10000,"content_block":{"type":"text","text":""}})",
                   "index is 10000; expected an integer from 0 to 9999"},
           example{R"({"type":"content_block_start","index":-1,"content_block":{"type":"text","text":""}})",
                   "index is -1"},
           example{R"({"type":"content_block_start","content_block":{"type":"text","text":""}})", "index is missing"},
           example{R"({"type":"content_block_start","index":3})", "index 3, without a content_block"},
           example{R"({"type":"content_block_start","index":3,"content_block":"text"})",
                   "index 3, without a content_block"},
       })
    BOOST_TEST_CONTEXT(data) {
      message_accumulator accumulator;
      for (std::string const& before :
           {start, std::string(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"),
            std::string(R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})"),
            std::string(R"({"type":"content_block_stop","index":1})"),
            R"({"type":"content_block_start","index":2,"content_block":)" + std::string(block) + "}"})
        take_in(accumulator, before);
      auto const before = boost::json::value(accumulator.result().json());
      event_json event;
      BOOST_REQUIRE(event.read(data));
      auto const taken = accumulator.apply(event);
      BOOST_REQUIRE(taken.has_error());
      BOOST_TEST(taken.error().code() == errc::protocol);
      BOOST_TEST(taken.error().message().find(says) != std::string::npos, taken.error().message());
      BOOST_TEST(boost::json::value(accumulator.result().json()) == before);
    }
}

BOOST_AUTO_TEST_CASE(nothing_comes_before_message_start) {
  for (std::string_view const data :
       {R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
        R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}})",
        R"({"type":"content_block_stop","index":0})", R"({"type":"message_delta","delta":{"stop_reason":"x"}})",
        R"({"type":"message_stop"})", R"({"type":"message_start"})"})
    BOOST_TEST_CONTEXT(data) {
      message_accumulator empty;
      event_json event;
      BOOST_REQUIRE(event.read(data));
      auto const taken = empty.apply(event);
      BOOST_REQUIRE(taken.has_error());
      BOOST_TEST(taken.error().code() == errc::protocol);
      BOOST_TEST(!empty.started());
      BOOST_TEST(!empty.complete());
      BOOST_TEST(empty.result().json().empty());
    }
  message_accumulator empty;
  take_in(empty, R"({"type":"ping"})");
  take_in(empty, R"({"type":"aurora"})");
  BOOST_TEST(!empty.started());
}

// Neither indexes nor starts decide how much memory is taken; in the worst order they still take little time.
BOOST_AUTO_TEST_CASE(blocks_are_bounded) {
  message_accumulator accumulator;
  take_in(accumulator, start);
  event_json event;
  auto const start_block = [&](std::size_t index) {
    auto const data = R"({"type":"content_block_start","index":)" + std::to_string(index) +
                      R"(,"content_block":{"type":"text","text":""}})";
    BOOST_REQUIRE(event.read(data));
    return accumulator.apply(event);
  };
  for (std::size_t i = message_accumulator::most_blocks; i > 1; --i)
    BOOST_REQUIRE(start_block(i - 1).has_value());
  BOOST_TEST(start_block(0).has_value());
  auto const one_more = start_block(0);
  BOOST_REQUIRE(one_more.has_error());
  BOOST_TEST(one_more.error().message().find("after 10000 other blocks") != std::string::npos);
  BOOST_TEST(accumulator.result().content().size() == message_accumulator::most_blocks);
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
  std::string const block = R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})";
  auto const limit = start.size() + block.size() + 100;
  message_accumulator small(limit);
  take_in(small, start);
  take_in(small, block);
  for (int i = 0; i < 1000; ++i)
    BOOST_REQUIRE(taken(small, R"({"type":"ping"})").has_value());
  for (int i = 0; i < 10; ++i)
    BOOST_TEST(taken(small, delta_of(10)).has_value());
  BOOST_TEST(taken(small, delta_of(0)).has_value());
  auto const too_many = taken(small, delta_of(1));
  BOOST_REQUIRE(too_many.has_error());
  BOOST_TEST(too_many.error().code() == errc::protocol);
  BOOST_TEST(too_many.error().param() == "max_answer_bytes");
  BOOST_TEST(too_many.error().message().find(std::to_string(limit) + " bytes (max_answer_bytes)") != std::string::npos);
  BOOST_TEST((too_many.error().should_retry() == false));

  message_accumulator unknown(limit);
  take_in(unknown, start);
  BOOST_TEST(taken(unknown, R"({"type":"content_block_start","index":0,"content_block":{"type":"x","y":")" +
                                std::string(block.size() + 100, 'x') + R"("}})")
                 .has_error());

  message_accumulator bomb;
  take_in(bomb, start);
  std::string list = "[0";
  for (int i = 0; i < 100'000; ++i)
    list += ",0";
  auto const values = R"({"type":"content_block_start","index":0,"content_block":{"type":"x","y":)" + list + "]}}";
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(taken(bomb, values).has_value());
  auto const more = taken(bomb, values);
  BOOST_REQUIRE(more.has_error());
  BOOST_TEST(more.error().message().find("more than 500000 values") != std::string::npos);
}

// The event is short, and what it tells may be long.
BOOST_AUTO_TEST_CASE(a_block_ends_once) {
  stream_translator translator(answer_context(), {});
  auto const stop = event(R"({"type":"content_block_stop","index":0})");
  auto const bytes =
      event(start) +
      event(
          R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}})") +
      stop + stop + stop;
  std::string out;
  translator.feed(bytes, out);
  std::string_view const whole = R"("arguments":"{}")";
  auto const first = out.find(whole);
  BOOST_TEST(first != std::string::npos);
  BOOST_TEST(out.find(whole, first + 1) == std::string::npos);
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
  take_in(begun, R"({"type":"message_start","message":{"content":[0,{"type":"novel","text":"a"}]}})");
  take_in(begun, R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1"}})");
  take_in(begun, R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}})");
  take_in(begun, R"({"type":"content_block_stop","index":1})");
  BOOST_TEST(boost::json::value(begun.result().content()) == json(R"([0,{"type":"novel","text":"ab","input":1}])"));
  event_json event;
  for (std::string_view const data :
       {R"({"type":"content_block_stop","index":0})",
        R"({"type":"content_block_delta","index":0,"delta":{"type":"glow_delta","glow":1}})"}) {
    BOOST_REQUIRE(event.read(data));
    BOOST_TEST(begun.apply(event).has_error());
  }

  auto const replaced = accumulate(
      {R"({"type":"message_delta","delta":{"content":5}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})",
       R"({"type":"message_delta","delta":{"content":[{}]}})", R"({"type":"content_block_stop","index":0})"});
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

// What is not Unicode is replaced, wherever it stands; the text around it stays.
BOOST_AUTO_TEST_CASE(text_that_is_not_unicode) {
  struct example {
    std::string_view written;
    std::string_view read;
  };
  for (auto const& [written, read] : {
           example{R"(a\\ud800b)", R"(a\ud800b)"}, // an escaped backslash before letters
           example{R"(a\ud83d\ude00b)", "a\xf0\x9f\x98\x80"
                                        "b"},
           example{R"(a\uD800)", "a\xef\xbf\xbd"},
           example{R"(\udc00b)", "\xef\xbf\xbd"
                                 "b"},
           example{R"(\ud800\ud800\udc00)", "\xef\xbf\xbd\xf0\x90\x80\x80"},
           example{R"(\ude00\ud83d)", "\xef\xbf\xbd\xef\xbf\xbd"},
           example{R"(\ud83d\n)", "\xef\xbf\xbd\n"},
           example{R"(\ud83d\u0041)", "\xef\xbf\xbd"
                                      "A"},
           example{"a\xc3", "a\xef\xbf\xbd"},
           example{"\xa9"
                   "b",
                   "\xef\xbf\xbd"
                   "b"},
           example{"\xe2\x82", "\xef\xbf\xbd"},
           example{"\xe2\x82\xe2\x82\xac", "\xef\xbf\xbd\xe2\x82\xac"},
           example{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
           example{"\xf4\x90"
                   "x",
                   "\xef\xbf\xbd\xef\xbf\xbdx"},
           example{"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
           example{"\xc0\xaf\\n", "\xef\xbf\xbd\xef\xbf\xbd\n"},
       })
    for (std::string const before :
         {R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":")",
          R"({"index":0,"type":"content_block_delta","delta":{"type":"text_delta","text":")"}) {
      auto const data = before + std::string(written) + R"("}})";
      event_json event;
      BOOST_REQUIRE(event.read(data));
      BOOST_REQUIRE(event.delta());
      bool const changed = read.find("\xef\xbf\xbd") != std::string_view::npos;
      BOOST_TEST(event.delta()->text == read);
      BOOST_TEST(event.repaired() == changed);
    }
  // In the text of the JSON that is a tool's input, too; a pair may be in two deltas.
  message_accumulator accumulator;
  take_in(accumulator, start);
  take_in(accumulator,
          R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n"}})");
  for (std::string_view const part : {R"({\"a\":\"\\ud83d)", R"(\\ude00\",\"b\":\"\\ud83d\"})"})
    take_in(accumulator,
            R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":")" +
                std::string(part) + R"("}})");
  BOOST_TEST(!accumulator.repaired());
  take_in(accumulator, R"({"type":"content_block_stop","index":0})");
  BOOST_TEST(accumulator.repaired());
  BOOST_TEST(accumulator.result().content().at(0).at("input") ==
             json("{\"a\":\"\xf0\x9f\x98\x80\",\"b\":\"\xef\xbf\xbd\"}"));
  // Elsewhere such bytes are no JSON, as before.
  event_json event;
  BOOST_TEST(!event.read("{\xc3}"));
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
