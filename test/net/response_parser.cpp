#include "net/response_parser.hpp"

#include "support/test.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

using namespace claudio;

namespace {

struct outcome {
  bool failed = false;
  bool complete = false;
  bool keeps = false;
  std::size_t used = 0;
  http_response response;

  bool operator==(outcome const& other) const {
    return failed == other.failed &&
           (failed || (complete == other.complete && keeps == other.keeps && used == other.used &&
                       response.status == other.response.status && response.headers == other.response.headers &&
                       response.body == other.response.body));
  }
};

std::ostream& operator<<(std::ostream& out, outcome const& it) {
  return out << (it.failed ? "failed" : "ok") << " complete " << it.complete << " keeps " << it.keeps << " used "
             << it.used << " status " << it.response.status << " body " << it.response.body;
}

// Gives a parser the bytes as they come, as a session does.
class reader {
public:
  explicit reader(std::size_t room) : room_(room) {}

  /// Until there is no progress.
  void take(std::string_view bytes) {
    pending_.append(bytes);
    while (!made_.failed && !parser_.complete()) {
      auto const head = parser_.head_complete();
      auto const body = made_.response.body.size();
      auto const used = step();
      if (!used) {
        made_.failed = true;
        return;
      }
      pending_.erase(0, *used);
      made_.used += *used;
      if (*used == 0 && head == parser_.head_complete() && body == made_.response.body.size())
        return;
    }
  }

  outcome end() {
    if (!made_.failed && !parser_.complete() && parser_.ends_with_connection() && parser_.end_input().has_error())
      made_.failed = true;
    if (made_.failed)
      return made_;
    made_.complete = parser_.complete();
    made_.keeps = parser_.head_complete() && parser_.keeps_connection();
    auto body = room_ == whole ? parser_.response().body : made_.response.body;
    made_.response = parser_.response();
    made_.response.body = std::move(body);
    return made_;
  }

  static constexpr std::size_t whole = 0;    // parse_whole()
  static constexpr std::size_t in_place = 1; // parse_body() into the memory of the bytes

private:
  result<std::size_t> step() {
    if (room_ == whole)
      return parser_.parse_whole(pending_);
    if (!parser_.head_complete())
      return parser_.parse(pending_);
    std::size_t filled = 0;
    if (room_ == in_place) {
      std::string memory = pending_;
      auto const used = parser_.parse_body(memory, memory, filled);
      made_.response.body.append(memory, 0, filled);
      // What is left over must be as it was.
      BOOST_REQUIRE((!used || memory.substr(*used) == pending_.substr(*used)));
      return used;
    }
    std::string into(room_ - 1, '\0');
    auto const used = parser_.parse_body(pending_, into, filled);
    made_.response.body.append(into, 0, filled);
    return used;
  }

  std::size_t room_;
  response_parser parser_;
  std::string pending_;
  outcome made_;
};

outcome read_at_once(std::string_view bytes, std::size_t room = reader::whole) {
  reader made(room);
  made.take(bytes);
  return made.end();
}

outcome read_in_pieces(std::string_view bytes, std::size_t size, std::size_t room = reader::whole) {
  reader made(room);
  for (std::size_t at = 0; at < bytes.size(); at += size)
    made.take(bytes.substr(at, size));
  return made.end();
}

constexpr std::size_t rooms[] = {reader::whole, reader::in_place, 2, 4, 100};

std::string const responses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Name:  a value \r\nX-Name: second\r\n\r\nhello world",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=value;other=\"q;\"\r\nhello\r\n6\r\n world\r\n"
    "0\r\nX-Trailer: yes\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n000A\r\n0123456789\r\n1\r\na\r\n1\r\nb\r\n0;last\r\n\r\nrest",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 429 \r\nRetry-After: 3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Folded: one\r\n  two\r\nContent-Length: 2, 2\r\n\r\nok",
};

std::string chunked(std::string const& chunks) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
}

// Whether given at once or in pieces.
bool refused(std::string const& bytes) {
  bool const at_once = read_at_once(bytes).failed;
  for (auto const room : rooms)
    BOOST_TEST(read_in_pieces(bytes, 1000, room).failed == at_once);
  BOOST_TEST(read_in_pieces(bytes, bytes.size() > 4096 ? 700 : 1).failed == at_once);
  return at_once;
}

} // namespace

BOOST_AUTO_TEST_SUITE(response_parser)

BOOST_AUTO_TEST_CASE(what_is_read) {
  auto const length = read_at_once(responses[0]);
  BOOST_TEST(length.response.status == 200);
  BOOST_TEST(length.response.body == "hello world");
  BOOST_TEST(length.response.header("x-name") == "a value");
  BOOST_TEST(length.complete);
  BOOST_TEST(length.keeps);
  auto const chunks = read_at_once(responses[2]);
  BOOST_TEST(chunks.response.body == "hello world");
  BOOST_TEST(chunks.complete);
  auto const refusal = read_at_once(responses[5]);
  BOOST_TEST(refusal.response.status == 429);
  BOOST_TEST(refusal.response.header("retry-after") == "3");
  BOOST_TEST(!refusal.keeps);
  auto const to_the_end = read_at_once(responses[6]);
  BOOST_TEST(to_the_end.response.body == "until the end");
  BOOST_TEST(to_the_end.complete);
  BOOST_TEST(!to_the_end.keeps);
  BOOST_TEST(read_at_once(responses[8]).complete);
  BOOST_TEST(read_at_once(responses[9]).complete);
  BOOST_TEST(read_at_once(responses[10]).response.status == 100);
  BOOST_TEST(read_at_once(responses[11]).response.header("x-folded") == "one two");
  BOOST_TEST(read_at_once(responses[11]).response.body == "ok");
}

BOOST_AUTO_TEST_CASE(every_split_gives_the_same) {
  for (auto const& bytes : responses) {
    auto const expected = read_at_once(bytes);
    BOOST_TEST(!expected.failed);
    for (auto const room : rooms) {
      BOOST_TEST(read_at_once(bytes, room) == expected);
      for (std::size_t size = 1; size < 12; ++size)
        BOOST_TEST(read_in_pieces(bytes, size, room) == expected);
      for (std::size_t at = 0; at <= bytes.size(); ++at) {
        reader made(room);
        made.take(bytes.substr(0, at));
        made.take(bytes.substr(at));
        BOOST_TEST(made.end() == expected);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_response_that_ends_early_is_not_complete) {
  for (auto const& bytes : {responses[0], responses[2]})
    for (std::size_t at = 0; at < bytes.size(); ++at)
      BOOST_TEST(!read_at_once(bytes.substr(0, at)).complete);
}

BOOST_AUTO_TEST_CASE(no_body_and_no_room) {
  claudio::response_parser parser;
  BOOST_TEST(*parser.parse("") == 0u);
  BOOST_TEST(!parser.begun());
  std::string const bytes = responses[0];
  auto const head = *parser.parse(bytes);
  std::size_t filled = 7;
  BOOST_TEST(*parser.parse_body(std::string_view(bytes).substr(head), {}, filled) == 0u);
  BOOST_TEST(filled == 0u);
}

BOOST_AUTO_TEST_CASE(the_head_s_size_is_limited) {
  auto const head_of = [](std::size_t size, std::size_t line) {
    std::string made = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    while (made.size() + 2 < size) {
      auto const here = std::min(line, size - 2 - made.size());
      // A line has at least "X:\r\n".
      auto const rest = size - 2 - made.size() - here;
      auto const length = rest > 0 && rest < 4 ? here - 4 : here;
      made += "X:" + std::string(length - 4, 'a') + "\r\n";
    }
    return made + "\r\n";
  };
  auto const limit = claudio::response_parser::header_limit;
  for (std::size_t const line : {500, 5000, 60'000}) {
    BOOST_TEST(head_of(limit, line).size() == limit);
    BOOST_TEST(!refused(head_of(limit, line)));
    BOOST_TEST(refused(head_of(limit + 1, line)));
    BOOST_TEST(refused(head_of(limit + 4, line)));
    BOOST_TEST(refused(head_of(2 * limit, line)));
  }
  BOOST_TEST(refused("HTTP/1.1 200 " + std::string(70'000, 'a')));
}

BOOST_AUTO_TEST_CASE(the_number_of_fields_is_limited) {
  auto const with_fields = [](std::size_t count, std::string const& name) {
    std::string made;
    for (std::size_t i = 0; i < count; ++i)
      made += name + ": 1\r\n";
    return made;
  };
  auto const limit = claudio::response_parser::field_limit;
  std::string const begin = "HTTP/1.1 204 No Content\r\n";
  BOOST_TEST(!refused(begin + with_fields(limit, "A") + "\r\n"));
  BOOST_TEST(refused(begin + with_fields(limit + 1, "A") + "\r\n"));
  // Trailers count, too.
  BOOST_TEST(!refused(chunked("0\r\n" + with_fields(limit - 1, "A") + "\r\n")));
  BOOST_TEST(refused(chunked("0\r\n" + with_fields(limit, "A") + "\r\n")));
}

// They end with a line's or a head's end, until which all has to be kept.
BOOST_AUTO_TEST_CASE(chunk_headers_and_trailers_are_limited) {
  BOOST_TEST(!refused(chunked("1;" + std::string(1000, 'a') + "\r\nb\r\n0\r\n\r\n")));
  BOOST_TEST(refused(chunked("1;" + std::string(200'000, 'a'))));
  BOOST_TEST(refused(chunked("0\r\nX: " + std::string(200'000, 'a'))));
  BOOST_TEST(refused(chunked("1\r\na\r\n0;" + std::string(200'000, 'a'))));
}

// By its announced length already.
BOOST_AUTO_TEST_CASE(an_answer_held_whole_is_limited) {
  auto const parsed = [](std::string_view bytes) {
    claudio::response_parser parser(10);
    return parser.parse_whole(bytes);
  };
  for (std::string const framing :
       {"Content-Length: 11\r\n\r\n", "Content-Length: 99999999999\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nB\r\n12", "Transfer-Encoding: chunked\r\n\r\n7\r\n1234567\r\n4\r\n",
        "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\n1", "\r\n12345678901"})
    BOOST_TEST_CONTEXT(framing) {
      auto const refused = parsed("HTTP/1.1 200 OK\r\n" + framing);
      BOOST_REQUIRE(refused.has_error());
      BOOST_TEST(refused.error().code() == claudio::errc::protocol);
      BOOST_TEST(refused.error().param() == "max_answer_bytes");
      BOOST_TEST(
          refused.error().message() ==
          "the answer is larger than 10 bytes (max_answer_bytes); ask for less (max_tokens), or raise the limit");
      BOOST_TEST((refused.error().should_retry() == false));
    }
  BOOST_TEST(parsed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567890").has_value());
  BOOST_TEST(parsed("HTTP/1.1 200 OK\r\n\r\n1234567890").has_value());
  BOOST_TEST(parsed(chunked("4\r\n1234\r\n6\r\n567890\r\n0\r\n\r\n")).has_value());
  BOOST_TEST(parsed("HTTP/1.1 500 Oops\r\nContent-Length: 11\r\n\r\n12345678901").has_value());
}

// Of an error no more than what it can say is taken, whatever it announces.
BOOST_AUTO_TEST_CASE(an_error_s_body_is_cut_off) {
  auto const enough = claudio::response_parser::error_body_limit;
  std::string const body(enough + 1, 'a');
  for (std::string const head :
       {"Content-Length: 9999999999\r\n\r\n", "\r\n", "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n"})
    BOOST_TEST_CONTEXT(head) {
      claudio::response_parser parser;
      std::string const begin = "HTTP/1.1 500 Oops\r\n" + head;
      auto const used = parser.parse_whole(begin + body);
      BOOST_REQUIRE(used.has_value());
      BOOST_TEST(*used == begin.size() + enough);
      BOOST_TEST(parser.response().body.size() == enough);
      BOOST_TEST(parser.has_taken_enough());
      BOOST_TEST(!parser.complete());
    }
}

BOOST_AUTO_TEST_CASE(a_stream_s_body_is_limited) {
  auto const limit = claudio::response_parser::body_limit;
  auto const is_refused = [](std::string const& bytes) {
    claudio::response_parser parser;
    auto const head = parser.parse(bytes);
    char into[16];
    std::size_t filled = 0;
    return !head || parser.parse_body(std::string_view(bytes).substr(*head), into, filled).has_error();
  };
  BOOST_TEST(is_refused("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(limit + 1) + "\r\n\r\n"));
  BOOST_TEST(!is_refused("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(limit) + "\r\n\r\n"));
  BOOST_TEST(is_refused(chunked("10000001\r\n")));
  BOOST_TEST(!is_refused(chunked("10000000\r\n")));
  BOOST_TEST(is_refused(chunked("1\r\na\r\n10000000\r\n")));

  claudio::response_parser parser;
  BOOST_REQUIRE(parser.parse("HTTP/1.1 200 OK\r\n\r\n").has_value());
  std::string const piece(1024 * 1024, 'a');
  std::string into(piece.size(), '\0');
  std::size_t filled = 0;
  for (std::size_t read = 0; read < limit; read += filled)
    BOOST_REQUIRE(*parser.parse_body(piece, into, filled) == piece.size());
  BOOST_TEST(parser.parse_body("a", into, filled).has_error());
}

// What has no room is no body yet.
BOOST_AUTO_TEST_CASE(little_room_does_not_use_up_the_body_s_limit) {
  claudio::response_parser parser;
  BOOST_REQUIRE(parser.parse("HTTP/1.1 200 OK\r\n\r\n").has_value());
  std::string const piece(16 * 1024 * 1024, 'a');
  char byte = 0;
  std::size_t filled = 0;
  for (int i = 0; i < 100; ++i) {
    auto const used = parser.parse_body(piece, std::span(&byte, 1), filled);
    BOOST_REQUIRE(used.has_value());
    BOOST_TEST(*used == 1u);
    BOOST_TEST(filled == 1u);
  }
}

BOOST_AUTO_TEST_CASE(ambiguous_lengths_are_refused) {
  std::string const begin = "HTTP/1.1 200 OK\r\n";
  std::string const heads[] = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5, 6\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length: \r\n",
      "Content-Length: 99999999999999999999\r\n",
      "Content-Length : 5\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: chunked, identity\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding:\r\n",
      "Transfer-Encoding: \"chunked\"\r\n",
      "Transfer-Encoding\t: chunked\r\n",
      "A: b\nContent-Length: 5\r\n",
      "A: b\rContent-Length: 5\r\n",
      "A\r\n",
      ": b\r\n",
  };
  for (auto const& head : heads)
    BOOST_TEST(refused(begin + head + "\r\n0\r\n\r\n"), head);
  BOOST_TEST(refused(begin + std::string("A: b\0c\r\n\r\n", 10)));
  BOOST_TEST(refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(bad_chunks_are_refused) {
  for (std::string const bad : {"x\r\n", "-1\r\n", "+1\r\na\r\n", "0x1\r\na\r\n\r\n\r\n", "1\na\r\n", "1\r\nab\r\n\r\n",
                                "11111111111111111\r\n", "1\r\na\n0\r\n\r\n", "\r\n", "1;\x01\r\na\r\n",
                                "0\r\nContent-Length: 5\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n"})
    BOOST_TEST(refused(chunked(bad + "\r\n\r\n")), bad);
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_refused) {
  for (std::string const bad :
       {"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n", "\x15\x03\x03 and more"})
    BOOST_TEST(refused(bad + "\r\n\r\n"), bad);
}

BOOST_AUTO_TEST_SUITE_END()
