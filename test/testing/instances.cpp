// What the fake server makes of schemas.
#include "core/schema_check.hpp"
#include "support/test.hpp"
#include "testing/instance_of_schema.hpp"

#include <boost/json/serialize.hpp>

using namespace claudio;
using claudio::testing::instance_of_schema;

namespace {

std::string instance_text(std::string_view schema) {
  return boost::json::serialize(instance_of_schema(test::json(schema).as_object()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(instances)

BOOST_AUTO_TEST_CASE(they_have_what_the_schema_says) {
  std::pair<char const*, char const*> const rows[] = {
      {R"({})", R"("x")"},
      {R"({"type":"object"})", R"({})"},
      {R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["b"]})",
       R"({"b":1})"},
      {R"({"type":"object","required":["z"]})", R"({"z":"x"})"},
      {R"({"type":"object","required":["z"],"additionalProperties":{"type":"null"}})", R"({"z":null})"},
      {R"({"properties":{"a":{"const":[1]}},"required":["a"]})", R"({"a":[1]})"},
      {R"({"type":["null","string"]})", R"(null)"},
      {R"({"type":"string","enum":["b","a"]})", R"("b")"},
      {R"({"type":"string","enum":[null,"a"]})", R"("a")"},
      {R"({"type":"boolean"})", R"(true)"},
      {R"({"type":"array"})", R"([])"},
      {R"({"type":"array","items":{"type":"boolean"}})", R"([true])"},
      {R"({"type":"array","items":{"type":"boolean"},"maxItems":0})", R"([])"},
      {R"({"type":"array","items":{"type":"null"},"minItems":3})", R"([null,null,null])"},
      {R"({"type":"array","prefixItems":[{"type":"null"},{"type":"integer"}],"items":false})", R"([null,1])"},
      {R"({"anyOf":[false,{"type":"integer"}]})", R"(1)"},
      {R"({"type":"object","properties":{"a":{"type":"null"}},"oneOf":[{"required":["a"]},{"required":["b"]}]})",
       R"({"a":null})"},
      {R"({"allOf":[{"properties":{"a":{"type":"null"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"required":["b"]}]})",
       R"({"a":null,"b":null})"},
      {R"({"$ref":"#/$defs/A","$defs":{"A":{"$ref":"#/$defs/B"},"B":{"type":"integer"}}})", R"(1)"},
      {R"({"properties":{"a":{"type":"null"},"b":{"$ref":"#/properties/a"}},"required":["b"]})", R"({"b":null})"},
      {R"({"$ref":"https://example.com/schema"})", R"("x")"}, // of which nothing is known
      {R"({"type":"string","format":"date"})", R"("2026-01-02")"},
      {R"({"type":"string","format":"uuid"})", R"("00000000-0000-4000-8000-000000000000")"},
      {R"({"type":"string","format":"phone"})", R"("x")"},
      {R"({"type":"string","minLength":3})", R"("xxx")"},
      {R"({"type":"string","maxLength":0})", R"("")"},
      {R"({"type":"integer","minimum":5})", R"(5)"},
      {R"({"type":"integer","exclusiveMinimum":5})", R"(6)"},
      {R"({"type":"integer","maximum":-5})", R"(-5)"},
      {R"({"type":"integer","exclusiveMaximum":1})", R"(0)"},
      {R"({"type":"integer","minimum":5,"multipleOf":4})", R"(8)"},
      {R"({"type":"number","minimum":0.5,"maximum":0.75})", R"(7.5E-1)"}};
  for (auto const& [schema, expected] : rows)
    BOOST_TEST_CONTEXT(schema) {
      BOOST_TEST(instance_text(schema) == expected);
      auto const parsed = test::json(schema).as_object();
      auto const fault = find_schema_fault(instance_of_schema(parsed), parsed, "instance");
      BOOST_TEST(!fault.has_value(), fault.value_or(""));
    }
}

// As deep as it takes, and no deeper.
BOOST_AUTO_TEST_CASE(schemas_that_contain_themselves_end) {
  BOOST_TEST(instance_text(R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},
                          "required":["next"]})") == R"({"next":null})");
  BOOST_TEST(instance_text(R"({"type":"object","properties":{"all":{"type":"array","items":{"$ref":"#"}}},
                          "required":["all"]})") == R"({"all":[]})");
  BOOST_TEST(instance_text(R"({"$ref":"#/$defs/T","$defs":{"T":{"type":"object","required":["l","r"],"properties":{
    "l":{"anyOf":[{"$ref":"#/$defs/T"},{"type":"null"}]},"r":{"anyOf":[{"$ref":"#/$defs/T"},{"type":"null"}]}}}}})") ==
             R"({"l":null,"r":null})");
  BOOST_TEST(instance_text(R"({"$ref":"#/$defs/A","$defs":{"A":{"$ref":"#/$defs/A"}}})") == "null"); // nothing fits it
  // Definitions that double with each level.
  std::string text = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 60; ++i) {
    auto const next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}";
    text += "\"d" + std::to_string(i) + R"(":{"properties":{"a":)" + next + R"(,"b":)" + next +
            R"(},"required":["a","b"]},)";
  }
  BOOST_TEST(instance_text(text + R"("d60":{"type":"null"}}})") == "null");
}

BOOST_AUTO_TEST_SUITE_END()
