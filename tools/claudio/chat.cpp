#include "answers.hpp"
#include "commands.hpp"
#include "store_access.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/io_context.hpp>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <unistd.h>

namespace claudio::tool {
namespace asio = boost::asio;

namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

constexpr std::string_view default_model = "claude-sonnet-5-5";

class chat_arguments {
public:
  explicit chat_arguments(store_choice const& chosen) : choice(chosen) {}

  store_choice const& choice;
  std::string config;
  std::string model;
  std::string system;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  bool json = false;
  bool stream = false;
  bool tools_demo = false;
  std::string prompt;
};

// What is said on the command line counts most, then the environment, then what is kept.
enum class configured_by { file, environment, store };

bool is_set(char const* variable) {
  char const* const value = std::getenv(variable);
  return value && *value != '\0';
}

configured_by source_of(chat_arguments const& arguments) {
  if (!arguments.config.empty())
    return configured_by::file;
  if (!arguments.choice.url.empty())
    return configured_by::store;
  bool const has_credential = is_set("ANTHROPIC_API_KEY") || is_set("ANTHROPIC_AUTH_TOKEN");
  return !has_credential && has_default_store() ? configured_by::store : configured_by::environment;
}

result<configuration> load_from_store(store_choice const& choice) {
  opened_store opened(choice);
  if (auto const ready = opened.open(); !ready)
    return ready.error();
  return opened.run(opened.store().load());
}

result<configuration> load_configuration(chat_arguments const& arguments, configured_by source) {
  switch (source) {
  case configured_by::file:
    return configuration::load(arguments.config);
  case configured_by::store:
    return load_from_store(arguments.choice);
  case configured_by::environment:
    break;
  }
  auto config = configuration::from_env();
  if (!config && config.error().message().find("ANTHROPIC_API_KEY is not set") != std::string::npos)
    return config.error().with_note("or keep it encrypted: claudio provider add anthropic");
  return config;
}

// The model asked for, else the configuration's first.
std::string choose_model(chat_arguments const& arguments, configured_by source, model_manager const& manager) {
  if (!arguments.model.empty())
    return arguments.model;
  if (source == configured_by::environment)
    return std::string(default_model);
  auto const names = manager.model_names();
  return names.empty() ? std::string() : names.front();
}

answer_style style_of(chat_arguments const& arguments) {
  if (arguments.tools_demo)
    return answer_style::by_tools;
  if (arguments.stream)
    return arguments.json ? answer_style::chunks : answer_style::stream;
  return arguments.json ? answer_style::json : answer_style::whole;
}

int answer_once(asio::io_context& context, model const& claude, chat_request& request, answer_style style) {
  auto const answered = answer(context, claude, request, style);
  if (!answered)
    return report(answered.error());
  if (std::cout)
    return success;
  std::cerr << "claudio: can't write the answer to standard output\n";
  return work_failed;
}

// A conversation at a terminal. What fails or is cancelled leaves it as it was.
int converse(asio::io_context& context, model const& claude, chat_request& conversation, answer_style style) {
  std::cerr << "claudio: talking to " << claude.name() << "; Ctrl-C cancels an answer, Ctrl-D ends\n";
  while (true) {
    std::cerr << "> " << std::flush;
    std::string line;
    if (!std::getline(std::cin, line))
      break;
    if (is_blank(line))
      continue;
    chat_request next = conversation;
    next.user(line);
    auto const answered = answer(context, claude, next, style);
    if (answered)
      conversation = std::move(next);
    else if (answered.error().code() == errc::cancelled)
      std::cerr << "\nclaudio: cancelled\n";
    else
      report(answered.error());
    if (!answered && answered.error().code() == errc::shut_down)
      return work_failed;
  }
  std::cerr << "\n";
  return success;
}

int run_chat(chat_arguments const& arguments) {
  bool const interactive = arguments.prompt.empty();
  if (interactive && ::isatty(STDIN_FILENO) == 0) {
    std::cerr << "claudio chat: PROMPT is missing; give it, or - to read it from standard input\n";
    return usage_error;
  }
  std::string prompt = arguments.prompt;
  if (prompt == "-")
    prompt.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  if (!interactive && is_blank(prompt)) {
    std::cerr << "claudio chat: the prompt is empty\n";
    return usage_error;
  }
  auto const source = source_of(arguments);
  auto config = load_configuration(arguments, source);
  if (!config)
    return report(config.error());

  asio::io_context context(1);
  model_manager const manager(context.get_executor(), std::move(*config), serial);
  if (manager.model_names().empty()) {
    std::cerr << (source == configured_by::store
                      ? "claudio chat: the database has no model; add one: claudio model add claude-sonnet-4-6\n"
                      : "claudio chat: " + arguments.config + ": models is empty; add the model to talk to\n");
    return usage_error;
  }
  auto claude = manager.get_model_instance(choose_model(arguments, source, manager));
  if (!claude)
    return report(claude.error());
  chat_request request;
  if (!arguments.system.empty())
    request.system(arguments.system);
  if (arguments.max_tokens)
    request.max_tokens(*arguments.max_tokens);
  if (arguments.temperature)
    request.temperature(*arguments.temperature);
  auto const style = style_of(arguments);
  if (interactive)
    return converse(context, *claude, request, style == answer_style::whole ? answer_style::stream : style);
  request.user(prompt);
  return answer_once(context, *claude, request, style);
}

} // namespace

void add_chat(CLI::App& app, store_choice const& choice, int& exit_status) {
  auto* command = app.add_subcommand("chat", "Sends a prompt and prints the answer, or converses");
  auto arguments = std::make_shared<chat_arguments>(choice);
  command
      ->add_option("--config", arguments->config,
                   "Providers and models (docs/configuration.md). Without it: the database of --store, if given; "
                   "ANTHROPIC_API_KEY and, if set, ANTHROPIC_BASE_URL; the default database")
      ->type_name("FILE");
  command
      ->add_option("--model", arguments->model,
                   "A configured model. Default: the first in the file or database; with ANTHROPIC_API_KEY, " +
                       std::string(default_model))
      ->type_name("NAME");
  command->add_option("--system", arguments->system, "The system prompt")->type_name("TEXT");
  command->add_option("--max-tokens", arguments->max_tokens, "The most tokens that the answer may have")
      ->type_name("N")
      ->check([](std::string const& text) {
        bool const fine = text.find_first_not_of("0123456789") == std::string::npos &&
                          text.find_first_not_of('0') != std::string::npos && text.size() < 10;
        return fine ? std::string() : "expected an integer from 1, got " + text;
      });
  command->add_option("--temperature", arguments->temperature, "Randomness, 0 to 1; newer models refuse it")
      ->type_name("T")
      ->check([](std::string const& text) {
        char* end = nullptr;
        double const number = std::strtod(text.c_str(), &end);
        bool const fine = end != text.c_str() && *end == '\0' && number >= 0 && number <= 1;
        return fine ? std::string() : "expected a number from 0 to 1, got " + text;
      });
  command->add_flag("--json", arguments->json,
                    "Print the whole response in OpenAI's format; with --stream its chunks, a line each");
  auto* stream = command->add_flag("--stream", arguments->stream, "Print the text as it comes");
  command
      ->add_flag("--tools-demo", arguments->tools_demo,
                 "Let the model use two small tools (the time, a sum), and show their calls on standard error")
      ->excludes(stream);
  command
      ->add_option("PROMPT", arguments->prompt,
                   "What to ask, or - to read it from standard input. Without it, at a terminal: a conversation")
      ->type_name("");
  command->callback([arguments, &exit_status] { exit_status = run_chat(*arguments); });
}

} // namespace claudio::tool
