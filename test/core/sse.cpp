#include "support/allocations.hpp"
#include "support/test.hpp"

#include <claudio/sse.hpp>

#include <utility>
#include <vector>

using namespace claudio;
using namespace std::string_view_literals;

namespace {

// Name and data.
using events = std::vector<std::pair<std::string, std::string>>;

constexpr auto answer = R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße, 世界 🌍"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: ping
data: {"type": "ping"}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}}

event: message_stop
data: {"type":"message_stop"}

)"sv;

events const answer_events = {
    {"message_start",
     R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":9,"output_tokens":1}}})"},
    {"content_block_start", R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"},
    {"ping", R"({"type": "ping"})"},
    {"content_block_delta",
     R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße, 世界 🌍"}})"},
    {"content_block_stop", R"({"type":"content_block_stop","index":0})"},
    {"ping", R"({"type": "ping"})"},
    {"message_delta",
     R"({"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}})"},
    {"message_stop", R"({"type":"message_stop"})"}};

std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string changed;
  for (char const c : text)
    c == '\n' ? changed += line_end : changed += c;
  return changed;
}

struct stream {
  std::string name;
  std::string bytes;
  events expected;
};

std::vector<stream> corpus() {
  std::string const mark = "\xEF\xBB\xBF";
  return {
      {"an answer", std::string(answer), answer_events},
      {"CRLF", with_line_ends(answer, "\r\n"), answer_events},
      {"CR", with_line_ends(answer, "\r"), answer_events},
      {"all line ends in one",
       "event: a\r\ndata: 1\rdata: 2\n\r\ndata: 3\n\rdata: 4\r\r\n",
       {{"a", "1\n2"}, {"", "3"}, {"", "4"}}},
      {"LF CR is two line ends", "data: 1\n\rdata: 2\r\n\r\n", {{"", "1"}, {"", "2"}}},
      {"comments", ": hello\n\n:\ndata: 1\n: between\ndata: 2\n:\n\n:data: 3\n\n", {{"", "1\n2"}}},
      {"several data lines",
       "data: {\ndata:   \"a\": 1\ndata\ndata: }\n\ndata: x\n\n",
       {{"", "{\n  \"a\": 1\n\n}"}, {"", "x"}}},
      {"a name between and after data",
       "data: 1\nevent: a\ndata: 2\nevent: b\n\ndata: 3\n\n",
       {{"b", "1\n2"}, {"", "3"}}},
      {"at most one space goes", "event:a\ndata:1\n\nevent:  b\ndata:\t2 \n\n", {{"a", "1"}, {" b", "\t2 "}}},
      {"colons in the value", "event: a:b\ndata:: c\n\n", {{"a:b", ": c"}}},
      {"byte order mark", mark + "data: 1\n\n" + mark + "data: lost\n\ndata: 2\n\n", {{"", "1"}, {"", "2"}}},
      {"byte order mark and nothing", mark, {}},
      {"half a byte order mark", mark.substr(0, 2), {}},
      {"no byte order mark after all", mark.substr(0, 2) + "data: lost\n\ndata: 2\n\n", {{"", "2"}}},
      {"no final blank line", "event: a\ndata: 1\n\nevent: b\ndata: 2\n", {{"a", "1"}, {"b", "2"}}},
      {"no final line end", "event: a\ndata: 1\n\ndata: 2\nevent: b", {{"a", "1"}, {"b", "2"}}},
      {"a CR at the end", "data: 1\r", {{"", "1"}}},
      {"no data", "event: a\n\nevent: b\nid: 1\n\ndata: 1\n\nevent: c\n", {{"", "1"}}},
      {"empty data", "event: a\ndata:\n\ndata\n\ndata: \ndata:\n\n", {{"a", ""}, {"", ""}, {"", "\n"}}},
      {"the last name counts", "event: a\nevent\ndata: 1\n\nevent: b\nevent: c\ndata: 2\n\n", {{"", "1"}, {"c", "2"}}},
      {"unknown fields",
       "id: 7\nretry: 100\nfoo: bar\ndatum: x\ndata : x\n data: x\nevents: x\nDATA: x\ndata: 1\nbaz\n\n",
       {{"", "1"}}},
      {"NUL and what is not UTF-8",
       std::string("event: \0\xFF\ndata: a\0b\xC3\x28\xF0\x9F\n\n"sv),
       {{std::string("\0\xFF"sv), std::string("a\0b\xC3\x28\xF0\x9F"sv)}}},
      {"blank lines only", "\n\n\r\n\r\r\n\n", {}},
      {"nothing", "", {}}};
}

void take_events(sse_parser& parser, events& taken) {
  while (auto const event = parser.next())
    taken.emplace_back(event->name, event->data);
}

events read_in(std::initializer_list<std::string_view> reads) {
  sse_parser parser;
  events taken;
  for (auto const read : reads) {
    parser.feed(read);
    take_events(parser, taken);
  }
  parser.finish();
  take_events(parser, taken);
  BOOST_TEST(!parser.failure());
  return taken;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sse)

BOOST_AUTO_TEST_CASE(every_stream_split_anywhere_gives_the_same_events) {
  for (auto const& [name, bytes, expected] : corpus())
    BOOST_TEST_CONTEXT(name) {
      for (std::size_t at = 0; at <= bytes.size(); ++at)
        BOOST_TEST_CONTEXT("split at " << at) {
          auto const whole = std::string_view(bytes);
          BOOST_TEST((read_in({whole.substr(0, at), whole.substr(at)}) == expected));
        }

      sse_parser parser;
      events taken;
      for (char const& byte : bytes) {
        parser.feed({&byte, 1});
        take_events(parser, taken);
      }
      parser.finish();
      take_events(parser, taken);
      BOOST_TEST((taken == expected));
    }
}

BOOST_AUTO_TEST_CASE(an_event_does_not_wait_for_the_line_feed_after_a_carriage_return) {
  sse_parser parser;
  parser.feed("data: 1\r\n\r");
  BOOST_TEST(parser.next().value().data == "1");
  parser.feed("\n");
  BOOST_TEST(!parser.next());
  parser.feed("data: 2\r\r");
  BOOST_TEST(parser.next().value().data == "2");
}

BOOST_AUTO_TEST_CASE(bytes_can_be_read_into_the_parser) {
  sse_parser parser;
  auto const space = parser.prepare(100);
  BOOST_TEST(space.size() == 100);
  auto const text = "event: a\ndata: 1\n\n"sv;
  text.copy(space.data(), text.size());
  parser.commit(text.size());
  auto const event = parser.next();
  BOOST_TEST(event.value().name == "a");
  BOOST_TEST((event->name.data() == space.data() + 7));
  BOOST_TEST((event->data.data() == space.data() + 15));
}

// A search that began anew with each byte would take hours.
BOOST_AUTO_TEST_CASE(a_huge_event_byte_by_byte) {
  constexpr std::size_t size = 8 * 1024 * 1024;
  for (auto const line : {"x"sv, "\ndata: "sv, "\rdata: "sv, "\n:"sv}) {
    sse_parser parser;
    parser.feed("data: ");
    std::size_t fed = 0;
    for (; fed < size; ++fed) {
      parser.feed(line.substr(fed % line.size(), 1));
      if (parser.next())
        break;
    }
    BOOST_TEST(fed == size);
    parser.feed("\n\n");
    BOOST_TEST(parser.next().has_value());
  }
}

BOOST_AUTO_TEST_CASE(many_lines_in_one_read) {
  for (auto const line_end : {"\n", "\r", "\r\n"}) {
    std::string bytes;
    for (int i = 0; i < 1'000'000; ++i)
      bytes.append("data:").append(line_end);
    sse_parser parser;
    parser.feed(bytes + line_end);
    BOOST_TEST(parser.next().value().data == std::string(999'999, '\n'));
  }
}

BOOST_AUTO_TEST_CASE(an_event_beyond_the_limit_ends_the_stream) {
  constexpr std::size_t limit = 32;
  auto const largest = "event: a\ndata: " + std::string(limit - 16, 'x');
  for (std::size_t const step : {1, 7, 1000}) {
    auto const read = [step](std::string_view bytes, sse_parser& parser) {
      events taken;
      for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        parser.feed(bytes.substr(0, step));
        take_events(parser, taken);
      }
      return taken.size();
    };
    sse_parser fits(limit);
    BOOST_TEST(read(largest + "\n\n" + largest + "\n\n", fits) == 2);
    BOOST_TEST(!fits.failure());

    sse_parser too_large(limit);
    BOOST_TEST(read("data: 1\n\n" + largest + "x\n\ndata: 2\n\n", too_large) == 1);
    BOOST_TEST_REQUIRE(too_large.failure().has_value());
    BOOST_TEST(too_large.failure()->code() == errc::protocol);
    BOOST_TEST(too_large.failure()->message() == "an event of the stream is larger than 32 bytes");
    too_large.feed("data: 3\n\n");
    too_large.finish();
    BOOST_TEST(!too_large.next());

    sse_parser endless(limit);
    BOOST_TEST(read("data: " + std::string(1000, 'x'), endless) == 0);
    BOOST_TEST(endless.failure().has_value());

    sse_parser idle(limit);
    std::string comments;
    for (int i = 0; i < 100; ++i)
      comments += ": alive\n";
    BOOST_TEST(read(comments + "data: 1\n\n", idle) == 1);
    BOOST_TEST(!idle.failure());
  }
}

BOOST_AUTO_TEST_CASE(no_allocation_per_event) {
  std::string bytes;
  for (int i = 0; i < 100; ++i)
    bytes.append(answer).append("data: two\ndata: lines\n\n");
  sse_parser parser;
  auto const read = [&](std::string_view rest) {
    std::size_t count = 0;
    for (; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(1000, rest.size()))) {
      parser.feed(rest.substr(0, 1000));
      while (parser.next())
        ++count;
    }
    return count;
  };
  auto const before = test::allocations();
  read(bytes);
  auto const first = test::allocations();
  BOOST_TEST(first > before);
  auto const count = read(bytes);
  auto const second = test::allocations();
  BOOST_TEST(second == first);
  BOOST_TEST(count == 900);
}

BOOST_AUTO_TEST_SUITE_END()
