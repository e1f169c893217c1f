// However a response's bytes are split, and however little room its body has, it is read in the same way, and where
// Beast's own parser takes it, ours does, but for what it refuses on purpose.
// The input: room, number n of sizes, n sizes (used in turn), the response.
#include "fuzz_input.hpp"
#include "net/response_parser.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <vector>

namespace {

namespace http = boost::beast::http;
using claudio::response_parser;
using claudio::fuzz::fuzz_input;
using claudio::fuzz::require;

struct outcome {
  bool failed = false;
  bool complete = false;
  std::size_t used = 0;
  std::string body;
};

// As a session does it. `room` 0: the whole body into the response; `in_place`: into the memory of the bytes.
class reader {
public:
  static constexpr std::size_t in_place = 256;

  explicit reader(std::size_t room) : room_(room) {}

  void take(std::string_view bytes) {
    pending_.append(bytes);
    while (!made_.failed && !parser_.complete()) {
      bool const head = parser_.head_complete();
      std::size_t filled = 0;
      auto const used = step(filled);
      made_.failed = !used;
      if (!used)
        return;
      require(*used <= pending_.size() && filled <= *used);
      pending_.erase(0, *used);
      made_.used += *used;
      if (*used == 0 && head == parser_.head_complete())
        return;
    }
  }

  void end() {
    if (!made_.failed && !parser_.complete() && parser_.ends_with_connection())
      made_.failed = parser_.end_input().has_error();
    made_.complete = parser_.complete();
    if (room_ == 0)
      made_.body = parser_.response().body;
  }

  outcome const& made() const { return made_; }
  response_parser& parser() { return parser_; }

private:
  claudio::result<std::size_t> step(std::size_t& filled) {
    if (room_ == 0)
      return parser_.parse_whole(pending_);
    if (!parser_.head_complete())
      return parser_.parse(pending_);
    std::string memory = room_ == in_place ? pending_ : std::string(room_, '\0');
    auto const used =
        room_ == in_place ? parser_.parse_body(memory, memory, filled) : parser_.parse_body(pending_, memory, filled);
    if (used && room_ == in_place)
      require(memory.compare(*used, std::string::npos, pending_, *used) == 0);
    made_.body.append(memory, 0, filled);
    return used;
  }

  std::size_t room_;
  response_parser parser_;
  std::string pending_;
  outcome made_;
};

// How much of an unfinished response is used up is nobody's concern.
bool same(reader& one, reader& other) {
  if (one.made().failed || other.made().failed || one.made().complete != other.made().complete)
    return one.made().failed && other.made().failed;
  if (one.parser().head_complete() != other.parser().head_complete())
    return false;
  if (!one.parser().head_complete())
    return true;
  return one.made().body == other.made().body && one.parser().response().status == other.parser().response().status &&
         one.parser().response().headers == other.parser().response().headers &&
         (!one.made().complete || (one.made().used == other.made().used &&
                                   one.parser().keeps_connection() == other.parser().keeps_connection()));
}

// What we refuse and Beast takes.
template <class Fields>
bool refused_on_purpose(Fields const& message) {
  auto const codings = message.equal_range(http::field::transfer_encoding);
  for (auto coding = codings.first; coding != codings.second; ++coding)
    if (message.version() < 11 || !boost::beast::iequals(coding->value(), "chunked"))
      return true;
  return std::distance(message.begin(), message.end()) > static_cast<long>(response_parser::field_limit);
}

void compare_with_beast(std::string_view response, reader& ours) {
  http::response_parser<http::string_body> theirs;
  theirs.header_limit(response_parser::header_limit);
  theirs.body_limit(response_parser::body_limit);
  boost::beast::error_code failure;
  std::size_t used = 0;
  http::fields header; // without the trailers, which Beast adds
  while (!failure && !theirs.is_done() && used < response.size()) {
    bool const in_body = theirs.is_header_done();
    theirs.eager(in_body);
    used += theirs.put(boost::asio::buffer(response.data() + used, response.size() - used), failure);
    if (!in_body && theirs.is_header_done())
      header = theirs.get();
  }
  if (failure == http::error::need_more)
    failure = {};
  if (!failure && !theirs.is_done() && theirs.is_header_done() && theirs.need_eof())
    theirs.put_eof(failure);
  auto const& message = theirs.get();
  if (refused_on_purpose(message))
    return;
  if (failure) {
    // The first bytes of a chunked body are judged when there are enough of them.
    require(ours.made().failed || (!ours.made().complete && ours.made().body.empty()));
    return;
  }
  require(!ours.made().failed);
  require(ours.made().complete == theirs.is_done());
  require(!theirs.is_done() || ours.made().used == used);
  if (!theirs.is_header_done())
    return;
  // Of an unfinished body ours may hold back what is too short to be parsed.
  require(theirs.is_done() ? ours.made().body == message.body() : message.body().starts_with(ours.made().body));
  auto& response_read = ours.parser().response();
  require(response_read.status == static_cast<int>(message.result_int()));
  for (auto const& field : header) {
    std::string name(field.name_string());
    for (char& c : name)
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    require(response_read.header(name) == std::string_view(header[field.name_string()]));
  }
  if (theirs.is_done())
    require(ours.parser().keeps_connection() == theirs.keep_alive());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  fuzz_input input(bytes, size);
  auto const room = 1 + input.number();
  std::vector<std::size_t> sizes;
  for (auto n = input.number() % 8; n > 0; --n)
    sizes.push_back(1 + input.number());
  sizes.resize(std::max<std::size_t>(1, sizes.size()), 1);
  auto const response = input.rest();

  reader whole(0);
  whole.take(response);
  whole.end();
  compare_with_beast(response, whole);

  for (auto const way : {std::size_t(0), room, reader::in_place}) {
    reader at_once(way);
    at_once.take(response);
    at_once.end();
    require(same(at_once, whole));
    reader in_pieces(way);
    fuzz_input rest = input;
    for (std::size_t i = 0; !rest.empty(); ++i)
      in_pieces.take(rest.take(sizes[i % sizes.size()]));
    in_pieces.end();
    // A head or trailer in pieces is judged when all of it is there, so that it may still be waited for.
    if (whole.made().failed)
      require(in_pieces.made().failed || !in_pieces.made().complete);
    else
      require(same(in_pieces, whole));
  }
  return 0;
}
