#include "store/documents.hpp"

#include "store/tables.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

using namespace claudio;
using namespace claudio::test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(store_documents)

BOOST_AUTO_TEST_CASE(merging_follows_rfc_7396) {
  struct row {
    char const* document;
    char const* patch;
    char const* merged;
  };
  // Appendix A, as far as both are objects.
  row const rows[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", "{}"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"({"a":"foo"})", R"({"a":{"b":{"c":null}}})", R"({"a":{"b":{}}})"},
      {"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (auto const& [document, patch, merged] : rows)
    BOOST_TEST_CONTEXT(document << " with " << patch) {
      auto changed = object(document);
      documents::merge(changed, object(patch));
      BOOST_TEST(json::serialize(changed) == merged);
    }
}

BOOST_AUTO_TEST_CASE(a_header_tells_by_its_name_whether_it_is_a_credential) {
  auto config = object(R"({"headers":{"Authorization":"1","x-API-KEY":"2","Set-Cookie":"3","x-secret":"4",
    "x-access-token":"5","db-password":"6","x-credentials":"7","x-team":"8","user-agent":"9","accept":"10"}})");
  std::string found;
  documents::for_each_secret(
      config, [&](std::string const&, json::value& value) { found += std::string(value.as_string()) + " "; });
  BOOST_TEST(found == "1 2 3 4 5 6 7 ");
}

BOOST_AUTO_TEST_SUITE_END()
