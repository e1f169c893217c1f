#include "../terminal.hpp"
#include "kept_conversation.hpp"
#include "session.hpp"

#include <claudio/models.hpp>

#include <algorithm>
#include <iostream>

namespace claudio::tool {

/// What a line that begins with a slash may ask for.
class chat_session::command {
public:
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
  void (chat_session::*run)(std::string const& argument);
};

chat_session::command const chat_session::commands[] = {
    {"help", "", "Lists these commands", &chat_session::show_help},
    {"paste", "", "Takes many lines, up to a line with just a dot, or Ctrl-D", &chat_session::begin_paste},
    {"model", "[NAME]", "Asks another model, or says which ones are configured", &chat_session::change_model},
    {"system", "[TEXT]", "Sets the system prompt, or shows it; - removes it", &chat_session::change_system},
    {"clear", "", "Begins a new conversation, with the same system prompt", &chat_session::clear},
    {"save", "FILE", "Writes the conversation to a new file", &chat_session::save},
    {"keep", "", "Keeps the conversation, so that claudio chat -c goes on with it", &chat_session::begin_keeping},
    {"forget", "", "Deletes the conversation that is kept, and keeps no more", &chat_session::forget},
    {"quit", "", "Leaves, as Ctrl-D does", &chat_session::leave},
};

bool chat_session::run_command(std::string_view text) {
  if (!text.starts_with('/') || text.starts_with("//"))
    return false;
  auto const end = std::min(text.find_first_of(" \t\n"), text.size());
  std::string const name(text.substr(1, end - 1));
  // A path, or something else that is meant for the model.
  bool const is_word = !name.empty() && std::all_of(name.begin(), name.end(),
                                                    [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; });
  // Of several lines, which may have been pasted, only a system prompt is one.
  bool const is_pasted = text.find('\n') != std::string_view::npos && name != "system";
  if (!is_word || is_pasted)
    return false;
  auto const begin = std::min(text.find_first_not_of(" \t\n", end), text.size());
  std::string argument(text.substr(begin));
  argument.erase(argument.find_last_not_of(" \t\n") + 1);
  std::vector<std::string> names;
  for (auto const& known : commands) {
    if (known.name == name) {
      if (known.arguments.empty() && !argument.empty())
        std::cerr << "claudio: /" << name << " takes nothing behind it" << std::endl;
      else
        (this->*known.run)(argument);
      return true;
    }
    names.emplace_back(known.name);
  }
  auto const near = nearest_name(name, names);
  std::cerr << "claudio: there is no command /" << printable(name)
            << (near ? "; did you mean /" + *near + "?" : std::string("; /help lists them."))
            << " (// begins a text with a slash)" << std::endl;
  return true;
}

void chat_session::show_help(std::string const&) {
  table shown({"COMMAND", "WHAT IT DOES"});
  for (auto const& known : commands)
    shown.add({"/" + std::string(known.name) + (known.arguments.empty() ? "" : " ") + std::string(known.arguments),
               std::string(known.help)});
  shown.print(std::cerr);
  std::cerr << "A \\ at the end of a line goes on with the next one.\n"
               "Ctrl-C ends an answer, or empties the line; twice, or Ctrl-D, leaves."
            << std::endl;
}

void chat_session::change_model(std::string const& name) {
  if (!name.empty()) {
    if (auto const chosen = choose(name); !chosen) {
      std::cerr << "claudio: " << printable(chosen.error().message()) << std::endl;
      return;
    }
    std::cerr << "claudio: talking to " << printable(name) << std::endl;
    return;
  }
  for (auto const& known : manager_.model_names())
    std::cerr << (known == talk_.model ? "* " : "  ") << printable(known) << "\n";
  std::cerr.flush();
}

void chat_session::change_system(std::string const& text) {
  if (!text.empty())
    talk_.system = text == "-" ? std::string() : text;
  std::cerr << "claudio: "
            << (talk_.system.empty() ? "there is no system prompt" : "the system prompt: " + printable(talk_.system))
            << std::endl;
}

void chat_session::clear(std::string const&) {
  talk_.clear();
  std::cerr << "claudio: a new conversation" << std::endl;
}

void chat_session::save(std::string const& path) {
  if (path.empty()) {
    std::cerr << "claudio: /save needs the name of a file" << std::endl;
    return;
  }
  auto const written = write_new_file(path, talk_.transcript());
  std::cerr << "claudio: " << printable(written ? "saved to " + path : written.error().message()) << std::endl;
}

void chat_session::begin_keeping(std::string const&) {
  settings_.keeps = true;
  keep();
  if (!keep_failed_)
    std::cerr << "claudio: the conversation is kept; claudio chat -c goes on with it, /forget deletes it" << std::endl;
}

void chat_session::forget(std::string const&) {
  settings_.keeps = false;
  auto const forgotten = forget_conversation();
  std::cerr << "claudio: "
            << (!forgotten   ? printable(forgotten.error().message())
                : *forgotten ? "the kept conversation is deleted, and this one is not kept"
                             : "no conversation was kept, and this one is not kept")
            << std::endl;
}

void chat_session::begin_paste(std::string const&) {
  is_pasting_ = true;
  std::cerr << "claudio: end with a line that has just a dot, or with Ctrl-D" << std::endl;
}

void chat_session::leave(std::string const&) { is_leaving_ = true; }

} // namespace claudio::tool
