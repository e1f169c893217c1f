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

BOOST_AUTO_TEST_CASE(requests) {
  struct row {
    char const* name;
    char const* model;
    char const* request;
    char const* expected;
    std::size_t warnings;
  };
  row const rows[] = {
      {"several instructions become blocks, those inside the conversation move", "claude-sonnet-4-6",
       R"({"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},{"role":"developer","content":"c"}]})",
       R"({"model":"claude-sonnet-4-6","system":[{"type":"text","text":"a"},{"type":"text","text":"c"}],"messages":[{"role":"user","content":"b"}],"max_tokens":4096})",
       1},
      {"text parts become blocks, blank ones go", "claude-sonnet-4-6",
       R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":" "},{"type":"text","text":"b"}]}]})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],"max_tokens":4096})",
       0},
      {"an earlier answer comes back as it was given", "claude-sonnet-4-6",
       R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","refusal":null,"annotations":[]},{"role":"user","content":"c"}]})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"max_tokens":4096})",
       0},
      {"the newer name of max_tokens wins; fractions are rounded", "claude-sonnet-4-6",
       R"({"messages":[{"role":"user","content":"a"}],"max_tokens":7,"max_completion_tokens":99.6})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":100})", 0},
      {"max_tokens never exceeds the model's cap", "claude-3-haiku-20240307",
       R"({"messages":[{"role":"user","content":"a"}],"max_tokens":100000})",
       R"({"model":"claude-3-haiku-20240307","messages":[{"role":"user","content":"a"}],"max_tokens":4096})", 1},
      {"the sampling of older models", "claude-3-haiku-20240307",
       R"({"messages":[{"role":"user","content":"a"}],"temperature":1,"top_p":0.5,"top_k":3,"stop":"x"})",
       R"({"model":"claude-3-haiku-20240307","messages":[{"role":"user","content":"a"}],"max_tokens":4096,"temperature":1,"top_p":0.5,"top_k":3,"stop_sequences":["x"]})",
       0},
      {"temperature beats top_p where only one is allowed", "claude-sonnet-4-6",
       R"({"messages":[{"role":"user","content":"a"}],"temperature":0.5,"top_p":0.5})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":4096,"temperature":0.5})",
       1},
      {"newer models refuse sampling", "claude-opus-5-5",
       R"({"messages":[{"role":"user","content":"a"}],"temperature":0.5})",
       R"({"model":"claude-opus-5-5","messages":[{"role":"user","content":"a"}],"max_tokens":4096})", 1},
      {"OpenAI's temperatures reach to 2", "claude-sonnet-4-6",
       R"({"messages":[{"role":"user","content":"a"}],"temperature":1.5})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":4096,"temperature":1E0})",
       1},
      {"stop sequences of white space are left out", "claude-sonnet-4-6",
       R"({"messages":[{"role":"user","content":"a"}],"stop":["x","\n"]})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":4096,"stop_sequences":["x"]})",
       1},
      {"a prefill loses its trailing white space", "claude-3-haiku-20240307",
       R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"{ \n"}]})",
       R"({"model":"claude-3-haiku-20240307","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"{"}],"max_tokens":4096})",
       0},
      {"null, and what holds anyway, are nothing", "claude-sonnet-4-6",
       R"({"model":null,"messages":[{"role":"user","content":"a","name":null}],"stream":false,"n":1,"tools":null,"stop":null,"max_tokens":null})",
       R"({"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":4096})", 0}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      auto const translated = translate(row.request, target_for(row.model));
      BOOST_REQUIRE(translated.has_value());
      BOOST_TEST(text_of(translated->request) == boost::json::serialize(json(row.expected)));
      BOOST_TEST(translated->warnings.size() == row.warnings);
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_carried_is_refused_by_name) {
  struct row {
    char const* request;
    char const* param;
  };
  row const rows[] = {
      {R"({})", "messages"},
      {R"({"messages":"hello"})", "messages"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":[{"role":"system","content":"only"}]})", "messages"},
      {R"({"messages":[{"role":"user","content":"  "}]})", "messages"},
      {R"({"messages":[7]})", "messages[0]"},
      {R"({"messages":[{"content":"a"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"tool","content":"a","tool_call_id":"x"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"user"}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":5}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":"a","name":"Bob"}]})", "messages[0].name"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]})",
       "messages[0].content[0].type"},
      {R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})", "messages[0].content[0].text"},
      {R"({"messages":[{"role":"user","content":"a"}],"tools":[]})", "tools"},
      {R"({"messages":[{"role":"user","content":"a"}],"seed":1})", "seed"},
      {R"({"messages":[{"role":"user","content":"a"}],"n":2})", "n"},
      {R"({"messages":[{"role":"user","content":"a"}],"stream":true})", "stream"},
      {R"({"messages":[{"role":"user","content":"a"}],"max_tokens":0})", "max_tokens"},
      {R"({"messages":[{"role":"user","content":"a"}],"max_tokens":"many"})", "max_tokens"},
      {R"({"messages":[{"role":"user","content":"a"}],"max_completion_tokens":1e300})", "max_completion_tokens"},
      {R"({"messages":[{"role":"user","content":"a"}],"temperature":"hot"})", "temperature"},
      {R"({"messages":[{"role":"user","content":"a"}],"top_k":-1})", "top_k"},
      {R"({"messages":[{"role":"user","content":"a"}],"stop":7})", "stop"},
      {R"({"messages":[{"role":"user","content":"a"}],"stop":["x",7]})", "stop[1]"},
      {R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})", "messages[1]"}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.request) {
      auto const translated = translate(row.request, target_for("claude-sonnet-4-6"));
      BOOST_REQUIRE(translated.has_error());
      BOOST_TEST(translated.error().code() == errc::transformation);
      BOOST_TEST(translated.error().param() == row.param);
      BOOST_TEST(translated.error().message().starts_with(row.param));
    }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_refused) {
  for (double const number : {std::nan(""), HUGE_VAL})
    BOOST_TEST(
        to_anthropic(chat_request{}.user("a").temperature(number), target_for("claude-sonnet-4-6")).error().param() ==
        "temperature");
}

BOOST_AUTO_TEST_CASE(another_model_is_refused) {
  auto const translated =
      translate(R"({"model":"gpt-4o","messages":[{"role":"user","content":"a"}]})", target_for("claude-sonnet-4-6"));
  BOOST_REQUIRE(translated.has_error());
  BOOST_TEST(translated.error().code() == errc::model_not_found);
  BOOST_TEST(translated.error().param() == "model");
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
  auto const answer = message::parse(R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Hel"},{"type":"text","text":"lo"}],
    "stop_reason":"end_turn","stop_sequence":null,
    "usage":{"input_tokens":10,"cache_creation_input_tokens":null,"cache_read_input_tokens":5,"output_tokens":7}})");
  auto const response = to_openai(answer.value(), std::chrono::system_clock::from_time_t(1234), {"from the request"});
  BOOST_TEST(response.text() == "Hello");
  BOOST_TEST(response.id() == "msg_1");
  BOOST_TEST(response.model() == "claude-sonnet-4-6");
  BOOST_TEST(response.finish_reason() == "stop");
  BOOST_TEST(response.usage().prompt_tokens == 15u);
  BOOST_TEST(response.usage().completion_tokens == 7u);
  BOOST_TEST(response.usage().total_tokens == 22u);
  BOOST_TEST(response.usage().cached_tokens == 5u);
  BOOST_TEST(response.json().at("created").as_int64() == 1234);
  BOOST_TEST(response.json().at("object").as_string() == "chat.completion");
  BOOST_TEST(response.warnings().size() == 2u);
}

BOOST_AUTO_TEST_CASE(finish_reasons) {
  std::pair<char const*, char const*> const rows[] = {{R"("end_turn")", "stop"},
                                                      {R"("stop_sequence")", "stop"},
                                                      {R"("max_tokens")", "length"},
                                                      {R"("model_context_window_exceeded")", "length"},
                                                      {R"("tool_use")", "tool_calls"},
                                                      {R"("refusal")", "content_filter"},
                                                      {R"("pause_turn")", "stop"},
                                                      {R"("something_new")", "stop"},
                                                      {"null", "stop"}};
  for (auto const& [stop_reason, expected] : rows) {
    auto const answer = message::parse(R"({"type":"message","content":[],"stop_reason":)" + std::string(stop_reason) +
                                       R"(,"stop_details":{"explanation":"no"}})");
    auto const response = to_openai(answer.value(), {}, {});
    BOOST_TEST(response.finish_reason() == expected);
    BOOST_TEST(response.message().at("content").is_null());
    BOOST_TEST(response.message().at("refusal").is_string() == (std::string_view(expected) == "content_filter"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
