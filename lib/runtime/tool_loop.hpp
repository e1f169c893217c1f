#pragma once

#include "async/as_result.hpp"
#include "async/join_all.hpp"
#include "observe/loggers.hpp"

#include <claudio/tools.hpp>

#include <boost/system/system_error.hpp>

namespace claudio {

/// One call of a tool as it stands in the model's answer.
class tool_call {
public:
  tool_call() = default;

  std::string id;
  std::string name;
  std::string arguments;
};

/// Awaits what a handler of pieces does with one.
template <class Piece>
boost::asio::awaitable<void> hand_over(piece_handler<Piece> const& handler, Piece const& piece) {
  if (handler.function)
    handler.function(piece);
  if (handler.coroutine) {
    auto handling = handler.coroutine(piece);
    co_await std::move(handling);
  }
}

/// Reads a stream to its end, each piece through the handler.
template <class Piece, class Stream>
boost::asio::awaitable<result<void>> read_through(Stream& stream, piece_handler<Piece> const& handler) {
  while (true) {
    auto reading = stream.next();
    auto const piece = co_await std::move(reading);
    if (!piece)
      co_return piece.error();
    if (!*piece)
      co_return result<void>();
    auto handing = hand_over(handler, **piece);
    co_await std::move(handing);
  }
}

/// The loop of `run_tools()`. A format knows how requests and answers are written: it has the types `run` and `answer`,
/// and what is called of it here.
template <class Format>
class tool_loop {
public:
  using run_type = typename Format::run;
  using clock = std::chrono::steady_clock;

  tool_loop(Format format, typename Format::request request, toolbox tools, run_tools_options options)
      : format_(std::move(format)), tools_(std::move(tools)), options_(std::move(options)) {
    run_.request = std::move(request);
    Format::declare(tools_, run_.request);
  }

  boost::asio::awaitable<result<run_type>> go() {
    if (options_.max_turns == 0 || options_.max_parallel == 0)
      co_return error(errc::configuration, "run_tools: max_turns and max_parallel have to be at least 1");
    for (;;) {
      auto asking = ask();
      auto asked = co_await std::move(asking);
      if (!asked)
        co_return asked.error();
      if (has_ended())
        break;
      auto calling = call_tools();
      auto called = co_await std::move(calling);
      if (!called)
        co_return called.error();
      Format::unforce(run_.request);
    }
    co_return std::move(run_);
  }

  static error cancelled() { return cancelled_by_caller(); }

private:
  boost::asio::awaitable<result<void>> ask() {
    auto const begin = clock::now();
    auto asking = format_.ask(run_.request, options_);
    auto answer = co_await std::move(asking);
    if (!answer)
      co_return answer.error();
    run_.response = std::move(*answer);
    Format::add_answer(run_.request, run_.response);
    ++run_.turns;
    total_tokens_ += Format::add_usage(run_.usage, run_.response);
    calls_ = Format::calls_of(run_.response);
    tool_step step;
    Format::describe(step, run_.response);
    report(step, begin);
    co_return result<void>();
  }

  bool has_ended() {
    std::string why;
    if (auto const ended = Format::why_ended(run_.response, calls_)) {
      why = *ended;
    } else if (run_.turns >= options_.max_turns) {
      run_.end = tool_run_end::max_turns;
      why = "the limit on turns was reached";
    } else if (options_.max_total_tokens && total_tokens_ >= *options_.max_total_tokens) {
      run_.end = tool_run_end::max_total_tokens;
      why = "the limit on tokens was reached";
    } else {
      return false;
    }
    // Without answers to its calls the conversation could not go on.
    std::vector<tool_result> const outcomes(calls_.size(), tool_result::failure("not carried out: " + why));
    Format::add_results(run_.request, calls_, outcomes);
    return true;
  }

  boost::asio::awaitable<result<void>> call_tools() {
    call_log().debug("turn {}: the model calls {} tools", run_.turns, calls_.size());
    // They refer to the calls and to this object; join_all() ends no sooner than the last of them.
    std::vector<boost::asio::awaitable<result<tool_result>>> work;
    for (auto const& call : calls_)
      work.push_back(call_tool(call));
    auto joining = join_all(std::move(work), options_.max_parallel, options_.call.deadline);
    auto outcome = co_await std::move(joining);
    if (outcome.stopped == errc::cancelled)
      co_return cancelled();
    if (outcome.stopped == errc::timeout)
      co_return late(outcome);
    std::vector<tool_result> outcomes;
    for (auto& value : outcome.values) {
      if (!*value)
        co_return value->error();
      outcomes.push_back(std::move(**value));
    }
    Format::add_results(run_.request, calls_, outcomes);
    co_return result<void>();
  }

  boost::asio::awaitable<result<tool_result>> call_tool(tool_call const& call) {
    auto const begin = clock::now();
    auto calling = tools_.call(call.name, call.arguments);
    auto outcome = co_await std::move(calling);
    if (outcome) {
      tool_step step;
      step.tool = call.name;
      step.arguments = call.arguments;
      step.result = &*outcome;
      report(step, begin);
    }
    co_return outcome;
  }

  error late(joined<result<tool_result>> const& outcome) const {
    std::string names;
    for (std::size_t i = 0; i < calls_.size(); ++i)
      if (auto const& given = outcome.values[i]; !given || !*given)
        names += (names.empty() ? "" : ", ") + calls_[i].name;
    return error(errc::timeout, "the deadline passed while tools were running: " + names);
  }

  void report(tool_step& step, clock::time_point begin) const {
    step.turn = run_.turns;
    step.duration = clock::now() - begin;
    if (options_.on_step)
      options_.on_step(step);
  }

  Format format_;
  toolbox tools_;
  run_tools_options options_;
  run_type run_;
  std::vector<tool_call> calls_; // of the last answer
  std::uint64_t total_tokens_ = 0;
};

template <class Format>
boost::asio::awaitable<result<typename Format::run>> run_loop(Format format, typename Format::request request,
                                                              toolbox tools, run_tools_options options) {
  tool_loop<Format> loop(std::move(format), std::move(request), std::move(tools), std::move(options));
  try {
    auto going = loop.go();
    auto outcome = co_await std::move(going);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return tool_loop<Format>::cancelled();
}

} // namespace claudio
