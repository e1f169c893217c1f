#include "support/test.hpp"

#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

#include <cmath>

using namespace claudio;
using claudio::test::json;

namespace {

translation_target target_for(std::string_view model) {
  translation_target target;
  target.model = std::string(model);
  target.capabilities = capabilities_of(model);
  return target;
}

result<translated_request> translate(std::string_view request, translation_target const& target) {
  return to_anthropic(chat_request::parse(request).value(), target);
}

std::string text_of(message_request const& request) { return boost::json::serialize(request.json()); }

} // namespace

BOOST_AUTO_TEST_SUITE(translation)

// Byte for byte, the order of the fields included.
BOOST_AUTO_TEST_CASE(the_guides_example_gives_the_guides_request) {
  auto const translated = translate(R"({
    "model": "claude-3-5-sonnet-20241022",
    "messages": [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Hello!"}],
    "max_tokens": 1000, "temperature": 0.7})",
                                    target_for("claude-3-5-sonnet-20241022"));
  BOOST_TEST(text_of(translated->request) == boost::json::serialize(json(R"({
    "model": "claude-3-5-sonnet-20241022",
    "system": "You are a helpful assistant.",
    "messages": [{"role": "user", "content": "Hello!"}],
    "max_tokens": 1000, "temperature": 0.7})")));
  BOOST_TEST(translated->warnings.empty());
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_refused) {
  for (double const number : {std::nan(""), HUGE_VAL})
    BOOST_TEST(
        to_anthropic(chat_request{}.user("a").temperature(number), target_for("claude-sonnet-4-6")).error().param() ==
        "temperature");
}

// Request, else model_params, else the model's max_tokens, else 4096, never above the cap.
BOOST_AUTO_TEST_CASE(defaults) {
  auto target = target_for("claude-sonnet-4-6");
  auto const plain = R"({"messages":[{"role":"user","content":"a"}]})";
  auto const limit = [&](char const* request) {
    auto const translated = translate(request, target);
    return translated->request.json().at("max_tokens").as_int64();
  };
  BOOST_TEST(limit(plain) == 4096);
  target.max_tokens = 2000;
  BOOST_TEST(limit(plain) == 2000);
  target.default_parameters = json(R"({"max_tokens":300,"temperature":0.7,"stop":["END"]})").as_object();
  BOOST_TEST(limit(plain) == 300);
  BOOST_TEST(limit(R"({"messages":[{"role":"user","content":"a"}],"max_tokens":10})") == 10);
  BOOST_TEST(
      text_of(translate(plain, target)->request) ==
      R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":300,"temperature":7E-1,"stop_sequences":["END"]})");
  // A default temperature gives way to the top_p that the request asks for.
  auto const chosen = translate(R"({"messages":[{"role":"user","content":"a"}],"top_p":0.5})", target);
  BOOST_TEST(chosen->request.json().contains("top_p"));
  BOOST_TEST(!chosen->request.json().contains("temperature"));
  target.default_parameters = boost::json::object();
  target.max_tokens = 10'000'000;
  BOOST_TEST(limit(plain) == 128'000);
}

BOOST_AUTO_TEST_CASE(answers) {
  auto answer = message::parse(R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":7}})");
  auto const response =
      to_openai(*answer, answer_context(), std::chrono::system_clock::from_time_t(1234), {"from the request"});
  BOOST_TEST(response.text() == "Hello");
  BOOST_TEST(response.id() == "msg_1");
  BOOST_TEST(response.usage().total_tokens == 17u);
  BOOST_TEST(response.json().at("created").as_int64() == 1234);
  BOOST_TEST(response.json().at("object").as_string() == "chat.completion");
  BOOST_TEST(!response.json().contains("system_fingerprint"));
  BOOST_TEST(response.warnings().size() == 1u);
}

// However many blocks of however many kinds an answer has.
BOOST_AUTO_TEST_CASE(an_answer_has_few_warnings) {
  boost::json::array content;
  for (int i = 0; i < 1000; ++i) {
    boost::json::object block;
    block.emplace("type", "novel_" + std::to_string(i) + std::string(98, 'x') + "ää");
    content.emplace_back(std::move(block));
    content.emplace_back(json(R"({"type":"tool_use","id":"t","name":"n","input":{}})"));
  }
  boost::json::object answer;
  answer.emplace("type", "message");
  answer.emplace("content", std::move(content));
  answer_context context;
  context.function_call = true;
  auto const response = to_openai(message(std::move(answer)), context, {});
  BOOST_TEST(response.warnings().size() == 21u);
  for (auto const& warning : response.warnings())
    BOOST_TEST(warning.size() < 200u);
}

// Where each cited text begins and ends in the whole.
BOOST_AUTO_TEST_CASE(annotations_count_characters) {
  auto answer = message::parse(R"({"type":"message","content":[{"type":"text","text":"äö "},
    {"type":"text","text":"€uro","citations":[{"type":"web_search_result_location","url":"u","title":"t"}]},
    {"type":"tool_use","id":"t","name":"out","input":{"a":1}},
    {"type":"text","text":"!","citations":[{"type":"web_search_result_location","url":"v","title":"t"}]}]})");
  answer_context context;
  context.prefill = "¡";
  context.json_tool = "out";
  auto const response = to_openai(*answer, context, {});
  BOOST_TEST(response.text() == "¡äö €uro{\"a\":1}!");
  auto const annotations = response.message().at("annotations").as_array();
  BOOST_REQUIRE(annotations.size() == 2u);
  BOOST_TEST(annotations[0].at("url_citation") == json(R"({"url":"u","title":"t","start_index":4,"end_index":8})"));
  BOOST_TEST(annotations[1].at("url_citation") == json(R"({"url":"v","title":"t","start_index":15,"end_index":16})"));
}

// An answer goes back as a message and becomes the blocks that it was: what is signed, and what is cached, stays.
BOOST_AUTO_TEST_CASE(an_answer_sent_back_is_what_it_was) {
  char const* const contents[] = {
      R"([{"type":"thinking","thinking":" a ","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"Hi "},{"type":"tool_use","id":"t1","name":"get","input":{"z":9007199254740993,"a":[]}}])",
      R"([{"type":"text","text":"Hi"},{"type":"thinking","thinking":"","signature":"s"},{"type":"tool_use","id":"t1","name":"get","input":{}}])",
      R"([{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"q"}},{"type":"web_search_tool_result","tool_use_id":"s1","content":[]},{"type":"text","text":"Hi","citations":[{"type":"web_search_result_location","url":"u","title":"t","encrypted_index":"e","cited_text":"c"}]},{"type":"tool_use","id":"t1","name":"get","input":{}}])"};
  for (auto const* content : contents)
    BOOST_TEST_CONTEXT(content) {
      auto answer = message::parse(R"({"type":"message","content":)" + std::string(content) + "}");
      chat_request request;
      request.user("Hello!").message(to_openai(*answer, answer_context(), {}).message());
      request.message(json(R"({"role":"tool","tool_call_id":"t1","content":"1"})").as_object());
      request.set("tools", json(R"([{"type":"function","function":{"name":"get"}}])"));
      auto target = target_for("claude-sonnet-4-6");
      target.mode = translation_mode::strict;
      auto const translated = to_anthropic(request, target);
      BOOST_REQUIRE(translated.has_value());
      BOOST_TEST(translated->request.json().at("messages").at(1).at("content") == json(content));
      BOOST_TEST(translated->warnings.empty());
    }
}

// Numbers and the order of members, as a prompt cache wants them.
BOOST_AUTO_TEST_CASE(arguments_keep_their_bytes) {
  auto const translated = translate(R"({"messages":[{"role":"user","content":"a"},
    {"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"z\":9007199254740993,\"a\":18446744073709551615,\"m\":\"\u00e4\"}"}}]},
    {"role":"tool","tool_call_id":"c","content":"1"}],"tools":[{"type":"function","function":{"name":"f"}}]})",
                                    target_for("claude-sonnet-4-6"));
  BOOST_TEST(text_of(translated->request).find(R"({"z":9007199254740993,"a":18446744073709551615,"m":"ä"})") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(big_values_are_moved) {
  std::string const image = "data:image/png;base64,iVBORw0KGgo" + std::string(1 << 20, 'A');
  chat_request request;
  request.message(
      json(R"({"role":"user","content":[{"type":"image_url","image_url":{"url":""}},{"type":"text","text":""}]})")
          .as_object());
  auto json_object = std::move(request).json();
  auto& parts = json_object["messages"].as_array()[0].as_object()["content"].as_array();
  parts[0].as_object()["image_url"].as_object()["url"] = image;
  parts[1].as_object()["text"] = std::string(1 << 20, 'x');
  auto const* const text = parts[1].at("text").as_string().data();
  auto const* const url = parts[0].at("image_url").at("url").as_string().data();
  auto const translated = to_anthropic(chat_request(std::move(json_object)), target_for("claude-sonnet-4-6"));
  auto const& blocks = translated->request.json().at("messages").at(0).at("content");
  BOOST_TEST(static_cast<void const*>(blocks.at(1).at("text").as_string().data()) == text);
  BOOST_TEST(static_cast<void const*>(blocks.at(0).at("source").at("data").as_string().data()) == url);
}

// The instruction stays where Claude takes one: after a user's turn, and last or before an assistant's.
BOOST_AUTO_TEST_CASE(instructions_in_place) {
  auto target = target_for("claude-opus-4-8");
  target.system_messages = system_placement::in_place;
  auto const translated = translate(R"({"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},
    {"role":"system","content":"c"},{"role":"assistant","content":"d"},{"role":"user","content":"e"},
    {"role":"system","content":"f"},{"role":"user","content":"g"},{"role":"developer","content":"h"}]})",
                                    target);
  BOOST_TEST(translated->request.json() == json(R"({"model":"claude-opus-4-8",
    "system":"a",
    "messages":[{"role":"user","content":"b"},{"role":"system","content":[{"type":"text","text":"c"}]},
      {"role":"assistant","content":"d"},
      {"role":"user","content":[{"type":"text","text":"e"},{"type":"text","text":"<system>\nf\n</system>"},
        {"type":"text","text":"g"}]},
      {"role":"system","content":[{"type":"text","text":"h"}]}],
    "max_tokens":4096})")
                                               .as_object());
  BOOST_TEST(translated->warnings.size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_error_of_ours_in_openais_form) {
  error_details details;
  details.type = "rate_limit_error";
  details.message = "Slow down.";
  details.request_id = "req_1";
  details.retry_after = std::chrono::milliseconds(1500);
  auto const made = to_openai_error(error(errc::rate_limited, 429, details));
  BOOST_TEST(made.status == 429);
  header_list const expected{{"retry-after-ms", "1500"}, {"retry-after", "2"}, {"x-request-id", "req_1"}};
  BOOST_TEST((made.headers == expected));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(hostile_requests)

namespace {

result<translated_request> translate_text(std::string_view text) {
  auto request = chat_request::parse(text);
  if (!request)
    return request.error();
  return to_anthropic(std::move(*request), target_for("claude-sonnet-4-6"));
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(deep_nesting) {
  auto const nested = [](std::size_t depth) {
    return R"({"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"t","parameters":)" +
           repeat(R"({"a":)", depth) + "1" + repeat("}", depth) + "}}]}";
  };
  BOOST_TEST(translate_text(nested(100)).has_value());
  BOOST_TEST(translate_text(nested(1'000'000)).has_error());
}

BOOST_AUTO_TEST_CASE(what_json_leaves_open_or_forbids) {
  char const* const texts[] = {
      R"({"messages":[{"role":"user","content":"a","content":"b"}]})",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"\xc0\xaf\"}]}",
      R"({"messages":[{"role":"user","content":"a"}]} x)",
      R"({"messages":[{"role":"user","content":"\ud800"}]})",
      R"([])",
      R"()",
      R"({"messages":[{"role":"user","content":"a"}],"temperature":1e999})",
      R"({"messages":[{"role":"user","content":"a"}],"max_tokens":1e999})",
      R"({"messages":[{"role":"user","content":"a"}],"tools":[{"name":"t","input_schema":{"minimum":1e999}}]})",
      R"({"messages":[{"role":"user","content":"a"}],"max_tokens":99999999999999999999999999})"};
  for (auto const* text : texts)
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(translate_text(text).has_error()); }
}

// Boost.JSON takes this for no number at all.
BOOST_AUTO_TEST_CASE(nothing_times_ten_to_the_999th) {
  auto const translated = translate_text(R"({"messages":[{"role":"user","content":"a"}],"temperature":0e99999999})");
  BOOST_REQUIRE(translated.has_value());
  BOOST_TEST(translated->request.json().at("temperature").as_double() == 0);
}

// A request's scratch memory is its own, also where one is larger than what the thread kept.
BOOST_AUTO_TEST_CASE(texts_of_all_sizes) {
  for (std::size_t const size : {std::size_t{1}, std::size_t{1} << 20, std::size_t{10}, std::size_t{20} << 20}) {
    std::string const text(size, 'x');
    auto const translated = to_anthropic_text(R"({"messages":[{"role":"user","content":")" + text + R"("}]})",
                                              target_for("claude-sonnet-4-6"));
    BOOST_REQUIRE(translated.has_value());
    BOOST_TEST((translated->text.find("\"" + text + "\"") != std::string::npos));
  }
  BOOST_TEST(to_anthropic_text("[]", target_for("claude-sonnet-4-6")).has_error());
  std::vector<std::string> warnings;
  BOOST_TEST(to_openai_text("{}", answer_context(), {}, warnings).has_error());
}

BOOST_AUTO_TEST_CASE(too_many_bytes) {
  std::string const text(33 << 20, ' ');
  BOOST_TEST(translate_text(text).error().code() == errc::request_too_large);
}

// Millions of small parts: time and memory stay in proportion, the warnings do not grow with them. What was quadratic
// would not come to an end here.
BOOST_AUTO_TEST_CASE(many_small_parts) {
  std::size_t const many = 200'000;
  auto const list = [&](std::string_view item) {
    std::string out = repeat(item, many);
    out.pop_back();
    return out;
  };
  std::string const user = R"({"role":"user","content":"a"})";
  std::string const requests[] = {
      R"({"messages":[)" + list(R"({"role":"user","content":"a"},)") + "]}",
      R"({"messages":[)" + list(R"({"role":"system","content":"a"},)") + "]}",
      R"({"messages":[)" + user + "," + list(R"({"role":"tool","tool_call_id":"x","content":"a"},)") + "]}",
      R"({"messages":[)" + list(R"({"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},)") + "]}",
      R"({"messages":[)" +
          list(
              R"({"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":"1"},)") +
          "]}",
      R"({"messages":[)" + user + R"(],"stop":[)" + list(R"(" ",)") + "]}",
      R"({"messages":[{"role":"user","content":[)" + list(R"({"type":"x"},)") + "]}]}"};
  for (auto const& request : requests)
    BOOST_TEST_CONTEXT(request.substr(0, 100)) {
      auto const translated = translate_text(request);
      if (translated)
        BOOST_TEST(translated->warnings.size() <= 101u);
      else
        BOOST_TEST(translated.error().message().size() < 1000u);
    }
}

// References in a chain or a circle end.
BOOST_AUTO_TEST_CASE(schemas_without_end) {
  std::string definitions;
  for (int i = 0; i < 20'000; ++i)
    definitions += "\"d" + std::to_string(i) + R"(":{"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"},";
  std::string const schema =
      R"({"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{)" + definitions + R"("x":{}}})";
  auto const translated =
      translate_text(R"({"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema",)"
                     R"("json_schema":{"name":"n","schema":)" +
                     schema + "}}}");
  BOOST_REQUIRE(translated.has_value());
  BOOST_TEST(!translated->answer.json_tool.empty());
}

BOOST_AUTO_TEST_SUITE_END()
