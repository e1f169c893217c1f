#pragma once

#include "answers.hpp"
#include "conversation.hpp"
#include "line_reader.hpp"

#include <claudio/model_manager.hpp>

#include <boost/asio/io_context.hpp>

#include <string>
#include <string_view>

namespace claudio::tool {

/// How a session shows what it does.
class session_settings {
public:
  session_settings() = default;

  answer_style style = answer_style::whole;
  bool shows_usage = false; ///< a line with tokens, cost and time after each answer
  bool keeps = false;       ///< the conversation is kept after each answer (`kept_conversation.hpp`)
  std::string how_to_add;   ///< "add it: claudio model add NAME", for a model that is not configured
};

/// A model that is talked to: once, or by turns at a terminal.
class chat_session {
public:
  chat_session(boost::asio::io_context& context, model_manager manager, session_settings settings, conversation begin);

  /// Takes the conversation's model into use. Errors: those of `model_manager::get_model_instance`, with the names that
  /// are configured.
  result<void> choose(std::string const& name);

  /// Asks once. Gives the program's exit status.
  int ask(std::string_view prompt);
  /// Talks by turns. What fails or is cancelled leaves the conversation as it was.
  int converse();

private:
  class command;
  static command const commands[];

  int take_turn(std::string_view text, signal_pipe& signals, std::function<void()> const& suspend);
  bool finish_turn(boost::json::object question, shown_answer& shown);
  void keep();

  line read_message(line_reader& reader);
  line read_paste(line_reader& reader);
  /// Whether the program goes on.
  bool handle(line const& given, line_reader& reader, signal_pipe& signals);
  bool handle_interrupt(line const& given);
  bool run_command(std::string_view text);

  void show_help(std::string const& argument);
  void change_model(std::string const& argument);
  void change_system(std::string const& argument);
  void clear(std::string const& argument);
  void save(std::string const& argument);
  void begin_keeping(std::string const& argument);
  void forget(std::string const& argument);
  void begin_paste(std::string const& argument);
  void leave(std::string const& argument);

  boost::asio::io_context& context_;
  model_manager manager_;
  session_settings settings_;
  conversation talk_;
  claudio::model claude_;
  bool keep_failed_ = false;
  bool is_leaving_ = false;
  bool is_pasting_ = false;
  bool may_leave_ = false; // Ctrl-C was pressed just now
};

} // namespace claudio::tool
