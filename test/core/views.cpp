#include "support/test.hpp"

#include <claudio/chat.hpp>
#include <claudio/message.hpp>
#include <claudio/models.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

using namespace claudio;
using claudio::test::json;

BOOST_AUTO_TEST_SUITE(views)

BOOST_AUTO_TEST_CASE(builders_work_on_names_and_on_temporaries) {
  chat_request named;
  named.system("s").user("u").assistant("a").developer("d").model("m").max_tokens(5).temperature(0.5).top_p(0.25).top_k(
      3);
  named.stop({"x", "y"}).set("seed", 7);
  auto const chained = chat_request{}
                           .system("s")
                           .user("u")
                           .assistant("a")
                           .developer("d")
                           .model("m")
                           .max_tokens(5)
                           .temperature(0.5)
                           .top_p(0.25)
                           .top_k(3)
                           .stop({"x", "y"})
                           .set("seed", 7);
  BOOST_TEST(named.json() == chained.json());
  BOOST_TEST(
      boost::json::serialize(named.json()) ==
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","content":"a"},{"role":"developer","content":"d"}],"model":"m","max_tokens":5,"temperature":5E-1,"top_p":2.5E-1,"top_k":3,"stop":["x","y"],"seed":7})");
  BOOST_TEST(named.model() == "m");
  auto const native = message_request{}.model("m").system("s").user("u").assistant("a").max_tokens(5).set("top_k", 2);
  BOOST_TEST(
      boost::json::serialize(native.json()) ==
      R"({"model":"m","system":"s","messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}],"max_tokens":5,"top_k":2})");
}

BOOST_AUTO_TEST_CASE(parsing_keeps_unknown_fields) {
  auto const request = chat_request::parse(R"({"messages":[],"a_new_field":{"deep":[1,2.5,18446744073709551615]}})");
  BOOST_TEST(boost::json::serialize(request->json()) ==
             R"({"messages":[],"a_new_field":{"deep":[1,2.5E0,18446744073709551615]}})");
}

BOOST_AUTO_TEST_CASE(parsing_refuses_what_is_no_object) {
  for (std::string_view const text : {"", "{", "[]", "7", "\"x\"", "{} x", "{\"a\":}", "nul"}) {
    auto const request = chat_request::parse(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(request.has_error());
      BOOST_TEST(request.error().code() == errc::transformation);
    }
  }
  std::string const deep(100'000, '[');
  BOOST_TEST(chat_request::parse(deep).has_error());
  BOOST_TEST(message::parse(R"({"type":"error"})").has_error());
  BOOST_TEST(message::parse("[]").has_error());
}

BOOST_AUTO_TEST_CASE(a_view_does_not_hold_a_foreign_resource) {
  chat_request request;
  {
    boost::json::monotonic_resource resource;
    boost::json::object object(&resource);
    object.emplace("model", "a name that is longer than any small buffer would be");
    request = chat_request(std::move(object));
  }
  BOOST_TEST(request.model() == "a name that is longer than any small buffer would be");
}

BOOST_AUTO_TEST_CASE(accessors_survive_any_shape) {
  for (char const* text :
       {"{}", R"({"choices":null})", R"({"choices":[]})", R"({"choices":[7]})",
        R"({"choices":[{"message":7}],"usage":7})", R"({"choices":[{"message":{"content":null}}],"id":7})"}) {
    chat_response const response(json(text).as_object());
    BOOST_TEST(response.text().empty());
    BOOST_TEST(response.finish_reason().empty());
    BOOST_TEST(response.usage().total_tokens == 0u);
    BOOST_TEST(response.id().empty());
    BOOST_TEST(response.tool_calls().empty());
    BOOST_TEST(response.parse_json().has_error());
    message const answer(json(text).as_object());
    BOOST_TEST(answer.text().empty());
    BOOST_TEST(answer.content().empty());
    BOOST_TEST(answer.usage().input_tokens == 0u);
  }
  message const negative(json(R"({"usage":{"input_tokens":-5,"output_tokens":null}})").as_object());
  BOOST_TEST(negative.usage().input_tokens == 0u);
}

namespace {

chat_response answer_of(std::string_view text, char const* finish_reason = "stop") {
  auto response = json(R"({"choices":[{"message":{"role":"assistant"}}]})").as_object();
  auto& choice = response["choices"].as_array()[0].as_object();
  choice["message"].as_object()["content"] = boost::json::string_view(text);
  choice["finish_reason"] = finish_reason;
  return chat_response(std::move(response));
}

} // namespace

BOOST_AUTO_TEST_CASE(an_answer_as_json) {
  for (std::string_view const text :
       {R"({"a":[1,2]})", " {\"a\" : [1,2]}\n", "```json\n{\"a\":[1,2]}\n```", "\n```\r\n{\"a\":[1,2]}```  \n"}) {
    auto const value = answer_of(text).parse_json();
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(value.has_value());
      BOOST_TEST(*value == json(R"({"a":[1,2]})"));
    }
  }
  BOOST_TEST(*answer_of("\"```\"").parse_json() == json("\"```\""));
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_json) {
  struct row {
    std::string_view text;
    char const* finish_reason;
    char const* said;
  };
  row const rows[] = {{"", "tool_calls", "the answer has no text (finish_reason \"tool_calls\")"},
                      {" \n", "content_filter", "the answer has no text (finish_reason \"content_filter\")"},
                      {"{\"a\":[1,", "length",
                       "the answer was cut off (finish_reason \"length\"): not valid JSON at byte 8: incomplete JSON"},
                      {"```json\n{\"a\":", "length",
                       "the answer was cut off (finish_reason \"length\"): not valid JSON at byte 13: incomplete JSON"},
                      {"Sure! {}", "stop", "the answer is not valid JSON at byte 0: syntax error"},
                      {"```json\n{]\n```", "stop", "the answer is not valid JSON at byte 9: syntax error"},
                      {"{} {}", "stop", "the answer is not valid JSON at byte 3: extra data"},
                      {"```", "stop", "the answer is not valid JSON at byte 0: syntax error"},
                      {"```\n``", "stop", "the answer is not valid JSON at byte 4: syntax error"}};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.text) {
      auto const value = answer_of(row.text, row.finish_reason).parse_json();
      BOOST_REQUIRE(value.has_error());
      BOOST_TEST(value.error().code() == errc::transformation);
      BOOST_TEST(value.error().message() == row.said);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(models)

BOOST_AUTO_TEST_CASE(the_guides_five_models_are_known_and_retired) {
  for (char const* name : {"claude-3-5-sonnet-20241022", "claude-3-5-haiku-20241022", "claude-3-opus-20240229",
                           "claude-3-sonnet-20240229", "claude-3-haiku-20240307"}) {
    auto const found = find_model(name);
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((found->lifecycle == model_lifecycle::retired));
    BOOST_TEST((found->sampling == sampling_support::unrestricted));
  }
}

BOOST_AUTO_TEST_CASE(names_match_exactly) {
  BOOST_TEST(find_model("claude-sonnet-4-6").has_value());
  BOOST_TEST(!find_model("Claude-sonnet-4-6"));
  BOOST_TEST(!find_model("claude-sonnet-4-6 "));
  BOOST_TEST(!find_model(""));
}

BOOST_AUTO_TEST_CASE(a_near_miss_is_suggested) {
  std::vector<std::string> names;
  for (auto const& entry : model_catalogue())
    names.emplace_back(entry.name);
  BOOST_TEST(nearest_name("claude-3-5-sonet-20241022", names).value() == "claude-3-5-sonnet-20241022");
  BOOST_TEST(nearest_name("claude-3-opus", names).value() == "claude-3-opus-20240229");
  BOOST_TEST(!nearest_name("gpt-4o-mini-and-more", names));
  BOOST_TEST(!nearest_name("", {}));
}

BOOST_AUTO_TEST_CASE(aliases_are_the_models_that_they_name) {
  auto const row = [](std::string_view name) {
    auto const* const entry = find_catalogue_entry(name);
    return std::string(entry ? entry->name : "none");
  };
  BOOST_TEST(row("claude-3-5-haiku-latest") == "claude-3-5-haiku-20241022");
  BOOST_TEST(row("claude-3-5-haiku") == "claude-3-5-haiku-20241022");
  BOOST_TEST(row("claude-3-7-sonnet-latest") == "claude-3-7-sonnet-20250219");
  BOOST_TEST(row("claude-opus-4-0") == "claude-opus-4-20250514");
  BOOST_TEST(row("claude-opus-4") == "claude-opus-4-20250514");
  BOOST_TEST(row("claude-opus-4-1") == "claude-opus-4-1-20250805");
  BOOST_TEST(row("claude-sonnet-4-latest") == "claude-sonnet-4-20250514");
  BOOST_TEST(row("claude-opus-4-5@20251101") == "claude-opus-4-5");
  BOOST_TEST(row("claude-opus-4-8-20260301") == "claude-opus-4-8");
  BOOST_TEST(row("claude-haiku-4-5-20251001") == "claude-haiku-4-5-20251001");
  for (auto const* unknown : {"claude-opus-9", "claude-opus-4-9", "claude-opus", "claude-opus-4-8-fast", "latest",
                              "-latest", "", "claude-opus-4-8-99999999", "claude-opus-4-8-2026030"})
    BOOST_TEST(row(unknown) == "none");
  BOOST_TEST(capabilities_of("claude-3-5-haiku-latest").max_output_tokens == 8192);
  BOOST_TEST(capabilities_of("claude-opus-4-0").max_output_tokens == 32000);
}

BOOST_AUTO_TEST_CASE(opus_4_5_is_deprecated) {
  for (auto const* name : {"claude-opus-4-5", "claude-opus-4-5-20251101"}) {
    auto const* const entry = find_catalogue_entry(name);
    BOOST_TEST((entry->capabilities.lifecycle == model_lifecycle::deprecated));
    BOOST_TEST(entry->end_of_life == "2027-01-22");
  }
  BOOST_TEST((find_model("claude-opus-4-6")->lifecycle == model_lifecycle::active));
  BOOST_TEST((find_model("claude-haiku-4-5")->lifecycle == model_lifecycle::active));
  for (auto const& entry : model_catalogue())
    BOOST_TEST((entry.capabilities.lifecycle == model_lifecycle::active) == entry.end_of_life.empty(), entry.name);
}

BOOST_AUTO_TEST_CASE(successors_are_active_models_of_the_same_line) {
  BOOST_TEST(successor_of("claude-3-opus-20240229") == "claude-opus-5-5");
  BOOST_TEST(successor_of("claude-3-5-sonnet-latest") == "claude-sonnet-5-5");
  BOOST_TEST(successor_of("claude-3-haiku-20240307") == "claude-haiku-5-5");
  BOOST_TEST(successor_of("claude-mythos-preview") == "claude-mythos-5-2");
  BOOST_TEST(successor_of("claude-instant-1.2") == "claude-haiku-5-5");
  BOOST_TEST(successor_of("claude-2.1") == "claude-sonnet-5-5");
  for (auto const& entry : model_catalogue())
    BOOST_TEST((find_model(successor_of(entry.name))->lifecycle == model_lifecycle::active));
}

BOOST_AUTO_TEST_CASE(names_have_advice) {
  BOOST_TEST(model_advice("claude-sonnet-5-5") == "");
  BOOST_TEST(model_advice("claude-3-opus-20240229") ==
             R"("claude-3-opus-20240229" is retired since 2026-01-05; use "claude-opus-5-5")");
  BOOST_TEST(model_advice("claude-3-5-haiku-latest") ==
             R"("claude-3-5-haiku-latest" is retired since 2026-02-19; use "claude-haiku-5-5")");
  BOOST_TEST(model_advice("claude-opus-4-5") ==
             R"("claude-opus-4-5" is deprecated, and its end of life is 2027-01-22; use "claude-opus-5-5")");
  BOOST_TEST(model_advice("claude-sonet-5-5") ==
             R"("claude-sonet-5-5" is not in the catalogue; did you mean "claude-sonnet-5-5"?)");
  BOOST_TEST(model_advice("a-mirrors-own") == R"("a-mirrors-own" is not in the catalogue)");
  BOOST_TEST(model_advice("two\nlines") == R"("two lines" is not in the catalogue)");
  BOOST_TEST(model_advice(std::string(100'000, 'c')).size() < 100u);
}

BOOST_AUTO_TEST_CASE(unknown_models) {
  BOOST_TEST((capabilities_of("claude-opus-9").sampling == sampling_support::none));
  BOOST_TEST((capabilities_of("my-mirror").sampling == sampling_support::unrestricted));
}

BOOST_AUTO_TEST_CASE(restrictions_by_model) {
  // anthropic-api.md, section 9
  for (auto const& entry : model_catalogue()) {
    auto const& c = entry.capabilities;
    BOOST_TEST_CONTEXT(entry.name) {
      bool const is_3 = entry.name.starts_with("claude-3") || entry.name.find('.') != std::string_view::npos;
      bool const is_4 =
          entry.name.starts_with("claude-opus-4-1-2025") || entry.name.find("-4-2025") != std::string_view::npos;
      bool const is_4_5 = entry.name.find("-4-5") != std::string_view::npos;
      bool const is_4_6 = entry.name.find("-4-6") != std::string_view::npos;
      BOOST_TEST(c.prefill == (is_3 || is_4 || is_4_5));
      BOOST_TEST((c.sampling == sampling_support::none) == !(is_3 || is_4 || is_4_5 || is_4_6));
      BOOST_TEST(c.native_output_format == !(is_3 || is_4));
      BOOST_TEST(c.adaptive_thinking == !(is_3 || is_4 || is_4_5));
      // Whoever thinks at all can be told how.
      BOOST_TEST((!c.thinking_by_default || c.adaptive_thinking));
      BOOST_TEST(c.max_output_tokens >= 4096);
    }
  }
  for (char const* name : {"claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5"})
    BOOST_TEST(!find_model(name)->forced_tool_choice);
  BOOST_TEST(find_model("claude-fable-5")->forced_tool_choice);
}

BOOST_AUTO_TEST_CASE(configuration_overrides) {
  auto const changed = override_capabilities(
      capabilities_of("claude-opus-5"),
      json(R"({"max_output_tokens":1000,"sampling":"exclusive","lifecycle":"retired","prefill":true})").as_object());
  BOOST_TEST(changed->max_output_tokens == 1000);
  BOOST_TEST((changed->sampling == sampling_support::exclusive));
  BOOST_TEST((changed->lifecycle == model_lifecycle::retired));
  BOOST_TEST(changed->prefill);
  for (char const* wrong : {R"({"prefill":1})", R"({"sampling":"some"})", R"({"max_output_tokens":0})",
                            R"({"lifecycle":true})", R"({"unknown":1})"})
    BOOST_TEST(override_capabilities(model_capabilities(), json(wrong).as_object()).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
