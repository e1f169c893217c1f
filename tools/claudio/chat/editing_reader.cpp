#include "line_reader.hpp"
#include "terminal_input.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <histedit.h>
#include <langinfo.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <utility>
#include <wchar.h>

namespace claudio::tool {
namespace {

constexpr int most_entries = 1000;
// Characters that no keyboard sends, bound to functions: one inserts what was pasted, one goes to the line's end.
constexpr wchar_t paste_key = 0x9f;
constexpr wchar_t leave_key = 0x9e;

std::wstring widened(std::string_view text) {
  std::wstring wide;
  while (!text.empty())
    wide += static_cast<wchar_t>(take_utf8(text));
  return wide;
}

// Between the lines too the terminal neither echoes nor collects lines: of what is typed ahead it would keep 4,095
// characters, and mix the rest with an answer.
class quiet_terminal {
public:
  quiet_terminal() : is_set_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    now_ = before_;
    now_.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now_.c_cc[VMIN] = 1;
    now_.c_cc[VTIME] = 0;
    enter();
  }
  quiet_terminal(quiet_terminal const&) = delete;
  quiet_terminal& operator=(quiet_terminal const&) = delete;
  ~quiet_terminal() { leave(); }

  void enter() { set(now_); }
  void leave() { set(before_); }

private:
  void set(termios const& mode) {
    if (is_set_)
      ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
  }

  termios before_{};
  termios now_{};
  bool is_set_;
};

class editing_reader : public line_reader {
public:
  editing_reader(signal_pipe& signals, std::FILE* out) : signals_(signals), out_(out), input_(STDIN_FILENO) {
    el_ = ::el_init("claudio", stdin, out_, out_);
    history_ = ::history_winit();
    HistEventW event;
    ::history_w(history_, &event, H_SETSIZE, most_entries);
    ::history_w(history_, &event, H_SETUNIQUE, 1);
    ::el_wset(el_, EL_CLIENTDATA, this);
    ::el_wset(el_, EL_SIGNAL, 0);
    ::el_wset(el_, EL_EDITOR, L"emacs");
    ::el_wset(el_, EL_HIST, &::history_w, history_);
    ::el_wset(el_, EL_GETCFN, &editing_reader::next_character);
    ::el_wset(el_, EL_PROMPT, &editing_reader::prompt_of);
    ::el_wset(el_, EL_ADDFN, L"claudio-paste", L"Inserts what was pasted", &editing_reader::insert_paste);
    ::el_wset(el_, EL_ADDFN, L"claudio-leave", L"Goes to the end of what is given up", &editing_reader::leave_line);
    bind_keys();
    ::el_source(el_, nullptr); // ~/.editrc
    std::fputs("\x1b[?2004h", out_);
    std::fflush(out_);
  }
  editing_reader(editing_reader const&) = delete;
  editing_reader& operator=(editing_reader const&) = delete;
  ~editing_reader() override {
    std::fputs("\x1b[?2004l", out_);
    ::history_wend(history_);
    ::el_end(el_);
    std::fclose(out_);
  }

  line read(std::string const& prompt) override {
    prompt_ = widened(prompt);
    ended_by_ = 0;
    int size = 0;
    wchar_t const* const got = ::el_wgets(el_, &size);
    quiet_.enter(); // it leaves the terminal as it takes programs to want it
    if (ended_by_ != 0) {
      line ended(ended_by_ == SIGINT ? line_end::interrupted : line_end::terminated, narrowed(given_up_));
      ended.signal_number = ended_by_;
      return ended;
    }
    if (!got || size <= 0)
      return line(line_end::end_of_input);
    line entered(line_end::entered, narrowed({got, static_cast<std::size_t>(size)}));
    if (entered.text.ends_with('\n'))
      entered.text.pop_back();
    return entered;
  }

  void remember(std::string const& entry) override {
    HistEventW event;
    ::history_w(history_, &event, H_ENTER, widened(entry).c_str());
  }

  void suspend() override {
    std::fputs("\x1b[?2004l", out_);
    std::fflush(out_);
    if (is_reading_)
      ::el_wset(el_, EL_PREP_TERM, 0);
    quiet_.leave();
    ::raise(SIGSTOP);
    // When the program goes on it gets SIGCONT, for which a line that is edited is drawn again.
    quiet_.enter();
    std::fputs("\x1b[?2004h", out_);
    std::fflush(out_);
  }

private:
  static editing_reader& of(EditLine* el) {
    void* self = nullptr;
    ::el_wget(el, EL_CLIENTDATA, &self);
    return *static_cast<editing_reader*>(self);
  }

  static wchar_t* prompt_of(EditLine* el) { return of(el).prompt_.data(); }

  static unsigned char insert_paste(EditLine* el, wint_t) {
    auto& pasted = of(el).pasted_;
    bool const is_inserted = ::el_winsertstr(el, pasted.c_str()) == 0;
    pasted.clear();
    return is_inserted ? CC_REFRESH : CC_ERROR;
  }

  // What was typed stays on the screen, and the cursor goes behind it.
  static unsigned char leave_line(EditLine* el, wint_t) {
    if (auto const* const now = ::el_wline(el)) {
      of(el).given_up_.assign(now->buffer, now->lastchar);
      ::el_cursor(el, static_cast<int>(now->lastchar - now->cursor));
    }
    return CC_REFRESH;
  }

  static int next_character(EditLine* el, wchar_t* character) {
    auto& self = of(el);
    self.is_reading_ = true;
    int const got = self.read_character(*character);
    self.is_reading_ = false;
    return got;
  }

  static std::string narrowed(std::wstring_view text) {
    std::string out;
    for (wchar_t const character : text)
      append_utf8(static_cast<char32_t>(character), out);
    return out;
  }

  void bind_keys() {
    wchar_t const paste[] = {paste_key, 0};
    wchar_t const leave[] = {leave_key, 0};
    using binding = std::pair<wchar_t const*, wchar_t const*>;
    constexpr std::array<binding, 8> keys{{{L"^I", L"ed-insert"},
                                           {L"^R", L"em-inc-search-prev"},
                                           {L"^W", L"ed-delete-prev-word"},
                                           {L"\\e[1;5C", L"em-next-word"},
                                           {L"\\e[1;5D", L"ed-prev-word"},
                                           {L"\\e[3~", L"ed-delete-next-char"},
                                           {L"\\e[H", L"ed-move-to-beg"},
                                           {L"\\e[F", L"ed-move-to-end"}}};
    ::el_wset(el_, EL_BIND, paste, L"claudio-paste", nullptr);
    ::el_wset(el_, EL_BIND, leave, L"claudio-leave", nullptr);
    for (auto const& [key, command] : keys)
      ::el_wset(el_, EL_BIND, key, command, nullptr);
  }

  int read_character(wchar_t& character) {
    while (ended_by_ == 0) {
      if (auto pasted = input_.take_paste()) {
        for (char32_t const c : *pasted)
          pasted_ += static_cast<wchar_t>(c);
        character = paste_key;
        return 1;
      }
      if (auto const next = input_.take_character()) {
        character = static_cast<wchar_t>(*next);
        return 1;
      }
      if (auto const waited = input_.wait(signals_.descriptor()); waited == terminal_input::event::end)
        return 0;
      while (int const number = signals_.take())
        handle(number);
      if (ended_by_ != 0) {
        character = leave_key;
        return 1;
      }
    }
    return -1;
  }

  void handle(int number) {
    if (number == SIGWINCH)
      redraw();
    else if (number == SIGTSTP)
      suspend();
    else if (number == SIGCONT)
      resume();
    else
      ended_by_ = number;
  }

  void resume() {
    quiet_.enter();
    std::fputs("\x1b[?2004h", out_);
    // It believes that the terminal is as it left it.
    ::el_wset(el_, EL_PREP_TERM, 0);
    ::el_wset(el_, EL_PREP_TERM, 1);
    ::el_wset(el_, EL_REFRESH);
  }

  // A terminal that changes its width has wrapped the line anew.
  void redraw() {
    auto const rows = rows_above();
    ::el_resize(el_);
    std::fputs("\r", out_);
    if (rows > 0)
      std::fprintf(out_, "\x1b[%dA", rows);
    std::fputs("\x1b[J", out_);
    ::el_wset(el_, EL_REFRESH);
  }

  int rows_above() const {
    struct winsize size {};
    if (::ioctl(::fileno(out_), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
      return 0;
    int rows = 0;
    int column = 0;
    auto const advance = [&](std::wstring_view text) {
      for (wchar_t const c : text) {
        column += std::max(::wcwidth(c), 0);
        if (c == L'\n') {
          rows += column / size.ws_col + 1;
          column = 0;
        }
      }
    };
    advance(prompt_);
    if (auto const* const now = ::el_wline(el_))
      advance({now->buffer, static_cast<std::size_t>(now->cursor - now->buffer)});
    return rows + column / size.ws_col;
  }

  quiet_terminal quiet_;
  signal_pipe& signals_;
  std::FILE* out_;
  terminal_input input_;
  EditLine* el_ = nullptr;
  HistoryW* history_ = nullptr;
  std::wstring prompt_;
  std::wstring pasted_;
  std::wstring given_up_;
  int ended_by_ = 0;
  bool is_reading_ = false;
};

// libedit shows characters by the locale; one without UTF-8 would show them as escapes.
void use_utf8() {
  if (std::setlocale(LC_CTYPE, "") && std::string_view(::nl_langinfo(CODESET)) == "UTF-8")
    return;
  std::setlocale(LC_CTYPE, "C.UTF-8");
}

bool can_edit() {
  char const* const kind = std::getenv("TERM");
  return kind && *kind != '\0' && std::string_view(kind) != "dumb";
}

} // namespace

std::unique_ptr<line_reader> make_editing_reader(signal_pipe& signals) {
  int const terminal = ::isatty(STDERR_FILENO) == 1 ? STDERR_FILENO : ::isatty(STDOUT_FILENO) == 1 ? STDOUT_FILENO : -1;
  if (terminal < 0 || !can_edit())
    return nullptr;
  use_utf8();
  // Standard error itself is not buffered: each character would be a write.
  std::FILE* const out = ::fdopen(::dup(terminal), "w");
  return out ? std::make_unique<editing_reader>(signals, out) : nullptr;
}

} // namespace claudio::tool
