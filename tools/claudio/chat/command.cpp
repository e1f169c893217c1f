#include "../commands.hpp"
#include "../configuration_file.hpp"
#include "../documentation.hpp"
#include "../store_access.hpp"
#include "attachments.hpp"
#include "core/json_access.hpp"
#include "core/secret_file.hpp"
#include "input.hpp"
#include "kept_conversation.hpp"
#include "progress.hpp"
#include "session.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/io_context.hpp>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <unistd.h>

namespace claudio::tool {
namespace asio = boost::asio;

namespace {

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
  std::vector<std::string> files;
  bool json = false;
  bool stream = false;
  bool no_stream = false;
  bool tools_demo = false;
  bool goes_on = false;
  bool keep = false;
  bool verbose = false;
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

result<configuration> load_from_file(chat_arguments const& arguments) {
  auto const object = read_configuration_file(arguments.config);
  if (!object)
    return object.error();
  auto config = configuration::from_json(*object);
  if (!config && find_array(*object, "providers") && find_array(*object, "providers")->empty())
    config = config.error().with_note("put it beside its provider: {\"providers\": [PROVIDER], \"models\": [MODEL]}");
  if (!config)
    return in_file(arguments.config, config.error());
  // A provider alone has the model that is asked for.
  if (config->models.empty() && config->providers.size() == 1) {
    model_configuration model;
    model.name = arguments.model.empty() ? std::string(default_model) : arguments.model;
    model.provider_name = config->providers.front().name;
    model.capabilities = capabilities_of(model.name);
    config->models.push_back(std::move(model));
  }
  return config;
}

result<configuration> load_configuration(chat_arguments const& arguments, configured_by source) {
  switch (source) {
  case configured_by::file:
    return load_from_file(arguments);
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

std::string how_to_add(chat_arguments const& arguments, configured_by source) {
  switch (source) {
  case configured_by::file:
    return "add it to models in " + arguments.config;
  case configured_by::store:
    return "add it: claudio model add NAME";
  case configured_by::environment:
    break;
  }
  return "others are configured in a file (--config) or a database (claudio provider add, claudio model add)";
}

// The model asked for, else the kept conversation's, else the configuration's first.
std::string choose_model(chat_arguments const& arguments, configured_by source, model_manager const& manager,
                         std::string const& kept) {
  if (!arguments.model.empty())
    return arguments.model;
  auto const names = manager.model_names();
  if (std::find(names.begin(), names.end(), kept) != names.end())
    return kept;
  if (source == configured_by::environment)
    return std::string(default_model);
  return names.front();
}

answer_style style_of(chat_arguments const& arguments, bool interactive) {
  if (arguments.tools_demo)
    return answer_style::by_tools;
  bool const is_seen = interactive || ::isatty(STDOUT_FILENO) == 1;
  if (arguments.json)
    return arguments.stream ? answer_style::chunks : answer_style::json;
  return arguments.stream || (is_seen && !arguments.no_stream) ? answer_style::stream : answer_style::whole;
}

// The argument and what is piped in, one below the other. Empty: neither, at a terminal.
result<std::string> find_prompt(chat_arguments const& arguments) {
  bool const at_terminal = ::isatty(STDIN_FILENO) == 1;
  auto prompt = arguments.prompt == "-" ? std::string() : arguments.prompt;
  if (auto const checked = require_text(prompt, "PROMPT"); !checked)
    return checked.error();
  if (at_terminal && arguments.prompt != "-") {
    if (!prompt.empty() && is_blank(prompt))
      return error(errc::configuration, "the prompt is empty");
    return prompt;
  }
  auto const piped = read_standard_input();
  if (!piped)
    return piped.error();
  if (!is_blank(*piped))
    prompt += (prompt.empty() ? "" : "\n\n") + *piped;
  if (is_blank(prompt) && arguments.prompt.empty())
    return error(errc::configuration, "PROMPT is missing, and standard input is empty");
  if (is_blank(prompt))
    return error(errc::configuration, "the prompt is empty");
  return prompt;
}

result<conversation> begin_conversation(chat_arguments const& arguments) {
  conversation talk;
  if (arguments.goes_on) {
    auto const found = load_conversation(talk);
    if (!found)
      return found.error();
    if (!*found)
      std::cerr << "claudio: note: no conversation is kept yet; this one is, and -c goes on with it\n";
  }
  if (!arguments.system.empty())
    talk.system = arguments.system;
  talk.max_tokens = arguments.max_tokens;
  talk.temperature = arguments.temperature;
  auto attachments = read_attachments(arguments.files);
  if (!attachments)
    return attachments.error();
  talk.attachments = std::move(*attachments);
  return talk;
}

int fail_usage(error const& fault) {
  report_line(fault);
  return usage_error;
}

int run_chat(chat_arguments const& arguments) {
  auto const prompt = find_prompt(arguments);
  if (!prompt)
    return fail_usage(prompt.error());
  auto talk = begin_conversation(arguments);
  if (!talk)
    return fail_usage(talk.error());
  auto const source = source_of(arguments);
  auto config = load_configuration(arguments, source);
  if (!config)
    return report(config.error());

  bool const is_watched = arguments.verbose || ::isatty(STDERR_FILENO) == 1;
  asio::io_context context(1);
  model_manager const manager(context.get_executor(), std::move(*config), serial,
                              is_watched ? std::make_shared<progress>() : nullptr);
  if (manager.model_names().empty()) {
    std::cerr << (source == configured_by::store
                      ? "claudio chat: the database has no model; add one: claudio model add claude-sonnet-4-6\n"
                      : "claudio chat: " + arguments.config + ": models is empty; add the model to talk to\n");
    return usage_error;
  }
  bool const interactive = prompt->empty();
  session_settings settings;
  settings.style = style_of(arguments, interactive);
  settings.shows_usage = arguments.verbose || (::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1);
  settings.keeps = arguments.keep || arguments.goes_on;
  settings.how_to_add = how_to_add(arguments, source);
  auto const name = choose_model(arguments, source, manager, talk->model);
  chat_session session(context, manager, std::move(settings), std::move(*talk));
  if (auto const chosen = session.choose(name); !chosen)
    return report(chosen.error());
  return interactive ? session.converse() : session.ask(*prompt);
}

} // namespace

void add_chat(CLI::App& app, store_choice const& choice, int& exit_status) {
  auto* command = app.add_subcommand("chat", "Sends a prompt and prints the answer, or converses");
  auto arguments = std::make_shared<chat_arguments>(choice);
  command
      ->add_option("--config", arguments->config,
                   "Providers and models" + see_page("configuration.md") +
                       ". Without it: the database of --store, if given; ANTHROPIC_API_KEY and, if set, "
                       "ANTHROPIC_BASE_URL; the default database")
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
  command
      ->add_option("-f,--file", arguments->files,
                   "Attach a file: an image (PNG, JPEG, GIF, WebP), PDF or text. May be repeated")
      ->allow_extra_args(false)
      ->type_name("FILE");
  command->add_flag("-c,--continue", arguments->goes_on,
                    "Go on with the conversation that was kept last, and keep this one");
  command->add_flag("--keep", arguments->keep,
                    "Keep the conversation, so that -c goes on with it; /forget in a conversation deletes it");
  command->add_flag("--json", arguments->json,
                    "Print the whole response in OpenAI's format; with --stream its chunks, a line each");
  auto* stream = command->add_flag("--stream", arguments->stream,
                                   "Print the text as it comes, which is the default on a terminal");
  command->add_flag("--no-stream", arguments->no_stream, "Print the text when it is complete")->excludes(stream);
  command->add_flag("-v,--verbose", arguments->verbose,
                    "Say on standard error what an answer took (tokens, cost, time), and when a call is tried again; "
                    "the default on a terminal");
  command
      ->add_flag("--tools-demo", arguments->tools_demo,
                 "Let the model use two small tools (the time, a sum), and show their calls on standard error")
      ->excludes(stream);
  command
      ->add_option("PROMPT", arguments->prompt,
                   "What to ask. What is piped in goes below it; with - or without it that is the prompt. At a "
                   "terminal, without it: a conversation")
      ->type_name("");
  command->callback([arguments, &exit_status] { exit_status = run_chat(*arguments); });
}

} // namespace claudio::tool
