#include "core/sliced_json.hpp"

#include "core/json_access.hpp"
#include "support/test.hpp"

#include <string>

using namespace claudio;

namespace {

result<boost::json::value> parse_by(std::string_view text, std::size_t bytes) {
  sliced_json document(text);
  while (document.parse_some(bytes)) {
  }
  return document.take();
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string made;
  for (std::size_t i = 0; i < times; ++i)
    made += text;
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_in_slices)

BOOST_AUTO_TEST_CASE(slices_give_what_the_whole_gives) {
  std::string const texts[] = {
      R"({"a":[1,-2.5e3,18446744073709551615,99999999999999999999,true,false,null],"b":{"c":"d\u00e9\ud83d\ude00\n","":[]}})",
      R"( [ "ä€😀" , {} , [ [ ] ] ] )",
      "0",
      "-0.5E-10 ",
      "\"\\u0000\"",
      "",
      " ",
      "{",
      "[1,",
      "[1]x",
      "[1] []",
      "nul",
      "\"\\ud800\"",
      "\"\xff\"",
      "[1e999]",
      R"({"a":1,"b":{"a":1},"a":2})",
      repeat("[", 128) + repeat("]", 128),
      repeat("[", 129) + repeat("]", 129)};
  for (auto const& text : texts)
    for (std::size_t const bytes : {1, 2, 3, 7, 64, 1000})
      BOOST_TEST_CONTEXT(text << " by " << bytes) {
        auto const whole = parse_json(text);
        auto const sliced = parse_by(text, bytes);
        BOOST_REQUIRE(sliced.has_value() == whole.has_value());
        if (whole)
          BOOST_TEST(*sliced == *whole);
        else
          BOOST_TEST(sliced.error().code() == errc::transformation);
      }
}

BOOST_AUTO_TEST_CASE(values_and_names_are_counted_and_limited) {
  sliced_json document(R"({"a":[0,"",null],"b":{}})");
  BOOST_TEST(!document.parse_some());
  BOOST_TEST(document.values() == 8u);

  auto const most = sliced_json::most_values;
  auto const list_of = [](std::string const& item, std::size_t items) {
    return "[" + repeat(item + ",", items - 1) + item + "]";
  };
  for (std::string const item : {"[]", "{}", "0", "null", "\"\"", "1.5", "true", "18446744073709551615"})
    BOOST_TEST_CONTEXT(item) {
      BOOST_TEST(parse_by(list_of(item, most - 1), sliced_json::slice).has_value());
      auto const refused = parse_by(list_of(item, most), sliced_json::slice);
      BOOST_REQUIRE(refused.has_error());
      BOOST_TEST(refused.error().message() == "JSON with more than 500000 values, which is more than any answer has");
    }
  BOOST_TEST(parse_by(list_of(R"({"a":0})", most / 3 + 1), sliced_json::slice).has_error());
}

// The rest is not even looked at.
BOOST_AUTO_TEST_CASE(an_error_ends_the_parsing) {
  std::string const text = "[1,}" + repeat(" ", 100) + "]";
  sliced_json document(text);
  std::size_t slices = 1;
  while (document.parse_some(1))
    ++slices;
  BOOST_TEST(slices == 4u);
  BOOST_TEST(document.take().error().message().find("at byte") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
