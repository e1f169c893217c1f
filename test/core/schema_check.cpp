#include "core/schema_check.hpp"

#include "support/test.hpp"

using namespace claudio;
using claudio::test::json;

namespace {

std::string fault_of(std::string_view schema, std::string_view value) {
  return find_schema_fault(json(value), json(schema).as_object(), "arguments").value_or("fits");
}

} // namespace

BOOST_AUTO_TEST_SUITE(schema_check)

BOOST_AUTO_TEST_CASE(what_fits_and_what_is_said_of_the_rest) {
  struct row {
    char const* schema;
    char const* value;
    char const* said;
  };
  row const rows[] = {
      {"{}", "7", "fits"},
      {R"({"type":"object"})", "{}", "fits"},
      {R"({"type":"object"})", "[]", "arguments: expected an object, got an array"},
      {R"({"type":"integer"})", "1.0", "fits"},
      {R"({"type":"integer"})", "1e300", "fits"},
      {R"({"type":"integer"})", "18446744073709551615", "fits"},
      {R"({"type":"integer"})", "1.5", "arguments: expected an integer, got 1.5"},
      {R"({"type":"number"})", "1", "fits"},
      {R"({"type":"number"})", "\"1\"", "arguments: expected a number, got a string"},
      {R"({"type":"boolean"})", "null", "arguments: expected a boolean, got null"},
      {R"({"type":"null"})", "null", "fits"},
      {R"({"type":"null"})", "0", "arguments: expected null, got 0"},
      {R"({"type":["string","null"]})", "null", "fits"},
      {R"({"type":["string","null"]})", "true", "arguments: expected a string or null, got true"},
      {R"({"type":"date"})", "7", "fits"},
      {R"({"type":7})", "7", "fits"},
      {R"({"type":[]})", "7", "fits"},

      {R"({"properties":{"days":{"type":"integer"}}})", R"({"days":"3"})",
       "arguments.days: expected an integer, got a string"},
      {R"({"properties":{"days":{"type":"integer"}}})", R"({"nights":"3"})", "fits"},
      {R"({"properties":{"days":{"type":"integer"}}})", "7", "fits"},
      {R"({"required":["a","b"]})", R"({"a":null})", "arguments.b: missing"},
      {R"({"required":["a"]})", "[]", "fits"},
      {R"({"required":"a"})", "{}", "fits"},
      {R"({"properties":{"a":{"properties":{"b":{"items":{"type":"string"}}}}}})", R"({"a":{"b":["x",1]}})",
       "arguments.a.b[1]: expected a string, got 1"},
      {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1})", "fits"},
      {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b":2})",
       "arguments.b: there is no such property"},
      {R"({"additionalProperties":false,"patternProperties":{"^b":{}}})", R"({"b":2})", "fits"},
      {R"({"additionalProperties":{"type":"string"}})", R"({"b":2})", "arguments.b: expected a string, got 2"},
      {R"({"properties":{"a":false}})", R"({"a":1})", "arguments.a: not allowed"},
      {R"({"properties":{"a":true}})", R"({"a":1})", "fits"},
      {R"({"prefixItems":[{"type":"string"}],"items":{"type":"integer"}})", R"(["a",1,2])", "fits"},
      {R"({"prefixItems":[{"type":"string"}],"items":{"type":"integer"}})", R"(["a",1,"b"])",
       "arguments[2]: expected an integer, got a string"},
      {R"({"items":{"items":{"type":"string"}}})", "[[],[0]]", "arguments[1][0]: expected a string, got 0"},
      {R"({"items":false})", "[]", "fits"},
      {R"({"items":false})", "[1]", "arguments[0]: not allowed"},

      {R"({"enum":["c","f"]})", "\"f\"", "fits"},
      {R"({"enum":["c","f",1]})", "\"k\"", "arguments: expected one of \"c\", \"f\", 1"},
      {R"({"enum":[1,2]})", "2.0", "fits"},
      {R"({"enum":[0,1,2,3,4,5,6,7,8,9,10]})", "11", "arguments: expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"},
      {R"({"const":{"a":1}})", R"({"a":1})", "fits"},
      {R"({"const":"x"})", "\"y\"", "arguments: expected \"x\", got a string"},

      {R"({"allOf":[{"type":"integer"},{"enum":[1]}]})", "2", "arguments: expected one of 1"},
      {R"({"anyOf":[{"type":"integer"},{"type":"null"}]})", "null", "fits"},
      {R"({"anyOf":[{"type":"integer"}]})", "true", "arguments: expected an integer, got true"},
      {R"({"anyOf":[{"type":"integer"},{"type":"null"}]})", "true",
       "arguments: fits none of the alternatives (arguments: expected an integer, got true; arguments: expected null, "
       "got true)"},
      {R"({"anyOf":[]})", "true", "fits"},
      {R"({"oneOf":[{"format":"date"},{"format":"time"}]})", "\"x\"", "fits"},

      {R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}})", "1", "arguments: expected a string, got 1"},
      {R"({"$ref":"#/definitions/a/b","definitions":{"a":{"b":{"type":"string"}}}})", "1",
       "arguments: expected a string, got 1"},
      {R"({"properties":{"next":{"$ref":"#"}},"required":["x"]})", R"({"x":1,"next":{"x":2,"next":{}}})",
       "arguments.next.next.x: missing"},
      {R"({"$ref":"#/$defs/none"})", "1", "fits"},
      {R"({"$ref":"https://example.com/schema"})", "1", "fits"},
      {R"({"$ref":"#"})", "1", "fits"},
      {R"({"minimum":5,"pattern":"x","not":{}})", "1", "fits"},
  };
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.schema << " " << row.value) { BOOST_TEST(fault_of(row.schema, row.value) == row.said); }
}

BOOST_AUTO_TEST_CASE(hostile_schemas_end) {
  // Two alternatives a level, each of which fails at its end only.
  BOOST_TEST(!fault_of(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}],"type":"integer"})", "1").empty());
  BOOST_TEST(!fault_of(R"({"allOf":[{"$ref":"#"},{"$ref":"#"}]})", "1").empty());
  std::string deep, ends;
  for (int i = 0; i < 30; ++i) {
    deep += "[";
    ends += "]";
  }
  BOOST_TEST(!fault_of(R"({"items":{"$ref":"#"},"anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]})", deep + ends)
                  .empty());
}

BOOST_AUTO_TEST_SUITE_END()
