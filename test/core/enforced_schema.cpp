// Schemas as the API enforces them: what the tables do not show.
#include "core/translate/enforced_schema.hpp"

#include "support/test.hpp"

#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

using namespace claudio;

namespace {

std::optional<enforced_schema> enforced(std::string_view schema) {
  return enforce_schema(test::json(schema).as_object());
}

// Each definition is made of two of the next.
std::string doubling(int levels, std::string_view last) {
  std::string text = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < levels; ++i) {
    auto const next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}";
    text += "\"d" + std::to_string(i) + R"(":{"type":"object","properties":{"a":)" + next + R"(,"b":)" + next +
            R"(},"required":["a"]},)";
  }
  return text + "\"d" + std::to_string(levels) + "\":" + std::string(last) + "}}";
}

std::string chain(int levels) {
  std::string text = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < levels; ++i)
    text +=
        "\"d" + std::to_string(i) + R"(":{"type":"array","items":{"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}},";
  return text + "\"d" + std::to_string(levels) + R"(":{"type":"null"}}})";
}

} // namespace

BOOST_AUTO_TEST_SUITE(enforced_schemas)

BOOST_AUTO_TEST_CASE(costs) {
  auto const cost = [](std::string_view schema) { return enforced(schema).value().cost; };
  BOOST_TEST(cost(R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},"required":["a","a"]})")
                 .optional == 1u);
  BOOST_TEST(cost(R"({"type":"array","items":{"anyOf":[{"type":["string","null"]},{"type":"object","properties":
    {"a":{"enum":["x",null]}}}]}})")
                 .unions == 2u);
  BOOST_TEST(cost(doubling(3, R"({"type":["string","null"]})")).unions == 8u);
  BOOST_TEST(cost(doubling(3, R"({"type":"null"})")).optional == 7u);
  BOOST_TEST(cost(doubling(100, R"({"type":["string","null"]})")).unions == 1'000'000u);
  BOOST_TEST(!cost(doubling(100, R"({"type":"null"})")).fits());
}

BOOST_AUTO_TEST_CASE(chains_of_references_have_an_end) {
  BOOST_TEST(enforced(chain(100)).has_value());
  BOOST_TEST(!enforced(chain(100'000)).has_value());
}

// What is said of a schema again is the same schema.
BOOST_AUTO_TEST_CASE(an_enforced_schema_is_enforced_as_it_is) {
  for (auto const* schema :
       {R"({"type":"object","properties":{"a":{"type":["object","null"],"properties":{},"nullable":true}}})",
        R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer","minimum":1}}},{"properties":{"b":{"oneOf":[
          {"type":"string","format":"phone"},{"type":"null"}]}}}]})",
        R"({"type":"array","items":{"type":["string","null"],"enum":["a",null]}})"}) {
    auto const once = enforced(schema).value();
    auto const twice = enforce_schema(once.schema).value();
    BOOST_TEST(twice.schema == once.schema, boost::json::serialize(once.schema)
                                                << " " << boost::json::serialize(twice.schema));
    BOOST_TEST(twice.described.empty());
  }
}

// Thousands of tools, as of one that speaks for many servers, take no longer than it takes to read them.
BOOST_AUTO_TEST_CASE(many_strict_tools) {
  boost::json::array tools;
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    auto tool = test::json(R"({"type":"function","function":{"strict":true,"parameters":{"type":"object","properties":
      {"a":{"type":["string","null"]}}}}})");
    tool.at("function").as_object().emplace("name", "t" + std::to_string(i));
    tools.emplace_back(std::move(tool));
  }
  chat_request request;
  request.user("Hi").set("tools", std::move(tools));
  translation_target target;
  target.model = "claude-sonnet-4-6";
  target.capabilities = capabilities_of(target.model);
  auto const translated = to_anthropic(request, target).value();
  int strict = 0;
  for (auto const& tool : translated.request.json().at("tools").as_array())
    strict += tool.as_object().contains("strict") ? 1 : 0;
  BOOST_TEST(strict == 16);
  BOOST_TEST(translated.warnings.size() == 101u);
}

// The API refuses it, but which tool is to be there from the start is not ours to say.
BOOST_AUTO_TEST_CASE(tools_that_are_all_deferred_are_told) {
  chat_request request;
  request.user("Hi").set("tools", test::json(R"([{"type":"function","function":{"name":"a","defer_loading":true}}])"));
  translation_target target;
  target.model = "claude-sonnet-4-6";
  target.capabilities = capabilities_of(target.model);
  auto translated = to_anthropic(request, target).value();
  BOOST_TEST(translated.request.json().at("tools").at(0).at("defer_loading").as_bool());
  BOOST_REQUIRE(translated.warnings.size() == 1u);
  BOOST_TEST(translated.warnings[0] == "tools: all of them have defer_loading, Claude wants one without");
  request.set("tools", test::json(R"([{"type":"function","function":{"name":"a","defer_loading":true}},
                                      {"type":"function","function":{"name":"b"}}])"));
  BOOST_TEST(to_anthropic(request, target)->warnings.empty());
}

BOOST_AUTO_TEST_SUITE_END()
