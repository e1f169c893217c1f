// `run_tools()` in Anthropic's own format.
#include "core/json_access.hpp"
#include "core/translate/data_uri.hpp"
#include "runtime/tool_loop.hpp"

namespace claudio {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

json::value native_definition(json::value const& definition) {
  auto const& function = definition.at("function").as_object();
  json::object tool;
  for (std::string_view const member : {"name", "description"})
    if (auto const* value = find_value(function, member))
      tool.emplace(member, *value);
  auto schema = function.at("parameters").as_object();
  schema.emplace("type", "object"); // which the API requires
  tool.emplace("input_schema", std::move(schema));
  return tool;
}

// A tool's result has images as OpenAI's format has them.
json::value native_part(json::value const& part) {
  auto const* image = find_object(part.as_object(), "image_url");
  if (!image)
    return part;
  auto const url = find_string(*image, "url");
  auto const uri = data_uri::parse(url);
  json::object source;
  source.emplace("type", "base64");
  source.emplace("media_type", uri ? uri->media_type : std::string_view());
  source.emplace("data", uri ? url.substr(uri->data_begin) : std::string_view());
  json::object block;
  block.emplace("type", "image");
  block.emplace("source", std::move(source));
  return block;
}

json::value native_content(json::value content) {
  if (auto* parts = content.if_array())
    for (auto& part : *parts)
      part = native_part(part);
  return content;
}

class native_format {
public:
  using request = message_request;
  using run = native_tool_run;

  explicit native_format(client endpoint) : endpoint_(std::move(endpoint)) {}

  asio::awaitable<result<message>> ask(message_request const& asked, run_tools_options const& options) const {
    return options.on_event ? ask_for_stream(asked, options) : endpoint_.create(asked, options.call);
  }

  // A conversation that goes on has the tools already.
  static void declare(toolbox const& tools, message_request& asked) {
    if (tools.empty())
      return;
    auto const* given = find_array(asked.json(), "tools");
    json::array all = given ? *given : json::array();
    for (auto const& definition : tools.definitions()) {
      auto tool = native_definition(definition);
      auto const known = std::find_if(all.begin(), all.end(), [&](json::value const& other) {
        return other.is_object() && find_string(other.get_object(), "name") == tool.at("name").as_string();
      });
      if (known != all.end())
        *known = std::move(tool);
      else
        all.push_back(std::move(tool));
    }
    asked.set("tools", std::move(all));
  }

  // Told to call a tool in each turn, the model could never answer.
  static void unforce(message_request& asked) {
    auto const* choice = find_object(asked.json(), "tool_choice");
    if (!choice)
      return;
    if (auto const type = find_string(*choice, "type"); type != "any" && type != "tool")
      return;
    json::object free;
    free.emplace("type", "auto");
    if (auto const* parallel = find_value(*choice, "disable_parallel_tool_use"))
      free.emplace("disable_parallel_tool_use", *parallel);
    asked.set("tool_choice", std::move(free));
  }

  static void describe(tool_step& step, message const& answer) { step.answer = &answer; }

  static void add_answer(message_request& asked, message const& answer) {
    if (!answer.content().empty())
      asked.message("assistant", answer.content());
  }

  static std::uint64_t add_usage(message_usage& all, message const& answer) {
    auto const usage = answer.usage();
    all.input_tokens += usage.input_tokens;
    all.output_tokens += usage.output_tokens;
    all.cache_creation_input_tokens += usage.cache_creation_input_tokens;
    all.cache_read_input_tokens += usage.cache_read_input_tokens;
    return usage.input_tokens + usage.output_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  }

  static std::vector<tool_call> calls_of(message const& answer) {
    std::vector<tool_call> calls;
    for (auto const& value : answer.content()) {
      auto const* block = value.if_object();
      if (!block || find_string(*block, "type") != "tool_use")
        continue;
      auto& call = calls.emplace_back();
      call.id = find_string(*block, "id");
      call.name = find_string(*block, "name");
      auto const* input = find_value(*block, "input");
      call.arguments = input ? json::serialize(*input) : "{}";
    }
    return calls;
  }

  static std::optional<std::string> why_ended(message const& answer, std::vector<tool_call> const& calls) {
    if ((answer.stop_reason() == "tool_use" && !calls.empty()) || answer.stop_reason() == "pause_turn")
      return std::nullopt;
    return "the answer ended with stop_reason \"" + std::string(answer.stop_reason()) + "\"";
  }

  // The API wants all results of a turn in one user's turn.
  static void add_results(message_request& asked, std::vector<tool_call> const& calls,
                          std::vector<tool_result> const& outcomes) {
    json::array blocks;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      json::object block;
      block.emplace("type", "tool_result");
      block.emplace("tool_use_id", calls[i].id);
      block.emplace("content", native_content(outcomes[i].content()));
      if (outcomes[i].is_error())
        block.emplace("is_error", true);
      blocks.push_back(std::move(block));
    }
    if (!blocks.empty())
      asked.message("user", std::move(blocks));
  }

private:
  asio::awaitable<result<message>> ask_for_stream(message_request asked, run_tools_options const& options) const {
    auto opening = endpoint_.stream(std::move(asked), options.call);
    auto stream = co_await std::move(opening);
    if (!stream)
      co_return stream.error();
    auto reading = read_through(*stream, options.on_event);
    auto const read = co_await std::move(reading);
    if (!read)
      co_return read.error();
    co_return stream->response();
  }

  client endpoint_;
};

} // namespace

asio::awaitable<result<native_tool_run>> run_tools(client endpoint, message_request request, toolbox tools,
                                                   run_tools_options options) {
  return run_loop(native_format(std::move(endpoint)), std::move(request), std::move(tools), std::move(options));
}

} // namespace claudio
