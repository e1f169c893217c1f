// The rules of translation as tables: test/translation/*.json, one row a rule, a test case for each row.
#include "core/answer_events.hpp"
#include "support/merged_chunks.hpp"
#include "support/test.hpp"

#include <claudio/sse.hpp>
#include <claudio/stream_translator.hpp>
#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

using namespace claudio;
namespace json = boost::json;
namespace unit_test = boost::unit_test;

namespace {

constexpr std::string_view usual_model = "claude-sonnet-4-6";

// CTest says where test/ is; by hand the tests are run from the folder that has it.
json::array read_table(std::string const& name) {
  char const* const folder = std::getenv("CLAUDIO_TEST_DATA");
  std::string const path = std::string(folder ? folder : "test") + "/translation/" + name;
  std::ifstream in(path);
  if (!in) {
    std::cerr << "can't read " << path
              << ": run the tests from the source folder, or set CLAUDIO_TEST_DATA to its test/\n";
    std::exit(EXIT_FAILURE);
  }
  std::string const text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return test::json(text).as_array();
}

std::string text_of(json::object const& row, std::string_view field) {
  auto const* value = row.if_contains(field);
  return value ? std::string(value->as_string()) : std::string();
}

std::set<std::string> texts_of(json::object const& row, std::string_view field) {
  std::set<std::string> texts;
  if (auto const* list = row.if_contains(field))
    for (auto const& text : list->as_array())
      texts.emplace(text.as_string());
  return texts;
}

// A row says of a request only what matters; the rest is this.
json::object with_defaults(json::object fields, std::string_view model) {
  fields.emplace("model", json::string_view(model));
  fields.emplace("messages", test::json(R"([{"role":"user","content":"Hi"}])"));
  return fields;
}

system_placement placement_of(json::object const& row) {
  auto const name = text_of(row, "system_messages");
  return name == "in_place"    ? system_placement::in_place
         : name == "user_turn" ? system_placement::user_turn
                               : system_placement::hoist;
}

translation_target target_of(std::string_view model, translation_mode mode) {
  translation_target target;
  target.model = std::string(model);
  target.capabilities = capabilities_of(model);
  target.mode = mode;
  return target;
}

void check_request(json::object const& row, translation_mode mode) {
  std::string const given_model = text_of(row, "model");
  std::string_view const model = given_model.empty() ? usual_model : std::string_view(given_model);
  auto target = target_of(model, mode);
  target.system_messages = placement_of(row);
  auto const translated = to_anthropic(chat_request(with_defaults(row.at("given").as_object(), model)), target);
  bool const is_strict = mode == translation_mode::strict;
  std::string const param = row.contains("refused") ? text_of(row, "refused") : is_strict ? text_of(row, "strict") : "";
  if (!param.empty()) {
    BOOST_REQUIRE(translated.has_error());
    BOOST_TEST(translated.error().param() == param);
    BOOST_TEST(translated.error().type() == "invalid_request_error");
    BOOST_TEST(translated.error().message().starts_with(param));
    if (row.contains("says"))
      BOOST_TEST(translated.error().message() == text_of(row, "says"));
    return;
  }
  BOOST_REQUIRE_MESSAGE(translated.has_value(), translated.error().message());
  auto expected = with_defaults(row.at("gives").as_object(), model);
  expected.emplace("max_tokens", capabilities_of(model).thinking_by_default ? 32'000 : 4096);
  BOOST_TEST(json::value(translated->request.json()) == json::value(expected));
  auto const text = to_anthropic_text(json::serialize(with_defaults(row.at("given").as_object(), model)), target);
  BOOST_TEST(text->text == json::serialize(translated->request.json()));
  BOOST_TEST(text->warnings == translated->warnings, boost::test_tools::per_element());
  auto const warnings = texts_of(row, "warnings");
  BOOST_TEST(std::set<std::string>(translated->warnings.begin(), translated->warnings.end()) == warnings,
             boost::test_tools::per_element());
  auto const betas = texts_of(row, "betas");
  BOOST_TEST(std::set<std::string>(translated->betas.begin(), translated->betas.end()) == betas,
             boost::test_tools::per_element());
}

answer_context context_of(json::object const& row) {
  auto const* request = row.if_contains("request");
  if (!request)
    return answer_context();
  auto const* named = request->as_object().if_contains("model");
  std::string const model(named ? std::string_view(named->as_string()) : usual_model);
  return to_anthropic(chat_request(with_defaults(request->as_object(), model)),
                      target_of(model, translation_mode::lenient))
      ->answer;
}

// The same answer, whole and in the events that it would come as, says the same.
void check_events_of(json::object const& answer, answer_context const& context) {
  stream_translator translator(context, std::chrono::system_clock::time_point());
  std::string out;
  translator.feed(to_answer_events(answer), out);
  translator.finish(out);
  test::merged_chunks const merged(out);
  BOOST_TEST(merged.done);
  BOOST_TEST(merged.compare(to_openai(message(answer), context, {}).json()) == "");
}

void check_answer(json::object const& row) {
  auto const context = context_of(row);
  json::object answer = row.at("given").as_object();
  auto const usual = test::json(R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6",
    "content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}})");
  for (auto const& [key, value] : usual.as_object())
    answer.emplace(key, value);
  auto const answer_text = json::serialize(answer);
  check_events_of(answer, context);
  auto const response = to_openai(message(std::move(answer)), context, {});
  std::vector<std::string> text_warnings;
  BOOST_TEST(to_openai_text(answer_text, context, {}, text_warnings).value() == json::serialize(response.json()));
  BOOST_TEST(text_warnings == response.warnings(), boost::test_tools::per_element());

  json::object expected = row.at("gives").as_object();
  json::object reply = std::move(expected["message"].as_object());
  reply.emplace("role", "assistant");
  reply.emplace("refusal", nullptr);
  json::object choice = test::json(R"({"index":0,"logprobs":null})").as_object();
  choice.emplace("message", std::move(reply));
  choice.emplace("finish_reason", std::move(expected["finish_reason"]));
  expected.erase("message");
  expected.erase("finish_reason");
  expected.emplace("choices", json::array{std::move(choice)});
  auto const usual_response = test::json(R"({"id":"msg_1","object":"chat.completion","created":0,
    "model":"claude-sonnet-4-6",
    "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}})");
  for (auto const& [key, value] : usual_response.as_object())
    expected.emplace(key, value);
  BOOST_TEST(json::value(response.json()) == json::value(expected));
  auto const warnings = texts_of(row, "warnings");
  BOOST_TEST(std::set<std::string>(response.warnings().begin(), response.warnings().end()) == warnings,
             boost::test_tools::per_element());
}

// What a chunk says, without what all chunks of a stream have in common.
json::value essence_of(std::string_view data, json::object const& first_message) {
  if (data == "[DONE]")
    return json::value("[DONE]");
  auto chunk = test::json(data).as_object();
  if (chunk.contains("error"))
    return chunk;
  BOOST_TEST(chunk.at("object") == json::value("chat.completion.chunk"));
  BOOST_TEST(chunk.at("id") == first_message.at("id"));
  BOOST_TEST(chunk.at("model") == first_message.at("model"));
  BOOST_TEST(chunk.at("created") == json::value(7));
  auto& choices = chunk["choices"].as_array();
  if (choices.empty()) {
    json::object usage;
    usage.emplace("usage", chunk.at("usage"));
    return usage;
  }
  auto& choice = choices[0].as_object();
  BOOST_TEST(choice.at("index") == json::value(0));
  auto essence = std::move(choice["delta"].as_object());
  if (!choice.at("finish_reason").is_null())
    essence.emplace("finish_reason", choice.at("finish_reason"));
  if (chunk.contains("anthropic"))
    essence.emplace("anthropic", chunk.at("anthropic"));
  return essence;
}

void check_stream(json::object const& row) {
  auto const context = context_of(row);
  std::string stream;
  for (auto const& event : row.at("events").as_array())
    stream += "event: " + std::string(event.at("type").as_string()) + "\ndata: " + json::serialize(event) + "\n\n";
  stream += text_of(row, "raw");
  auto const created = std::chrono::system_clock::from_time_t(7);
  stream_translator whole(context, created);
  std::string out;
  whole.feed(stream, out);
  whole.finish(out);
  stream_translator piecewise(context, created);
  std::string pieces;
  for (char const byte : stream)
    piecewise.feed(std::string_view(&byte, 1), pieces);
  piecewise.finish(pieces);
  BOOST_TEST(pieces == out);

  auto const& first = row.at("events").at(0).at("message").as_object();
  json::array gives;
  std::string text;
  sse_parser parser;
  parser.feed(out);
  while (auto const event = parser.next()) {
    gives.emplace_back(essence_of(event->data, first));
    if (auto const* object = gives.back().if_object(); object && object->contains("content"))
      text += std::string_view(object->at("content").as_string());
  }
  BOOST_TEST(json::value(gives) == row.at("gives"));
  BOOST_TEST(whole.done());
  BOOST_TEST(whole.response().text() == text);
  auto const is_end = [](json::value const& event) { return event.at("type") == "message_delta"; };
  auto const& events = row.at("events").as_array();
  // What an answer says after its end is in the whole one only.
  bool const ends_once = std::count_if(events.begin(), events.end(), is_end) <= 1;
  if (test::merged_chunks const merged(out); merged.done && ends_once)
    BOOST_TEST(merged.compare(whole.response().json()) == "");
}

void check_error(json::object const& row) {
  header_list headers;
  if (auto const* given = row.if_contains("headers"))
    for (auto const& [name, value] : given->as_object())
      headers.emplace_back(name, value.as_string());
  auto const& body = row.at("body");
  std::string const text = body.is_string() ? std::string(body.as_string()) : json::serialize(body);
  auto const made = to_openai_error(static_cast<int>(row.at("status").as_int64()), headers, text, {});
  auto const& gives = row.at("gives").as_object();
  BOOST_TEST(made.status == gives.at("status").as_int64());
  BOOST_TEST(json::value(made.body) == gives.at("body"));
  json::object made_headers;
  for (auto const& [name, value] : made.headers)
    BOOST_TEST(made_headers.emplace(name, value).second);
  BOOST_TEST(json::value(made_headers) == gives.at("headers"));
}

std::set<std::string> rules;

template <class Check>
void add_table(char const* file, Check check) {
  auto* suite = new unit_test::test_suite(std::string("translation_of_") + file, __FILE__, __LINE__);
  for (auto const& value : read_table(std::string(file) + ".json")) {
    auto const& row = value.as_object();
    std::string const rule = text_of(row, "rule");
    rules.insert(rule);
    suite->add(unit_test::make_test_case([check, row] { check(row); }, rule + ": " + text_of(row, "name"), __FILE__,
                                         __LINE__));
  }
  unit_test::framework::master_test_suite().add(suite);
}

bool const added = [] {
  add_table("requests", [](json::object const& row) {
    for (auto const mode : {translation_mode::lenient, translation_mode::strict})
      BOOST_TEST_CONTEXT((mode == translation_mode::strict ? "strict" : "lenient")) { check_request(row, mode); }
  });
  add_table("answers", check_answer);
  add_table("streams", check_stream);
  add_table("errors", check_error);
  return true;
}();

} // namespace

BOOST_AUTO_TEST_SUITE(translation)

// The numbered rules of ../shared/reference/translation.md.
BOOST_AUTO_TEST_CASE(every_numbered_rule_has_a_row) {
  BOOST_TEST(added);
  for (int i = 1; i <= 22; ++i)
    BOOST_TEST(rules.contains("B" + std::to_string(i)), "no row for B" << i);
  for (int i = 1; i <= 19; ++i)
    BOOST_TEST(rules.contains("D" + std::to_string(i)), "no row for D" << i);
  for (int i = 1; i <= 36; ++i)
    BOOST_TEST(rules.contains("F" + std::to_string(i)), "no row for F" << i);
}

BOOST_AUTO_TEST_SUITE_END()
