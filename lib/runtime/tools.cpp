#include "async/as_result.hpp"
#include "async/join_all.hpp"
#include "core/json_access.hpp"
#include "core/schema_check.hpp"
#include "observe/loggers.hpp"

#include <claudio/tools.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace claudio {
namespace asio = boost::asio;
namespace json = boost::json;
using clock = std::chrono::steady_clock;

tool_result::tool_result(std::string text) {
  json::object part;
  part.emplace("type", "text");
  part.emplace("text", text);
  parts_.emplace_back(std::move(part));
}

tool_result tool_result::image(std::string_view media_type, std::string_view base64) {
  std::string url = "data:";
  url.append(media_type).append(";base64,").append(base64);
  json::object address;
  address.emplace("url", url);
  json::object part;
  part.emplace("type", "image_url");
  part.emplace("image_url", std::move(address));
  tool_result made;
  made.parts_.emplace_back(std::move(part));
  return made;
}

tool_result tool_result::failure(tool_result why) {
  why.is_error_ = true;
  return why;
}

tool_result& tool_result::add(tool_result more) & {
  for (auto& part : more.parts_)
    parts_.emplace_back(std::move(part));
  is_error_ = is_error_ || more.is_error_;
  return *this;
}

json::value tool_result::content() const {
  if (parts_.empty())
    return "";
  if (auto const* text = parts_.front().get_object().if_contains("text"); text && parts_.size() == 1)
    return *text;
  return parts_;
}

class toolbox::tool {
public:
  std::string name;
  std::string description;
  json::object schema;
  detail::tool_function function;
};

namespace {

asio::awaitable<result<tool_result>> give(tool_result outcome) { co_return outcome; }

} // namespace

toolbox& toolbox::put(std::string name, std::string description, json::object schema, detail::tool_function function) {
  if (name.empty())
    throw configuration_error(error(errc::configuration, "a tool without a name"));
  for (auto const& known : tools_)
    if (known->name == name)
      throw configuration_error(error(errc::configuration, "a second tool of the name \"" + name + "\""));
  auto added = std::make_shared<tool>();
  added->name = std::move(name);
  added->description = std::move(description);
  added->schema = std::move(schema);
  added->function = std::move(function);
  tools_.push_back(std::move(added));
  return *this;
}

asio::awaitable<result<tool_result>> toolbox::call(std::string_view name, std::string arguments) const {
  std::string names;
  for (auto const& known : tools_) {
    if (known->name == name)
      return run(known, std::move(arguments));
    names += (names.empty() ? "" : ", ") + known->name;
  }
  return give(tool_result::failure("there is no tool \"" + std::string(name) +
                                   "\"; there are: " + (names.empty() ? "none" : names)));
}

asio::awaitable<result<tool_result>> toolbox::run(std::shared_ptr<tool const> called, std::string arguments) {
  auto parsed = parse_json(arguments);
  if (!parsed)
    co_return tool_result::failure("the arguments are " + parsed.error().message());
  if (!parsed->is_object())
    co_return tool_result::failure("arguments: expected an object, got " + describe_value(*parsed));
  if (auto fault = find_schema_fault(*parsed, called->schema, "arguments"))
    co_return tool_result::failure(std::move(*fault));
  std::string failure = "unknown exception";
  try {
    auto running = called->function(std::move(parsed->get_object()));
    auto outcome = co_await std::move(running);
    if (outcome)
      co_return outcome;
    failure = outcome.error().message();
  } catch (std::exception const& thrown) {
    failure = thrown.what();
  } catch (...) {
  }
  // A handler may meet operation_aborted or errc::cancelled on its own; only the caller's cancellation is one.
  auto const state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    co_return cancelled_by_caller();
  co_return tool_result::failure("the tool failed: " + failure);
}

json::array toolbox::definitions() const {
  json::array out;
  for (auto const& each : tools_) {
    json::object function;
    function.emplace("name", each->name);
    if (!each->description.empty())
      function.emplace("description", each->description);
    function.emplace("parameters", each->schema);
    json::object definition;
    definition.emplace("type", "function");
    definition.emplace("function", std::move(function));
    out.emplace_back(std::move(definition));
  }
  return out;
}

namespace {

std::string_view name_of(json::value const& definition) {
  auto const* tool = definition.if_object();
  auto const* function = tool ? find_object(*tool, "function") : nullptr;
  return function ? find_string(*function, "name") : std::string_view();
}

// A conversation that goes on has the tools already.
void declare(toolbox const& tools, chat_request& request) {
  if (tools.empty())
    return;
  auto const* given = find_array(request.json(), "tools");
  json::array all = given ? *given : json::array();
  for (auto& definition : tools.definitions()) {
    bool known = false;
    for (auto& other : all)
      if (name_of(other) == name_of(definition)) {
        other = definition;
        known = true;
      }
    if (!known)
      all.emplace_back(std::move(definition));
  }
  request.set("tools", std::move(all));
}

// Told to call a tool in each turn, the model could never answer.
void unforce(chat_request& request) {
  auto const* choice = request.json().if_contains("tool_choice");
  auto const* object = choice ? choice->if_object() : nullptr;
  auto const word = object ? find_string(*object, "type") : find_string(request.json(), "tool_choice");
  if (word == "required" || word == "any" || word == "function" || word == "tool") {
    request.set("tool_choice", "auto");
  } else if (object && word == "allowed_tools") {
    json::object allowed = *object;
    auto* nested = allowed.if_contains("allowed_tools");
    (nested && nested->is_object() ? nested->get_object() : allowed)["mode"] = "auto";
    request.set("tool_choice", std::move(allowed));
  }
}

// One call as it stands in the model's answer.
class tool_call {
public:
  explicit tool_call(json::value const& call) {
    auto const* object = call.if_object();
    auto const* function = object ? find_object(*object, "function") : nullptr;
    if (object)
      id = find_string(*object, "id");
    if (function) {
      name = find_string(*function, "name");
      arguments = find_string(*function, "arguments");
    }
  }

  json::object answer(tool_result const& outcome) const {
    json::object message;
    message.emplace("role", "tool");
    message.emplace("tool_call_id", id);
    message.emplace("content", outcome.content());
    if (outcome.is_error())
      message.emplace("is_error", true);
    return message;
  }

  std::string id;
  std::string name;
  std::string arguments;
};

class tool_loop {
public:
  tool_loop(model claude, chat_request request, toolbox tools, run_tools_options options)
      : claude_(std::move(claude)), tools_(std::move(tools)), options_(std::move(options)) {
    run_.request = std::move(request);
    declare(tools_, run_.request);
  }

  asio::awaitable<result<tool_run>> go() {
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
      unforce(run_.request);
    }
    co_return std::move(run_);
  }

private:
  asio::awaitable<result<void>> ask() {
    auto const begin = clock::now();
    auto asking = claude_.invoke(run_.request, options_.call);
    auto answer = co_await std::move(asking);
    if (!answer)
      co_return answer.error();
    run_.response = std::move(*answer);
    run_.request.message(run_.response.message());
    ++run_.turns;
    auto const usage = run_.response.usage();
    run_.usage.prompt_tokens += usage.prompt_tokens;
    run_.usage.completion_tokens += usage.completion_tokens;
    run_.usage.total_tokens += usage.total_tokens;
    run_.usage.cached_tokens += usage.cached_tokens;
    tool_step step;
    step.response = &run_.response;
    report(step, begin);
    co_return result<void>();
  }

  bool has_ended() {
    std::string why;
    if (run_.response.finish_reason() != "tool_calls" || run_.response.tool_calls().empty()) {
      why = "the answer ended with finish_reason \"" + std::string(run_.response.finish_reason()) + "\"";
    } else if (run_.turns >= options_.max_turns) {
      run_.end = tool_run_end::max_turns;
      why = "the limit on turns was reached";
    } else if (options_.max_total_tokens && run_.usage.total_tokens >= *options_.max_total_tokens) {
      run_.end = tool_run_end::max_total_tokens;
      why = "the limit on tokens was reached";
    } else {
      return false;
    }
    // Without answers to its calls the conversation could not go on.
    auto const outcome = tool_result::failure("not carried out: " + why);
    for (auto const& value : run_.response.tool_calls())
      run_.request.message(tool_call(value).answer(outcome));
    return true;
  }

  asio::awaitable<result<void>> call_tools() {
    std::vector<tool_call> calls;
    for (auto const& value : run_.response.tool_calls())
      calls.emplace_back(value);
    call_log().debug("turn {}: the model calls {} tools", run_.turns, calls.size());
    // They refer to the calls and to this object; join_all() ends no sooner than the last of them.
    std::vector<asio::awaitable<result<tool_result>>> work;
    for (auto const& call : calls)
      work.push_back(call_tool(call));
    auto joining = join_all(std::move(work), options_.max_parallel, options_.call.deadline);
    auto outcome = co_await std::move(joining);
    if (outcome.stopped == errc::cancelled)
      co_return cancelled_by_caller();
    if (outcome.stopped == errc::timeout)
      co_return late(calls, outcome);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      auto const& given = outcome.values[i].value();
      if (!given)
        co_return given.error();
      run_.request.message(calls[i].answer(*given));
    }
    co_return result<void>();
  }

  asio::awaitable<result<tool_result>> call_tool(tool_call const& call) {
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

  static error late(std::vector<tool_call> const& calls, joined<result<tool_result>> const& outcome) {
    std::string names;
    for (std::size_t i = 0; i < calls.size(); ++i)
      if (auto const& given = outcome.values[i]; !given || !*given)
        names += (names.empty() ? "" : ", ") + calls[i].name;
    return error(errc::timeout, "the deadline passed while tools were running: " + names);
  }

  void report(tool_step& step, clock::time_point begin) const {
    step.turn = run_.turns;
    step.duration = clock::now() - begin;
    if (options_.on_step)
      options_.on_step(step);
  }

  model claude_;
  toolbox tools_;
  run_tools_options options_;
  tool_run run_;
};

asio::awaitable<result<tool_run>> run_loop(model claude, chat_request request, toolbox tools,
                                           run_tools_options options) {
  tool_loop loop(std::move(claude), std::move(request), std::move(tools), std::move(options));
  try {
    auto going = loop.go();
    auto outcome = co_await std::move(going);
    co_return outcome;
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return cancelled_by_caller();
}

} // namespace

asio::awaitable<result<tool_run>> run_tools(model claude, chat_request request, toolbox tools,
                                            run_tools_options options) {
  return run_loop(std::move(claude), std::move(request), std::move(tools), std::move(options));
}

} // namespace claudio
