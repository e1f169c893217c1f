#include "terminal_input.hpp"

#include "core/utf8.hpp"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace claudio::tool {
namespace {

constexpr std::string_view paste_begin = "\x1b[200~";
constexpr std::string_view paste_end = "\x1b[201~";
// How long the rest of a key's sequence may take that has begun.
constexpr int rest_ms = 50;

} // namespace

terminal_input::event terminal_input::wait(int other) {
  bool const is_pasting = bytes_.starts_with(paste_begin);
  while (true) {
    struct pollfd both[] = {{descriptor_, POLLIN, 0}, {other, POLLIN, 0}};
    int const ready = ::poll(both, 2, bytes_.empty() || is_pasting ? -1 : rest_ms);
    if (ready == 0) {
      is_settled_ = true;
      return event::input;
    }
    if (ready < 0 && errno != EINTR)
      return event::end;
    if (ready > 0 && both[1].revents != 0)
      return event::interrupted;
    if (ready < 0 || both[0].revents == 0)
      continue;
    char piece[4096];
    auto const got = ::read(descriptor_, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (got <= 0)
      return event::end;
    bytes_.append(piece, static_cast<std::size_t>(got));
    is_settled_ = false;
    return event::input;
  }
}

// Whether what has come may be the begin of a paste, or a part of a character.
bool terminal_input::is_unfinished() const {
  if (bytes_.starts_with(paste_begin))
    return true;
  if (is_settled_)
    return false;
  if (paste_begin.starts_with(bytes_))
    return true;
  auto const sequence = first_utf8_sequence(bytes_);
  return !sequence.valid && sequence.size == bytes_.size() && bytes_.size() < 4 &&
         static_cast<unsigned char>(bytes_.front()) >= 0xc2;
}

std::optional<char32_t> terminal_input::take_character() {
  if (bytes_.empty() || is_unfinished())
    return std::nullopt;
  std::string_view rest = bytes_;
  char32_t const character = take_utf8(rest);
  bytes_.erase(0, bytes_.size() - rest.size());
  return character;
}

std::optional<std::u32string> terminal_input::take_paste() {
  if (!bytes_.starts_with(paste_begin))
    return std::nullopt;
  auto const end = bytes_.find(paste_end, paste_begin.size());
  if (end == std::string::npos)
    return std::nullopt;
  auto rest = std::string_view(bytes_).substr(paste_begin.size(), end - paste_begin.size());
  std::u32string text;
  bool after_return = false;
  while (!rest.empty()) {
    char32_t const character = take_utf8(rest);
    bool const is_break = character == '\r' || (character == '\n' && !after_return);
    after_return = character == '\r';
    if (is_break)
      text += U'\n';
    else if (character == '\t' || (character >= 0x20 && !(character >= 0x7f && character < 0xa0)))
      text += character;
  }
  bytes_.erase(0, end + paste_end.size());
  while (text.ends_with(U'\n'))
    text.pop_back();
  return text;
}

char32_t take_utf8(std::string_view& text) {
  auto const sequence = first_utf8_sequence(text);
  auto const first = static_cast<unsigned char>(text.front());
  char32_t code = sequence.valid ? first : U'\ufffd';
  if (sequence.valid && sequence.size > 1) {
    code = first & (0x7fu >> sequence.size);
    for (char const c : text.substr(1, sequence.size - 1))
      code = (code << 6) | (static_cast<unsigned char>(c) & 0x3fu);
  }
  text.remove_prefix(sequence.size);
  return code;
}

void append_utf8(char32_t character, std::string& out) {
  if (character < 0x80) {
    out += static_cast<char>(character);
    return;
  }
  int const more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  constexpr unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(marks[more] | (character >> (6 * more)));
  for (int i = more - 1; i >= 0; --i)
    out += static_cast<char>(0x80 | ((character >> (6 * i)) & 0x3f));
}

} // namespace claudio::tool
