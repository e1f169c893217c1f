#include "session.hpp"

#include "../commands.hpp"
#include "../terminal.hpp"
#include "display.hpp"
#include "kept_conversation.hpp"
#include "outcome.hpp"

#include <csignal>
#include <iostream>

namespace claudio::tool {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// Some of them: with a key alone all models of the catalogue are configured.
std::string listed(std::vector<std::string> const& names) {
  constexpr std::size_t most = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
    list.append(i == 0 ? "" : ", ").append(names[i]);
  return names.size() > most ? list + " and " + std::to_string(names.size() - most) + " more" : list;
}

} // namespace

chat_session::chat_session(boost::asio::io_context& context, model_manager manager, session_settings settings,
                           conversation begin)
    : context_(context), manager_(std::move(manager)), settings_(std::move(settings)), talk_(std::move(begin)) {}

result<void> chat_session::choose(std::string const& name) {
  auto found = manager_.get_model_instance(name);
  if (!found && found.error().code() == errc::model_not_found)
    return found.error().with_note("configured: " + listed(manager_.model_names()) + "; " + settings_.how_to_add);
  if (!found)
    return found.error();
  claude_ = std::move(*found);
  talk_.model = name;
  return {};
}

int chat_session::ask(std::string_view prompt) {
  signal_pipe signals({SIGINT, SIGTERM, SIGHUP});
  int const status = take_turn(prompt, signals, [] {});
  if (status == success && keep_failed_)
    return work_failed;
  return status;
}

int chat_session::take_turn(std::string_view text, signal_pipe& signals, std::function<void()> const& suspend) {
  auto question = talk_.question(text);
  auto shown = answer(context_, claude_, talk_.request(question), settings_.style, signals, suspend);
  if (!shown) {
    if (shown.error().code() == errc::cancelled) {
      std::cerr << "\nclaudio: cancelled" << std::endl;
      return by_signal + SIGINT;
    }
    int const status = report(shown.error());
    return shown.error().code() == errc::shut_down ? by_signal + SIGTERM : status;
  }
  bool const is_complete = finish_turn(std::move(question), *shown);
  if (shown->terminated)
    return by_signal + SIGTERM;
  if (!std::cout) {
    std::cerr << "claudio: can't write the answer to standard output\n";
    return work_failed;
  }
  return is_complete ? success : incomplete;
}

// Whether the answer is complete.
bool chat_session::finish_turn(boost::json::object question, shown_answer& shown) {
  for (auto const& warning : shown.response.warnings())
    std::cerr << "claudio: note: " << printable(warning) << "\n";
  auto lacks = find_incomplete(shown.response);
  if (shown.cut_off_after) {
    lacks.emplace();
    lacks->reason = "the model still asked for tools after " + std::to_string(*shown.cut_off_after) + " turns";
  }
  if (lacks)
    std::cerr << "claudio: " << printable(lacks->reason) << "\n";
  if (settings_.shows_usage)
    std::cerr << "claudio: " << printable(describe_usage(shown.response)) << "\n";
  std::cerr.flush();
  if (!lacks || lacks->is_kept)
    talk_.add(std::move(question), std::move(shown.messages));
  else
    talk_.attachments.clear();
  keep();
  return !lacks;
}

void chat_session::keep() {
  if (!settings_.keeps)
    return;
  auto const kept = keep_conversation(talk_);
  keep_failed_ = !kept;
  if (!kept)
    std::cerr << "claudio: " << printable(kept.error().message()) << "\n";
}

int chat_session::converse() {
  signal_pipe signals({SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH});
  int ended_by = 0;
  {
    auto const reader = make_line_reader(signals);
    std::cerr << "claudio: talking to " << printable(talk_.model) << "; /help lists commands, Ctrl-D leaves"
              << std::endl;
    while (!is_leaving_ && ended_by == 0) {
      auto const given = is_pasting_ ? read_paste(*reader) : read_message(*reader);
      if (given.end == line_end::terminated)
        ended_by = given.signal_number;
      else if (!handle(given, *reader, signals))
        ended_by = SIGTERM;
    }
  }
  if (ended_by != 0)
    return by_signal + ended_by;
  return success;
}

// A backslash at its end goes on with the next line.
line chat_session::read_message(line_reader& reader) {
  auto whole = reader.read("> ");
  while (whole.end == line_end::entered && whole.text.ends_with('\\')) {
    auto const next = reader.read("| ");
    if (next.end != line_end::entered)
      return next;
    whole.text.back() = '\n';
    whole.text += next.text;
  }
  return whole;
}

line chat_session::read_paste(line_reader& reader) {
  is_pasting_ = false;
  line whole(line_end::entered);
  whole.is_literal = true;
  while (true) {
    auto const next = reader.read("| ");
    if (next.end == line_end::end_of_input)
      std::cerr << "\n";
    if (next.end == line_end::end_of_input || (next.end == line_end::entered && next.text == "."))
      return whole;
    if (next.end != line_end::entered)
      return next;
    whole.text += (whole.text.empty() ? "" : "\n") + next.text;
  }
}

bool chat_session::handle(line const& given, line_reader& reader, signal_pipe& signals) {
  if (given.end == line_end::interrupted)
    return handle_interrupt(given);
  may_leave_ = false;
  if (given.end == line_end::end_of_input) {
    std::cerr << std::endl;
    is_leaving_ = true;
    return true;
  }
  if (given.end == line_end::cut_off) {
    std::cerr << "claudio: nothing was sent: a line has more than the 4,095 characters that this terminal passes on; "
                 "use several lines (/paste), a pipe, or -f FILE"
              << std::endl;
    return true;
  }
  if (is_blank(given.text))
    return true;
  reader.remember(given.text);
  if (!given.is_literal && run_command(given.text))
    return true;
  // Two slashes stand for one.
  auto const text = std::string_view(given.text).substr(!given.is_literal && given.text.starts_with("//") ? 1 : 0);
  return take_turn(text, signals, [&] { reader.suspend(); }) != by_signal + SIGTERM;
}

bool chat_session::handle_interrupt(line const& given) {
  std::cerr << std::endl;
  if (may_leave_ && given.text.empty()) {
    is_leaving_ = true;
    return true;
  }
  if (!may_leave_)
    std::cerr << "claudio: Ctrl-C again, or Ctrl-D, leaves" << std::endl;
  may_leave_ = true;
  return true;
}

} // namespace claudio::tool
