// Every translated request of the tables is one that the judge takes, and what the fake server makes of a schema fits
// it.
#include "core/schema_check.hpp"
#include "support/test.hpp"
#include "testing/instance_of_schema.hpp"
#include "testing/messages_api.hpp"

#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

using namespace claudio;

namespace {

boost::json::array request_table() {
  char const* const folder = std::getenv("CLAUDIO_TEST_DATA");
  std::ifstream in(std::string(folder ? folder : "test") + "/translation/requests.json");
  std::string const text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  BOOST_REQUIRE_MESSAGE(!text.empty(), "run the tests from the source folder, or set CLAUDIO_TEST_DATA to its test/");
  return test::json(text).as_array();
}

result<translated_request> translate(boost::json::object const& row, translation_mode mode) {
  auto fields = row.at("given").as_object();
  auto const* named = row.if_contains("model");
  translation_target target;
  target.model = named ? std::string(named->as_string()) : "claude-sonnet-4-6";
  target.capabilities = capabilities_of(target.model);
  target.mode = mode;
  fields.emplace("model", target.model);
  fields.emplace("messages", test::json(R"([{"role":"user","content":"Hi"}])"));
  return to_anthropic(chat_request(std::move(fields)), target);
}

std::string judged(translated_request const& translated) {
  testing::received_request request;
  request.method = "POST";
  request.target = "/v1/messages";
  request.headers = {{"x-api-key", "sk-ant-x"}, {"anthropic-version", "2023-06-01"}};
  for (auto const& beta : translated.betas)
    request.headers.emplace_back("anthropic-beta", beta);
  auto body = translated.request.json();
  body.erase("stream");
  request.body = boost::json::serialize(body);
  return testing::reply_text(testing::judge(request, ""), request);
}

// The schemas that a request holds, and all that its tools have.
std::vector<boost::json::object> schemas_of(boost::json::object const& request) {
  std::vector<boost::json::object> schemas;
  if (auto const* tools = request.if_contains("tools"))
    for (auto const& tool : tools->as_array())
      if (auto const* schema = tool.as_object().if_contains("input_schema"))
        schemas.push_back(schema->as_object());
  auto const* config = request.if_contains("output_config");
  if (auto const* format = config ? config->as_object().if_contains("format") : nullptr)
    schemas.push_back(format->as_object().at("schema").as_object());
  return schemas;
}

} // namespace

BOOST_AUTO_TEST_SUITE(judged_translations)

BOOST_AUTO_TEST_CASE(every_translated_request_is_taken) {
  std::size_t seen = 0;
  for (auto const& row : request_table())
    BOOST_TEST_CONTEXT(row.at("rule") << ": " << row.at("name"))
  for (auto const mode : {translation_mode::lenient, translation_mode::strict}) {
    auto const translated = translate(row.as_object(), mode);
    if (!translated)
      continue;
    ++seen;
    auto const answer = judged(*translated);
    BOOST_TEST(answer.starts_with("200 "), answer);
  }
  BOOST_TEST(seen > 300u);
}

BOOST_AUTO_TEST_CASE(answers_fit_the_schemas_of_the_tables) {
  std::set<std::string_view> const unfit{"a constant that is none of the choices", "no choice at all"};
  std::size_t seen = 0;
  for (auto const& row : request_table())
    BOOST_TEST_CONTEXT(row.at("rule") << ": " << row.at("name")) {
      auto const translated = translate(row.as_object(), translation_mode::lenient);
      if (!translated)
        continue;
      if (unfit.contains(row.at("name").as_string())) // for no value fits them
        continue;
      for (auto const& schema : schemas_of(translated->request.json())) {
        ++seen;
        auto const fault = find_schema_fault(testing::instance_of_schema(schema), schema, "instance");
        BOOST_TEST(!fault.has_value(), boost::json::serialize(schema) << "\n" << fault.value_or(""));
      }
    }
  BOOST_TEST(seen > 70u);
}

BOOST_AUTO_TEST_SUITE_END()
