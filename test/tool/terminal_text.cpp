#include "../../tools/claudio/chat/terminal_input.hpp"
#include "../../tools/claudio/visible_text.hpp"
#include "support/test.hpp"

#include <string>
#include <unistd.h>

using namespace claudio;
using claudio::tool::terminal_input;

namespace {

std::string utf8(std::u32string const& text) {
  std::string out;
  for (char32_t const character : text)
    tool::append_utf8(character, out);
  return out;
}

// A terminal that has sent something, and sends nothing more.
class sent {
public:
  sent() : input((open_pipes(), terminal_[0])) {}
  ~sent() {
    for (int const end : {terminal_[0], terminal_[1], other_[0], other_[1]})
      ::close(end);
  }
  void send(std::string_view bytes) {
    BOOST_REQUIRE(::write(terminal_[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    BOOST_TEST((input.wait(other_[0]) == terminal_input::event::input));
  }
  // Until nothing more comes for as long as a key's sequence may take.
  void settle() { BOOST_TEST((input.wait(other_[0]) == terminal_input::event::input)); }
  std::string characters() {
    std::string out;
    while (auto const next = input.take_character())
      tool::append_utf8(*next, out);
    return out;
  }

private:
  void open_pipes() {
    BOOST_REQUIRE(::pipe(terminal_) == 0);
    BOOST_REQUIRE(::pipe(other_) == 0);
  }

  int terminal_[2];
  int other_[2];

public:
  terminal_input input;
};

} // namespace

BOOST_AUTO_TEST_SUITE(terminal_text)

BOOST_AUTO_TEST_CASE(what_a_terminal_would_obey_is_shown) {
  struct {
    std::string_view text, shown;
  } const rows[] = {{"plain ünd 漢 👍🏽\tx\n", "plain ünd 漢 👍🏽\tx\n"},
                    {"\x1b[31mred\x1b]0;title\a", "^[[31mred^[]0;title^G"},
                    {"a\bb\x7f\x05", "a^Hb^?^E"},
                    {"a\r\nb\rc\r", "a\nb^Mc^M"},
                    {"\xC2\x9B"
                     "31m\xC2\x85",
                     "<U+009B>31m<U+0085>"},
                    {"\u202Eabc\u2066\u2069\u200F\u061C\u2028", "<U+202E>abc<U+2066><U+2069><U+200F><U+061C><U+2028>"},
                    {"\xff"
                     "a\xC3",
                     "\uFFFD"
                     "a\uFFFD"},
                    {"\xE2\x80", "\uFFFD"}};
  for (auto const& row : rows) {
    BOOST_TEST(tool::visible(row.text) == row.shown);
    // Wherever it is cut.
    for (std::size_t at = 0; at <= row.text.size(); ++at) {
      tool::visible_text filter;
      auto shown = filter.add(row.text.substr(0, at));
      shown += filter.add(row.text.substr(at));
      shown += filter.finish();
      BOOST_TEST(shown == row.shown, "cut at " << at << ": " << shown);
    }
    tool::visible_text filter;
    std::string shown;
    for (char const byte : row.text)
      shown += filter.add({&byte, 1});
    shown += filter.finish();
    BOOST_TEST(shown == row.shown);
  }
}

BOOST_AUTO_TEST_CASE(keys_and_pastes_of_a_terminal) {
  sent terminal;
  terminal.send("aü漢\x1b[A");
  BOOST_TEST(terminal.characters() == "aü漢\x1b[A");
  // A character that comes in pieces.
  terminal.send("\xE6\xBC");
  BOOST_TEST(terminal.characters().empty());
  terminal.send("\xA2z");
  BOOST_TEST(terminal.characters() == "漢z");
  // An escape by itself, and what only looks like a paste.
  terminal.send("\x1b");
  BOOST_TEST(terminal.characters().empty());
  terminal.settle();
  BOOST_TEST(terminal.characters() == "\x1b");
  terminal.send("\x1b[20");
  BOOST_TEST(terminal.characters().empty());
  terminal.send("1~");
  BOOST_TEST(terminal.characters() == "\x1b[201~");
  // A paste in pieces; controls in it are no keys.
  terminal.send("x\x1b[200~line 1\rline 2\r\n\x1b[31m\tü");
  BOOST_TEST(terminal.characters() == "x");
  BOOST_TEST(!terminal.input.take_paste());
  terminal.send("\r\x1b[201~y");
  auto const pasted = terminal.input.take_paste();
  BOOST_REQUIRE(pasted);
  BOOST_TEST(utf8(*pasted) == "line 1\nline 2\n[31m\tü");
  BOOST_TEST(terminal.characters() == "y");
}

BOOST_AUTO_TEST_SUITE_END()
