#include "answers.hpp"

#include "terminal.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <csignal>
#include <ctime>
#include <exception>
#include <iostream>
#include <optional>

namespace claudio::tool {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds drain_time{10};

void show_warnings(chat_response const& response) {
  for (auto const& warning : response.warnings())
    std::cerr << "claudio: note: " << printable(warning) << "\n";
}

asio::awaitable<result<chat_request>> answer_whole(model claude, chat_request conversation, bool as_json) {
  auto response = co_await claude.invoke(conversation);
  if (!response)
    co_return response.error();
  show_warnings(*response);
  if (as_json)
    std::cout << json::serialize(response->json()) << std::endl;
  else
    std::cout << response->text() << std::endl;
  conversation.message(response->message());
  co_return conversation;
}

asio::awaitable<result<chat_request>> answer_stream(model claude, chat_request conversation, bool as_chunks) {
  auto stream = co_await claude.stream(conversation);
  if (!stream)
    co_return stream.error();
  std::string line;
  bool in_line = false;
  while (true) {
    auto chunk = co_await stream->next();
    if (!chunk) {
      if (in_line)
        std::cout << std::endl;
      co_return chunk.error();
    }
    if (!*chunk)
      break;
    if (as_chunks) {
      line.clear();
      (*chunk)->write(line);
      std::cout << line << std::endl;
    } else if (auto const text = (*chunk)->text(); !text.empty()) {
      std::cout << text << std::flush;
      in_line = true;
    }
  }
  if (!as_chunks)
    std::cout << std::endl;
  auto const response = stream->response();
  show_warnings(response);
  conversation.message(response.message());
  co_return conversation;
}

toolbox demo_tools() {
  toolbox tools;
  json::object no_arguments;
  no_arguments.emplace("type", "object");
  no_arguments.emplace("properties", json::object());
  tools.add("current_time", "The current date and time, in UTC.", no_arguments, [](json::object const&) {
    auto const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return std::string(text);
  });
  tools.add("add", "Adds numbers.",
            json::parse(R"({"type":"object","properties":{"numbers":{"type":"array","items":{"type":"number"}}},
                            "required":["numbers"]})")
                .as_object(),
            [](json::object const& arguments) {
              double sum = 0;
              for (auto const& number : arguments.at("numbers").as_array())
                sum += number.to_number<double>();
              return json::value(sum);
            });
  return tools;
}

asio::awaitable<result<chat_request>> answer_by_tools(model claude, chat_request conversation) {
  run_tools_options options;
  options.on_step = [](tool_step const& step) {
    if (step.result)
      std::cerr << "claudio: " << printable(step.tool) << " " << printable(step.arguments) << " -> "
                << printable(json::serialize(step.result->content())) << "\n";
  };
  auto run = co_await run_tools(claude, std::move(conversation), demo_tools(), std::move(options));
  if (!run)
    co_return run.error();
  show_warnings(run->response);
  std::cout << run->response.text() << std::endl;
  if (run->end == tool_run_end::max_turns)
    std::cerr << "claudio: the model still asked for tools after " << run->turns << " turns\n";
  co_return run->request;
}

asio::awaitable<result<chat_request>> begin(model claude, chat_request conversation, answer_style style) {
  switch (style) {
  case answer_style::stream:
  case answer_style::chunks:
    return answer_stream(std::move(claude), std::move(conversation), style == answer_style::chunks);
  case answer_style::by_tools:
    return answer_by_tools(std::move(claude), std::move(conversation));
  case answer_style::whole:
  case answer_style::json:
    break;
  }
  return answer_whole(std::move(claude), std::move(conversation), style == answer_style::json);
}

} // namespace

result<void> answer(asio::io_context& context, model claude, chat_request& conversation, answer_style style) {
  std::optional<result<chat_request>> outcome;
  bool cancelled = false;
  asio::cancellation_signal cancel;
  asio::signal_set interrupts(context, SIGINT);
  interrupts.async_wait([&](boost::system::error_code failure, int) {
    if (failure)
      return;
    cancelled = true;
    cancel.emit(asio::cancellation_type::terminal);
  });
  // The answer under way is finished, if that doesn't take too long.
  bool terminated = false;
  asio::signal_set terminations(context, SIGTERM);
  terminations.async_wait([&, endpoint = claude.endpoint()](boost::system::error_code failure, int) {
    if (failure)
      return;
    terminated = true;
    asio::co_spawn(context, endpoint.drain(std::chrono::steady_clock::now() + drain_time), asio::detached);
  });
  asio::co_spawn(context, begin(std::move(claude), conversation, style),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, result<chat_request> got) {
                   interrupts.cancel();
                   terminations.cancel();
                   if (!failure)
                     outcome.emplace(std::move(got));
                   else if (!cancelled)
                     std::rethrow_exception(failure);
                 }));
  context.restart();
  context.run();
  // By Asio's rule a coroutine that goes on after its cancellation ends with an exception.
  if (!outcome)
    return error(errc::cancelled, "cancelled");
  if (!*outcome)
    return outcome->error();
  conversation = std::move(**outcome);
  if (terminated) {
    std::cout.flush();
    std::signal(SIGTERM, SIG_DFL);
    std::raise(SIGTERM);
  }
  return {};
}

} // namespace claudio::tool
