// Whatever an answer or an error holds, it becomes one in OpenAI's format, and the answer's message can be sent back.
// The input: a byte that chooses the context, then the body.
#include <claudio/translate.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>

namespace json = boost::json;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view const body(reinterpret_cast<char const*>(bytes) + 1, size - 1);
  auto const made =
      claudio::to_openai_error(100 + bytes[0] * 2, {{"retry-after", std::string(body.substr(0, 20))}}, body, {});
  require(made.status >= 400 && made.body.at("error").at("message").as_string().size() < 8192);

  auto const answer = claudio::message::parse(body);
  if (!answer)
    return 0;
  claudio::answer_context context;
  context.function_call = (bytes[0] & 1) != 0;
  context.hide_reasoning = (bytes[0] & 2) != 0;
  if (bytes[0] & 4)
    context.json_tool = "get";
  if (bytes[0] & 8)
    context.prefill = "{";
  if (bytes[0] & 16)
    context.tool_names.emplace_back("get", "g.t");
  auto const response = claudio::to_openai(*answer, context, {});
  boost::system::error_code failure;
  json::parse_options options;
  options.max_depth = 512;
  json::parse(json::serialize(response.json()), failure, {}, options);
  require(!failure);

  claudio::chat_request request;
  request.user("Hi").message(response.message());
  claudio::translation_target target;
  target.model = "claude-sonnet-4-6";
  target.capabilities = claudio::capabilities_of(target.model);
  (void)claudio::to_anthropic(request, target);
  return 0;
}
