// What the API refuses, by its own words where these are known: the wrong forms that translators send.
#include "core/schema_check.hpp"
#include "support/test.hpp"
#include "testing/messages_api.hpp"

#include <boost/json/serialize.hpp>

using namespace claudio;
using namespace claudio::testing;

namespace {

std::string judged(boost::json::object const& body, std::string betas = "") {
  received_request request;
  request.method = "POST";
  request.target = "/v1/messages";
  request.headers = {{"x-api-key", "sk-ant-x"}, {"anthropic-version", "2023-06-01"}};
  if (!betas.empty())
    request.headers.emplace_back("anthropic-beta", std::move(betas));
  request.body = boost::json::serialize(body);
  return reply_text(judge(request, ""), request);
}

// A valid request with these fields.
boost::json::object request_with(std::string_view fields) {
  auto body = test::json(fields).as_object();
  body.emplace("model", "claude-sonnet-4-6");
  body.emplace("max_tokens", 5000);
  body.emplace("messages", test::json(R"([{"role":"user","content":"a"}])"));
  return body;
}

boost::json::object with_messages(std::string_view messages, std::string_view fields = "{}") {
  auto body = request_with(fields);
  body["messages"] = test::json("[" + std::string(messages) + "]");
  return body;
}

boost::json::object with_format(std::string_view schema) {
  return request_with(R"({"output_config":{"format":{"type":"json_schema","schema":)" + std::string(schema) + "}}}");
}

boost::json::object with_strict(std::string_view schema) {
  return request_with(R"({"tools":[{"name":"t","strict":true,"input_schema":)" + std::string(schema) + "}]}");
}

// An object schema with so many properties.
std::string many_properties(int count, std::string_view property, bool required) {
  std::string properties;
  std::string names;
  for (int i = 0; i < count; ++i) {
    std::string const name = "\"p" + std::to_string(i) + "\"";
    properties += (i == 0 ? "" : ",") + name + ":" + std::string(property);
    names += (i == 0 ? "" : ",") + name;
  }
  return R"({"type":"object","additionalProperties":false,"properties":{)" + properties + R"(},"required":[)" +
         (required ? names : "") + "]}";
}

void check_verdict(boost::json::object const& body, std::string_view expected) {
  BOOST_TEST_CONTEXT(boost::json::serialize(body)) {
    auto const got = judged(body);
    auto const answer = test::json(got.substr(4));
    if (expected.empty()) {
      BOOST_TEST(got.starts_with("200 "), got);
      return;
    }
    BOOST_REQUIRE_MESSAGE(got.starts_with("400 "), got);
    std::string const message(answer.at("error").at("message").as_string());
    BOOST_TEST(message.find(expected) != std::string::npos, message);
  }
}

constexpr char const* user_turn = R"({"role":"user","content":"a"})";

std::string talk(std::string_view assistant_blocks, bool user_follows = true) {
  return std::string(user_turn) + R"(,{"role":"assistant","content":[)" + std::string(assistant_blocks) + "]}" +
         (user_follows ? "," + std::string(user_turn) : "");
}

} // namespace

BOOST_AUTO_TEST_SUITE(judging)

BOOST_AUTO_TEST_CASE(thoughts) {
  std::string const thought = R"({"type":"thinking","thinking":"t","signature":"S"})";
  std::string const text = R"({"type":"text","text":"x"})";
  check_verdict(with_messages(talk(thought + "," + text)), "");
  check_verdict(with_messages(talk(thought)),
                "messages.1: The final block in an assistant message cannot be `thinking`.");
  check_verdict(with_messages(talk(R"({"type":"redacted_thinking","data":"EmwK"})")), "cannot be `redacted_thinking`.");
  check_verdict(with_messages(talk(text + "," + thought, false)), "The final block in an assistant message");
  // Neighbours are one turn.
  check_verdict(with_messages(std::string(user_turn) + R"(,{"role":"assistant","content":[)" + thought +
                              R"(]},{"role":"assistant","content":"x"},)" + user_turn),
                "");
  check_verdict(with_messages(talk(R"({"type":"thinking","signature":"S"},)" + text)),
                "messages.1.content.0.thinking.thinking: Field required");
  check_verdict(with_messages(talk(R"({"type":"thinking","thinking":"t"},)" + text)),
                "messages.1.content.0.thinking.signature: Field required");
  check_verdict(with_messages(talk(R"({"type":"thinking","thinking":"","signature":""},)" + text)),
                "Invalid `signature` in `thinking` block");
  check_verdict(with_messages(talk(R"({"type":"redacted_thinking"},)" + text)),
                "redacted_thinking.data: Field required");
  check_verdict(with_messages(talk(R"({"type":"redacted_thinking","data":"gAAAAABo"},)" + text)),
                "Invalid `data` in `redacted_thinking` block");
  check_verdict(
      with_messages(
          talk(R"({"type":"thinking","thinking":"t","signature":"S","cache_control":{"type":"ephemeral"}},)" + text)),
      "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted");
  check_verdict(with_messages(R"({"role":"user","content":[)" + thought + "]}"),
                "`thinking` blocks can only be in `assistant` messages");
}

BOOST_AUTO_TEST_CASE(thinking_and_its_limits) {
  auto const thinks = [](std::string_view thinking, std::string_view model = "claude-sonnet-4-5") {
    auto body = request_with(R"({"thinking":)" + std::string(thinking) + "}");
    body["model"] = boost::json::string_view(model);
    return body;
  };
  check_verdict(thinks(R"({"type":"enabled","budget_tokens":1024})"), "");
  check_verdict(thinks(R"({"type":"enabled","budget_tokens":1023})"), "greater than or equal to 1024");
  check_verdict(thinks(R"({"type":"enabled","budget_tokens":5000})"), "`max_tokens` must be greater than");
  check_verdict(thinks(R"({"type":"enabled"})"), "thinking.enabled.budget_tokens: Field required");
  check_verdict(thinks(R"({"type":"adaptive"})"), "\"adaptive\" is not supported");
  check_verdict(thinks(R"({"type":"between_tools"})"), "\"between_tools\" is not supported");
  check_verdict(thinks(R"({"type":"much"})"), "Input tag 'much'");
  for (auto const& [field, value] : {std::pair("temperature", "0.5"), std::pair("top_k", "5")}) {
    auto body = thinks(R"({"type":"enabled","budget_tokens":1024})");
    body[field] = test::json(value);
    check_verdict(body, "when thinking is enabled");
  }
  auto warm = thinks(R"({"type":"enabled","budget_tokens":1024})");
  warm["temperature"] = 1;
  check_verdict(warm, "");
  check_verdict(request_with(R"({"output_config":{"effort":"some"}})"), "output_config.effort: Input should be");
  check_verdict(request_with(R"({"output_config":{"effort":"xhigh"}})"), "\"xhigh\" is not supported by this model");
  check_verdict(request_with(R"({"output_config":{"verbosity":"low"}})"), "output_config.verbosity: Extra inputs");
  check_verdict(request_with(R"({"output_config":{"effort":"low"}})"), "");
}

BOOST_AUTO_TEST_CASE(schemas_that_are_not_enforced) {
  auto const object = [](std::string_view property, std::string_view more = "") {
    return R"({"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":)" +
           std::string(property) + "}" + std::string(more) + "}";
  };
  std::pair<std::string, char const*> const rows[] = {
      {object(R"({"enum":["low",null]})"), ""},
      {object(R"({"type":"string","enum":["low"]})"), ""},
      {object(R"({"type":["string","null"]})"), ""},
      {object(R"({"$ref":"#/$defs/A"})", R"(,"$defs":{"A":{"type":"string","format":"uuid"}})"), ""},
      {object(R"({"type":["string","null"],"enum":["low","high",null]})"),
       "Invalid schema: Enum value 'low' does not match declared type '['string', 'null']'"},
      {object(R"({"type":"string","enum":["low",null]})"), "Enum value None does not match declared type 'string'"},
      {object(R"({"type":"integer","enum":[1,2.5]})"), "does not match declared type 'integer'"},
      {object(R"({"enum":[{"a":1},"x"]})"), "Complex types within enums"},
      {object(R"({"enum":[["x"]]})"), "Complex types within enums"},
      {object(R"({"enum":[]})"), "non-empty list"},
      {object(R"({"allOf":[{"$ref":"#/$defs/A"}]})", R"(,"$defs":{"A":{"type":"string"}})"), "'allOf' with '$ref'"},
      {object(R"({"oneOf":[{"type":"string"}]})"), "property 'oneOf' is not supported"},
      {object(R"({"type":"number","minimum":1,"maximum":2})"),
       "For 'number' type, properties maximum, minimum are not supported"},
      {object(R"({"type":"integer","exclusiveMinimum":0})"), "For 'integer' type, property 'exclusiveMinimum' is not"},
      {object(R"({"type":"string","maxLength":2})"), "For 'string' type, property 'maxLength' is not supported"},
      {object(R"({"type":"array","items":{"type":"null"},"maxItems":2})"), "For 'array' type, property 'maxItems'"},
      {object(R"({"type":"array","items":{"type":"null"},"minItems":2})"), "'minItems' values other than 0 or 1"},
      {object(R"({"type":"array","prefixItems":[{"type":"null"}]})"), "property 'prefixItems' is not supported"},
      {object(R"({"type":"string","format":"phone"})"), "format 'phone' is not supported"},
      {object(R"-({"type":"string","pattern":"^(?=a)"})-"), "lookaround"},
      {object(R"({"type":"string","nullable":true})"), "property 'nullable' is not supported"},
      {object(R"({"anyOf":[{"type":"string"}],"discriminator":{"propertyName":"k"}})"), "property 'discriminator'"},
      {object(R"({"type":"string"})", R"(,"patternProperties":{})"), "property 'patternProperties' is not supported"},
      {object(R"({"not":{"type":"string"}})"), "Empty schema ({})"},
      {object(R"({})"), "Empty schema ({}) that accepts any JSON value is not supported."},
      {object(R"({"description":"any"})"), "Empty schema ({})"},
      {object("true"), "Boolean schemas"},
      {object(R"({"type":"object","properties":{}})"), "'additionalProperties' must be explicitly set to false"},
      {object(R"({"type":"object","properties":{},"additionalProperties":true})"), "'additionalProperties: true'"},
      {object(R"({"type":"object","additionalProperties":{"type":"string"}})"), "'additionalProperties: object'"},
      {object(R"({"$ref":"#"})"), "Recursive schemas"},
      {object(R"({"$ref":"#/$defs/A"})",
              R"(,"$defs":{"A":{"anyOf":[{"$ref":"#/$defs/B"},{"type":"null"}]},"B":{"$ref":"#/$defs/A"}})"),
       "Recursive schemas"},
      {object(R"({"$ref":"https://example.com/s.json"})"), "external $ref"},
      {object(R"({"$ref":"#/properties/b"})"), "external $ref"}};
  for (auto const& [schema, expected] : rows) {
    check_verdict(with_format(schema), expected);
    check_verdict(with_strict(schema), expected);
  }
  check_verdict(with_format(R"({"type":"object","properties":{}})"), "output_config.format.schema: For 'object' type,");
  check_verdict(with_strict(R"({"type":"object","properties":{}})"), "tools.0.custom: For 'object' type,");
  // What is not to be enforced may be anything.
  check_verdict(request_with(R"({"tools":[{"name":"t","input_schema":{"type":"object","properties":{"a":{}}}}]})"), "");
}

BOOST_AUTO_TEST_CASE(schemas_in_total) {
  check_verdict(with_format(many_properties(16, R"({"type":["string","null"]})", true)), "");
  check_verdict(with_format(many_properties(17, R"({"type":["string","null"]})", true)),
                "Schemas contains too many parameters with union types (17 parameters with type arrays or anyOf).");
  check_verdict(with_format(many_properties(17, R"({"anyOf":[{"type":"string"},{"type":"null"}]})", true)),
                "union types (17 ");
  check_verdict(with_format(many_properties(17, R"({"enum":["a",null]})", true)), "");
  check_verdict(with_format(many_properties(24, R"({"type":"string"})", false)), "");
  check_verdict(with_format(many_properties(25, R"({"type":"string"})", false)),
                "Schemas contains too many optional parameters (25)");
  check_verdict(with_strict(many_properties(25, R"({"type":"string"})", false)),
                "Schemas contains too many optional parameters (25)");
  check_verdict(with_format(R"({"type":"array","items":)" + many_properties(25, R"({"type":"string"})", false) + "}"),
                "parameters (25)");
  // Of tools and answer together.
  auto body = with_format(many_properties(13, R"({"type":"string"})", false));
  body["tools"] = with_strict(many_properties(12, R"({"type":"string"})", false)).at("tools");
  check_verdict(body, "Schemas contains too many optional parameters (25)");
  body["tools"].as_array()[0].as_object().erase("strict");
  check_verdict(body, "");
  boost::json::array tools;
  for (int i = 0; i < 21; ++i) {
    auto tool = with_strict(many_properties(1, R"({"type":"string"})", true)).at("tools").as_array()[0].as_object();
    tool["name"] = "t" + std::to_string(i);
    tools.emplace_back(std::move(tool));
  }
  body = request_with("{}");
  body["tools"] = tools;
  check_verdict(body, "Too many strict tools (21). The maximum number of strict tools supported is 20.");
  tools.back().as_object()["strict"] = false;
  body["tools"] = tools;
  check_verdict(body, "");
}

BOOST_AUTO_TEST_CASE(what_a_format_refuses_beside_it) {
  std::string const format =
      R"({"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{},
    "additionalProperties":false}}},"model":"claude-sonnet-4-5"})";
  check_verdict(with_messages(user_turn, format), "");
  check_verdict(with_messages(talk(R"({"type":"text","text":"{"})", false), R"({"model":"claude-sonnet-4-5"})"), "");
  check_verdict(with_messages(talk(R"({"type":"text","text":"{"})", false), format), "prefilling is incompatible");
  check_verdict(with_messages(std::string(user_turn) + R"(,{"role":"assistant","content":"{"})", format), "prefilling");
  std::string const document = R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},
    "citations":{"enabled":true}})";
  check_verdict(with_messages(R"({"role":"user","content":[)" + document + "]}", format),
                "Citations cannot be enabled");
  check_verdict(with_messages(R"({"role":"user","content":[)" + document + "]}"), "");
  auto fetching = with_messages(user_turn, format);
  fetching["tools"] = test::json(R"([{"type":"web_fetch_20250910","name":"web_fetch","citations":{"enabled":true}}])");
  check_verdict(fetching, "Citations cannot be enabled");
  auto old = with_messages(user_turn, format);
  old["model"] = "claude-3-haiku-20240307";
  old["max_tokens"] = 100;
  check_verdict(old, "not supported by this model");
  check_verdict(request_with(R"({"output_config":{"format":{"type":"json_object"}}})"),
                "Input should be 'json_schema'");
  check_verdict(request_with(R"({"output_config":{"format":{"type":"json_schema"}}})"),
                "format.schema: Field required");
  check_verdict(request_with(R"({"output_config":{"format":{"type":"json_schema","schema":{},"name":"n"}}})"),
                "format.name: Extra");
}

BOOST_AUTO_TEST_CASE(cache_breakpoints) {
  std::string const cached = R"({"type":"text","text":"a","cache_control":{"type":"ephemeral"}})";
  auto const blocks = [&](int count) {
    std::string all = cached;
    for (int i = 1; i < count; ++i)
      all += "," + cached;
    return all;
  };
  std::string const system = R"({"system":[)" + cached + "]}";
  std::string const automatic = R"({"cache_control":{"type":"ephemeral"}})";
  auto const say = [&](int count) { return R"({"role":"user","content":[)" + blocks(count) + "]}"; };
  check_verdict(with_messages(say(4)), "");
  check_verdict(with_messages(say(5)), "A maximum of 4 blocks with cache_control may be provided. Found 5.");
  check_verdict(with_messages(say(4), system), "Found 5.");
  check_verdict(with_messages(say(3), automatic), "");
  check_verdict(with_messages(say(4), automatic), "no slots left for automatic caching");
  auto body = with_messages(say(4));
  body["tools"] = test::json(R"([{"name":"t","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}])");
  check_verdict(body, "Found 5.");
}

BOOST_AUTO_TEST_CASE(tools_and_their_fields) {
  auto const tool = [](std::string_view fields) {
    return request_with(
        R"({"tools":[{"name":"t","input_schema":{"type":"object","properties":{"n":{"type":"integer"}}})" +
        std::string(fields) + R"(},{"name":"u","input_schema":{"type":"object"}}]})");
  };
  auto const schema = [](std::string_view text) {
    return request_with(R"({"tools":[{"name":"t","input_schema":)" + std::string(text) + "}]}");
  };
  check_verdict(
      tool(R"(,"type":"custom","defer_loading":true,"input_examples":[{"n":1}],"eager_input_streaming":true)"), "");
  check_verdict(tool(R"(,"foo":1)"), "tools.0.custom.foo: Extra inputs are not permitted");
  check_verdict(tool(R"(,"parameters":{})"), "tools.0.custom.parameters: Extra inputs are not permitted");
  check_verdict(tool(R"(,"input_examples":[{"n":"one"}])"), "tools.0.custom.input_examples.0.n: expected an integer");
  check_verdict(tool(R"(,"input_examples":{})"), "input_examples: Input should be a valid list");
  check_verdict(request_with(R"({"tools":[{"name":"t","defer_loading":true,"input_schema":{"type":"object"}}]})"),
                "At least one tool must have defer_loading=false. All tools cannot be deferred.");
  check_verdict(schema(R"({"type":"object","anyOf":[{"required":["a"]}]})"),
                "input_schema does not support oneOf, allOf, or anyOf at the top level");
  check_verdict(schema(R"({"type":"object","properties":{"größe":{"type":"string"}}})"),
                "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'");
  for (auto const* old : {R"({"type":"integer","exclusiveMinimum":true,"minimum":0})", R"({"type":"any"})",
                          R"({"type":"array","items":[{"type":"null"}]})", R"({"type":"string","required":true})",
                          R"({"type":"object","properties":[]})", R"({"anyOf":[]})", R"({"type":[]})",
                          R"({"type":"object","required":["a","a"]})", R"({"enum":"a"})"})
    check_verdict(schema(R"({"type":"object","properties":{"a":)" + std::string(old) + "}}"),
                  "JSON schema is invalid.");
  std::string const called = R"({"role":"assistant","content":[{"type":"tool_use","id":"c","name":"t","input":{}}]})";
  auto const result = [&](std::string_view content) {
    return with_messages(
        std::string(user_turn) + "," + called +
            R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":)" + std::string(content) +
            "}]}",
        R"({"tools":[{"name":"t","input_schema":{"type":"object"}},{"name":"w","defer_loading":true,"input_schema":{"type":"object"}}]})");
  };
  check_verdict(result(R"([{"type":"tool_reference","tool_name":"w"}])"), "");
  check_verdict(result(R"([{"type":"tool_reference","tool_name":"x"}])"),
                "Tool reference 'x' not found in available tools");
  check_verdict(result(R"([{"type":"tool_reference"}])"), "tool_reference.tool_name: Field required");
  check_verdict(result(R"([{"type":"input_text","text":"a"}])"), "Input tag 'input_text' found using 'type'");
  check_verdict(result(R"([{"type":"text","text":" "}])"), "must contain non-whitespace text");
  check_verdict(result("7"), "Input should be a valid string or a list of content blocks");
}

BOOST_AUTO_TEST_CASE(blocks_and_their_fields) {
  auto const say = [](std::string_view block) {
    return with_messages(R"({"role":"user","content":[)" + std::string(block) + R"(,{"type":"text","text":"x"}]})");
  };
  auto const image = [&](std::string_view media, std::string_view data) {
    return say(R"({"type":"image","source":{"type":"base64","media_type":")" + std::string(media) + R"(","data":")" +
               std::string(data) + "\"}}");
  };
  check_verdict(image("image/png", "iVBORw0KGgo="), "");
  check_verdict(image("image/jpg", "iVBORw0KGgo="), "image.source.base64.media_type: Input should be 'image/jpeg'");
  check_verdict(image("image/png", "iVBOR\\nw0KGgo="), "image.source.base64.data: Invalid base64 data");
  check_verdict(image("image/png", "iVBORw0KGgo"), "Invalid base64 data");
  check_verdict(say(R"({"type":"image"})"), "image.source: Field required");
  check_verdict(say(R"({"type":"text","text":"a","annotations":[]})"),
                "text.annotations: Extra inputs are not permitted");
  check_verdict(say(R"({"type":"something_new","a":1})"), "");
  check_verdict(request_with(R"({"system":[{"type":"image","source":{}}]})"), "system.0.type: Input should be 'text'");
  check_verdict(request_with(R"({"metadata":{"user_id":"u","trace":"t"}})"), "metadata.trace: Extra inputs");
  check_verdict(request_with(R"({"fallbacks":"default"})"), "fallbacks: Extra inputs are not permitted");
  BOOST_TEST(judged(request_with(R"({"fallbacks":"default"})"), "server-side-fallback-2026-07-01").starts_with("200"));
  check_verdict(with_messages(talk(R"({"type":"text","text":"a "})", false), R"({"model":"claude-sonnet-4-5"})"),
                "cannot end with trailing whitespace");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_the_context) {
  std::string words;
  while (words.size() < 700'000)
    words += "word ";
  auto body = request_with(R"({"model":"claude-haiku-4-5","max_tokens":20000})");
  body["messages"].as_array()[0].as_object()["content"] = words;
  check_verdict(body, "");
  body["max_tokens"] = 40'000;
  check_verdict(body, "input length and `max_tokens` exceed context limit: 175");
  check_verdict(body, " + 40000 > 200000, decrease input length or `max_tokens` and try again");
  body["messages"].as_array()[0].as_object()["content"] = words + words;
  check_verdict(body, "prompt is too long: 350");
  check_verdict(body, " tokens > 200000 maximum");
}

// Whole and as a stream.
BOOST_AUTO_TEST_CASE(answers_fit_what_is_asked_for) {
  std::string const schema = R"({"type":"object","additionalProperties":false,"required":["level","when","tags"],
    "properties":{"level":{"enum":["low","high",null]},"when":{"type":"string","format":"date-time"},
    "tags":{"type":"array","items":{"$ref":"#/$defs/T"}},"note":{"type":"string"}},"$defs":{"T":{"anyOf":[
    {"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer"}},"required":["n"]},{"type":"null"}]}}})";
  auto const fits = [&](boost::json::value const& instance) {
    auto const fault = find_schema_fault(instance, test::json(schema).as_object(), "answer");
    BOOST_TEST(!fault.has_value(), fault.value_or(""));
  };
  auto const answered = test::json(judged(with_format(schema)).substr(4));
  fits(test::json(std::string(answered.at("content").at(0).at("text").as_string())));
  auto body = with_strict(schema);
  body["tool_choice"] = test::json(R"({"type":"tool","name":"t"})");
  fits(test::json(judged(body).substr(4)).at("content").at(0).at("input"));
  // Tools may be called before the answer.
  body["output_config"] = with_format(schema).at("output_config");
  fits(test::json(judged(body).substr(4)).at("content").at(0).at("input"));
  body.erase("tool_choice");
  fits(test::json(std::string(test::json(judged(body).substr(4)).at("content").at(0).at("text").as_string())));
}

BOOST_AUTO_TEST_SUITE_END()
