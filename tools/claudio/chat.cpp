#include "commands.hpp"

#include <claudio/claudio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

namespace claudio::tool {
namespace asio = boost::asio;

namespace {

constexpr std::string_view default_model = "claude-sonnet-5-5";

class chat_arguments {
public:
  chat_arguments() = default;

  std::string config;
  std::string model;
  std::string system;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  bool json = false;
  std::string prompt;
};

// The model asked for, else the configuration's first.
std::string choose_model(chat_arguments const& arguments, model_manager const& manager) {
  if (!arguments.model.empty())
    return arguments.model;
  if (arguments.config.empty())
    return std::string(default_model);
  auto const names = manager.model_names();
  return names.empty() ? std::string() : names.front();
}

asio::awaitable<void> ask(model claude, chat_request request, std::optional<result<chat_response>>& outcome) {
  auto answered = co_await claude.invoke(std::move(request));
  outcome = std::move(answered);
}

int print(chat_response const& response, bool as_json) {
  for (auto const& warning : response.warnings())
    std::cerr << "claudio: note: " << warning << "\n";
  if (as_json)
    std::cout << boost::json::serialize(response.json()) << std::endl;
  else
    std::cout << response.text() << std::endl;
  if (!std::cout) {
    std::cerr << "claudio: can't write the answer to standard output\n";
    return work_failed;
  }
  return success;
}

int run_chat(chat_arguments const& arguments) {
  std::string prompt = arguments.prompt;
  if (prompt == "-")
    prompt.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  if (prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    std::cerr << "claudio chat: the prompt is empty\n";
    return usage_error;
  }
  auto config = arguments.config.empty() ? configuration::from_env() : configuration::load(arguments.config);
  if (!config)
    return report(config.error());

  asio::io_context context(1);
  model_manager const manager(context.get_executor(), std::move(*config), serial);
  if (manager.model_names().empty()) {
    std::cerr << "claudio chat: " << arguments.config << ": models is empty; add the model to talk to\n";
    return usage_error;
  }
  auto claude = manager.get_model_instance(choose_model(arguments, manager));
  if (!claude)
    return report(claude.error());
  chat_request request;
  if (!arguments.system.empty())
    request.system(arguments.system);
  request.user(prompt);
  if (arguments.max_tokens)
    request.max_tokens(*arguments.max_tokens);
  if (arguments.temperature)
    request.temperature(*arguments.temperature);

  std::optional<result<chat_response>> outcome;
  asio::co_spawn(context, ask(*claude, std::move(request), outcome), [](std::exception_ptr failure) {
    if (failure)
      std::rethrow_exception(failure);
  });
  context.run();
  return *outcome ? print(**outcome, arguments.json) : report(outcome->error());
}

} // namespace

void add_chat(CLI::App& app, int& exit_status) {
  auto* command = app.add_subcommand("chat", "Sends one prompt and prints the answer");
  auto arguments = std::make_shared<chat_arguments>();
  command
      ->add_option("--config", arguments->config,
                   "Providers and models (docs/configuration.md). Without it: "
                   "ANTHROPIC_API_KEY and, if set, ANTHROPIC_BASE_URL")
      ->type_name("FILE");
  command
      ->add_option("--model", arguments->model,
                   "A configured model. Default: the configuration's first; without one, " + std::string(default_model))
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
  command->add_flag("--json", arguments->json, "Print the whole response in OpenAI's format");
  command->add_option("PROMPT", arguments->prompt, "What to ask, or - to read it from standard input")
      ->required()
      ->type_name("");
  command->callback([arguments, &exit_status] { exit_status = run_chat(*arguments); });
}

} // namespace claudio::tool
