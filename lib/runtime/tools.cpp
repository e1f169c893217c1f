#include "core/json_access.hpp"
#include "runtime/tool_loop.hpp"

namespace claudio {
namespace asio = boost::asio;
namespace json = boost::json;

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

// OpenAI's format.
class chat_format {
public:
  using request = chat_request;
  using run = tool_run;

  explicit chat_format(model claude) : claude_(std::move(claude)) {}

  asio::awaitable<result<chat_response>> ask(chat_request const& asked, run_tools_options const& options) const {
    return options.on_chunk ? ask_for_stream(asked, options) : claude_.invoke(asked, options.call);
  }

  static void declare(toolbox const& tools, chat_request& asked) { claudio::declare(tools, asked); }
  static void unforce(chat_request& asked) { claudio::unforce(asked); }
  static void describe(tool_step& step, chat_response const& answer) { step.response = &answer; }
  static void add_answer(chat_request& asked, chat_response const& answer) { asked.message(answer.message()); }

  static std::uint64_t add_usage(chat_usage& all, chat_response const& answer) {
    auto const usage = answer.usage();
    all.prompt_tokens += usage.prompt_tokens;
    all.completion_tokens += usage.completion_tokens;
    all.total_tokens += usage.total_tokens;
    all.cached_tokens += usage.cached_tokens;
    return usage.total_tokens;
  }

  static std::vector<tool_call> calls_of(chat_response const& answer) {
    std::vector<tool_call> calls;
    for (auto const& value : answer.tool_calls()) {
      auto& call = calls.emplace_back();
      auto const* object = value.if_object();
      auto const* function = object ? find_object(*object, "function") : nullptr;
      if (object)
        call.id = find_string(*object, "id");
      if (function) {
        call.name = find_string(*function, "name");
        call.arguments = find_string(*function, "arguments");
      }
    }
    return calls;
  }

  static std::optional<std::string> why_ended(chat_response const& answer, std::vector<tool_call> const& calls) {
    if (answer.finish_reason() == "tool_calls" && !calls.empty())
      return std::nullopt;
    return "the answer ended with finish_reason \"" + std::string(answer.finish_reason()) + "\"";
  }

  static void add_results(chat_request& asked, std::vector<tool_call> const& calls,
                          std::vector<tool_result> const& outcomes) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      json::object message;
      message.emplace("role", "tool");
      message.emplace("tool_call_id", calls[i].id);
      message.emplace("content", outcomes[i].content());
      if (outcomes[i].is_error())
        message.emplace("is_error", true);
      asked.message(std::move(message));
    }
  }

private:
  asio::awaitable<result<chat_response>> ask_for_stream(chat_request asked, run_tools_options const& options) const {
    auto opening = claude_.stream(std::move(asked), options.call);
    auto stream = co_await std::move(opening);
    if (!stream)
      co_return stream.error();
    auto reading = read_through(*stream, options.on_chunk);
    auto const read = co_await std::move(reading);
    if (!read)
      co_return read.error();
    co_return stream->response();
  }

  model claude_;
};

} // namespace

asio::awaitable<result<tool_run>> run_tools(model claude, chat_request request, toolbox tools,
                                            run_tools_options options) {
  return run_loop(chat_format(std::move(claude)), std::move(request), std::move(tools), std::move(options));
}

} // namespace claudio
