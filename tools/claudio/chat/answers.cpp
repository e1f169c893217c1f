#include "answers.hpp"

#include "../terminal.hpp"
#include "demo_tools.hpp"
#include "display.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <unistd.h>

namespace claudio::tool {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds drain_time{10};

void show_line(std::string_view text) {
  if (text.empty())
    return;
  answer_output out;
  out.write(text);
  out.end_line();
}

shown_answer one_message(chat_response response) {
  shown_answer shown;
  shown.messages.emplace_back(response.message());
  shown.response = std::move(response);
  return shown;
}

asio::awaitable<result<shown_answer>> answer_whole(model claude, chat_request request, bool as_json) {
  auto response = co_await claude.invoke(request);
  if (!response)
    co_return response.error();
  if (as_json)
    show_line(json::serialize(response->json()));
  else
    show_line(response->text());
  co_return one_message(std::move(*response));
}

asio::awaitable<result<shown_answer>> answer_stream(model claude, chat_request request, bool as_chunks) {
  auto stream = co_await claude.stream(request);
  if (!stream)
    co_return stream.error();
  answer_output out;
  std::string line;
  while (true) {
    auto chunk = co_await stream->next();
    if (!chunk) {
      out.end_line();
      co_return chunk.error();
    }
    if (!*chunk)
      break;
    if (as_chunks) {
      line.clear();
      (*chunk)->write(line);
      out.write(line);
      out.end_line();
    } else {
      out.write((*chunk)->text());
    }
  }
  out.end_line();
  co_return one_message(stream->response());
}

asio::awaitable<result<shown_answer>> answer_by_tools(model claude, chat_request request) {
  run_tools_options options;
  options.on_step = [](tool_step const& step) {
    if (step.result)
      std::cerr << "claudio: " << printable(step.tool) << " " << printable(step.arguments) << " -> "
                << printable(json::serialize(step.result->content())) << "\n";
  };
  auto const* const before = request.json().if_contains("messages");
  std::size_t const known = before && before->is_array() ? before->get_array().size() : 0;
  auto run = co_await run_tools(claude, std::move(request), demo_tools(), std::move(options));
  if (!run)
    co_return run.error();
  show_line(run->response.text());
  shown_answer shown;
  shown.response = std::move(run->response);
  if (run->end == tool_run_end::max_turns)
    shown.cut_off_after = run->turns;
  auto const& messages = run->request.json().at("messages").as_array();
  for (std::size_t i = known; i < messages.size(); ++i)
    shown.messages.push_back(messages[i]);
  co_return shown;
}

asio::awaitable<result<shown_answer>> begin(model claude, chat_request request, answer_style style) {
  switch (style) {
  case answer_style::stream:
  case answer_style::chunks:
    return answer_stream(std::move(claude), std::move(request), style == answer_style::chunks);
  case answer_style::by_tools:
    return answer_by_tools(std::move(claude), std::move(request));
  case answer_style::whole:
  case answer_style::json:
    break;
  }
  return answer_whole(std::move(claude), std::move(request), style == answer_style::json);
}

// Waits for signals beside a call, and does what they ask for.
class signal_watch {
public:
  signal_watch(asio::io_context& context, signal_pipe& signals, client endpoint, std::function<void()> const& suspend)
      : context_(context), signals_(signals), endpoint_(std::move(endpoint)), suspend_(suspend),
        waiter_(context, ::dup(signals.descriptor())) {
    wait();
  }

  asio::cancellation_slot slot() noexcept { return cancel_.slot(); }
  bool interrupted() const noexcept { return interrupted_; }
  bool terminated() const noexcept { return terminated_; }
  void stop() { waiter_.close(); }

private:
  void wait() {
    waiter_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code failure) {
      if (failure)
        return;
      while (int const number = signals_.take())
        handle(number);
      wait();
    });
  }

  void handle(int number) {
    if (number == SIGTSTP)
      return suspend_();
    if (number == SIGINT && !interrupted_) {
      interrupted_ = true;
      cancel_.emit(asio::cancellation_type::terminal);
    }
    if ((number == SIGTERM || number == SIGHUP) && !terminated_) {
      terminated_ = true;
      asio::co_spawn(context_, endpoint_.drain(std::chrono::steady_clock::now() + drain_time), asio::detached);
    }
  }

  asio::io_context& context_;
  signal_pipe& signals_;
  client endpoint_;
  std::function<void()> const& suspend_;
  asio::posix::stream_descriptor waiter_;
  asio::cancellation_signal cancel_;
  bool interrupted_ = false;
  bool terminated_ = false;
};

} // namespace

result<shown_answer> answer(asio::io_context& context, model claude, chat_request request, answer_style style,
                            signal_pipe& signals, std::function<void()> const& suspend) {
  std::optional<result<shown_answer>> outcome;
  signal_watch watch(context, signals, claude.endpoint(), suspend);
  asio::co_spawn(context, begin(std::move(claude), std::move(request), style),
                 asio::bind_cancellation_slot(watch.slot(), [&](std::exception_ptr failure, result<shown_answer> got) {
                   watch.stop();
                   if (!failure)
                     outcome.emplace(std::move(got));
                   else if (!watch.interrupted())
                     std::rethrow_exception(failure);
                 }));
  context.restart();
  context.run();
  // By Asio's rule a coroutine that goes on after its cancellation ends with an exception.
  if (!outcome)
    return error(errc::cancelled, "cancelled");
  if (!*outcome)
    return outcome->error();
  (*outcome)->terminated = watch.terminated();
  return std::move(*outcome);
}

} // namespace claudio::tool
