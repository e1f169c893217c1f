// However its bytes are split, a stream gives the same events, and those that a plain reading of the standard gives.
// The input: limit, number n of read sizes, n read sizes (used in turn), the stream.
#include <claudio/sse.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace {

using events = std::vector<std::pair<std::string, std::string>>;

struct outcome {
  events taken;
  bool failed = false;

  bool operator==(outcome const&) const = default;
};

class byte_source {
public:
  explicit byte_source(std::string_view bytes) : rest_(bytes) {}

  std::size_t number() {
    auto const byte = take(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte.front());
  }

  std::string_view take(std::size_t n) {
    auto const taken = rest_.substr(0, n);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

outcome read_in(std::vector<std::size_t> const& sizes, std::size_t limit, std::string_view stream) {
  claudio::sse_parser parser(limit);
  outcome made;
  auto const take_events = [&] {
    while (auto const event = parser.next())
      made.taken.emplace_back(event->name, event->data);
  };
  byte_source source(stream);
  for (std::size_t i = 0; !source.rest().empty(); ++i) {
    parser.feed(source.take(sizes[i % sizes.size()]));
    take_events();
  }
  parser.finish();
  take_events();
  made.failed = parser.failure().has_value();
  return made;
}

// Line by line, as WHATWG HTML 9.2.6 says it, except that the end of the stream ends an event.
events read_by_the_standard(std::string_view stream) {
  if (stream.starts_with("\xEF\xBB\xBF"))
    stream.remove_prefix(3);
  events made;
  std::string name;
  std::string data;
  auto const end_event = [&] {
    if (!data.empty()) {
      data.pop_back();
      made.emplace_back(name, data);
    }
    name.clear();
    data.clear();
  };
  while (!stream.empty()) {
    auto const line = stream.substr(0, stream.find_first_of("\r\n"));
    stream.remove_prefix(line.size());
    stream.remove_prefix(stream.starts_with("\r\n") ? 2 : std::min<std::size_t>(1, stream.size()));
    auto const colon = std::min(line.find(':'), line.size());
    auto const field = line.substr(0, colon);
    auto value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' '))
      value.remove_prefix(1);
    if (line.empty())
      end_event();
    else if (field == "event")
      name = value;
    else if (field == "data")
      data.append(value).append("\n");
  }
  end_event();
  return made;
}

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  byte_source input({reinterpret_cast<char const*>(bytes), size});
  auto const limit = input.number();
  std::vector<std::size_t> sizes;
  for (auto n = input.number() % 8; n > 0; --n)
    sizes.push_back(1 + input.number());
  sizes.resize(std::max<std::size_t>(1, sizes.size()), 1);
  auto const stream = input.rest();

  auto const unlimited = claudio::sse_parser::default_limit;
  auto const whole = read_in({size}, unlimited, stream);
  require(!whole.failed);
  require(whole.taken == read_by_the_standard(stream));
  require(read_in(sizes, unlimited, stream) == whole);
  require(read_in(sizes, limit, stream) == read_in({size}, limit, stream));
  return 0;
}
