#include "store/edits.hpp"

#include "store/tables.hpp"
#include "store/views.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

using namespace claudio;
using namespace claudio::test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(store_providers)

BOOST_AUTO_TEST_CASE(a_provider_is_added_and_its_key_sealed) {
  tables all;
  all.add_provider("anthropic", config_with_key(key_one));
  all.require_no_plain_secret();
  BOOST_TEST(all.fields() == "anthropic api_key");
  BOOST_TEST(all.text_of("anthropic", "api_key") == key_one);
  BOOST_TEST(all.config_of("anthropic").at("api_key").as_string() == "vault:");
  auto const& row = all.stored("anthropic", "api_key");
  BOOST_TEST(row.version == 1);
  BOOST_TEST(row.created == 1001);
  BOOST_TEST(row.updated == 1001);
  BOOST_TEST(row.id.size() == 32u);
  BOOST_TEST(row.fingerprint.size() == 16u);
  BOOST_TEST(all.now.providers.at(0).created == 1001);
  BOOST_TEST(all.now.providers.at(0).provider_type == "anthropic");
  BOOST_TEST(all.now.providers.at(0).support_model_type == R"(["LLM"])");
}

BOOST_AUTO_TEST_CASE(each_kind_of_secret_is_taken_out) {
  tables all;
  all.add_provider("many", R"({"api_keys":[{"api_key":"sk-ant-api03-number-one-0001","weight":2},
    {"api_key":"sk-ant-api03-number-two-0002"}], "proxy":"http://user:proxy-password@proxy.example:3128",
    "headers":{"X-Team":"blue","x-api-Token":"sk-ant-header","Authorization":"Bearer sk-ant-bearer",
    "cookie":"sk-ant-cookie"}})");
  all.require_no_plain_secret();
  BOOST_TEST(all.fields() == "many api_keys[0].api_key, many api_keys[1].api_key, many proxy, "
                             "many headers.x-api-Token, many headers.Authorization, many headers.cookie");
  BOOST_TEST(all.text_of("many", "api_keys[0].api_key") == key_one);
  BOOST_TEST(all.text_of("many", "api_keys[1].api_key") == key_two);
  BOOST_TEST(all.text_of("many", "proxy") == proxy_url);
  BOOST_TEST(all.text_of("many", "headers.Authorization") == "Bearer sk-ant-bearer");
  BOOST_TEST(json::serialize(all.config_of("many")) ==
             R"({"api_keys":[{"api_key":"vault:","weight":2},{"api_key":"vault:"}],"proxy":"vault:",)"
             R"("headers":{"X-Team":"blue","x-api-Token":"vault:","Authorization":"vault:","cookie":"vault:"}})");
  std::set<std::string> ids;
  for (auto const& row : all.now.secrets)
    ids.insert(row.id);
  BOOST_TEST(ids.size() == all.now.secrets.size());
}

BOOST_AUTO_TEST_CASE(references_stay) {
  tables all;
  all.add_provider("env", R"({"api_key":"env:CLAUDIO_TEST_NOT_SET","proxy":"env:CLAUDIO_TEST_NOT_SET"})");
  all.add_provider("file", R"({"api_keys":[{"api_key":"file:/no/such/file"}],"proxy":"http://proxy.example:3128"})");
  all.add_provider("no_proxy", R"({"api_key":"env:CLAUDIO_TEST_NOT_SET","proxy":""})");
  BOOST_TEST(all.fields() == "");
  BOOST_TEST(all.config_of("env").at("api_key").as_string() == "env:CLAUDIO_TEST_NOT_SET");
  BOOST_TEST(all.config_of("env").at("proxy").as_string() == "env:CLAUDIO_TEST_NOT_SET");
  BOOST_TEST(all.config_of("file").at("api_keys").as_array().at(0).as_object().at("api_key").as_string() ==
             "file:/no/such/file");
  BOOST_TEST(all.config_of("file").at("proxy").as_string() == "http://proxy.example:3128");
  BOOST_TEST(all.config_of("no_proxy").at("proxy").as_string() == "");
}

BOOST_AUTO_TEST_CASE(a_provider_may_be_there_before_its_key) {
  tables all;
  all.add_provider("bare", "");
  all.add_provider("empty", "{}");
  all.add_provider("marked", R"({"api_key":"vault:"})");
  for (auto const* const name : {"bare", "empty", "marked"})
    BOOST_TEST(all.config_of(name).at("api_key").as_string() == "vault:");
  BOOST_TEST(all.fields() == "");
  fails_with(
      edits::add_provider(all.now, tables::provider("x", R"({"api_keys":[{"api_key":"vault:"}]})"), {}, all.with),
      errc::configuration, "provider \"x\".provider_config.api_keys[0].api_key: \"vault:\" stands for");
  fails_with(edits::add_provider(all.now, tables::provider("x", R"({"proxy":"vault:"})"), {}, all.with),
             errc::configuration, "provider \"x\".provider_config.proxy: \"vault:\" stands for");
}

BOOST_AUTO_TEST_CASE(secrets_are_given_apart) {
  tables all;
  std::vector<named_secret> given;
  given.emplace_back("api_key", secret::copy_of(key_one));
  given.emplace_back("headers.x-auth", secret::copy_of("sk-ant-header"));
  given.emplace_back("proxy", secret::copy_of(proxy_url));
  all.change(edits::add_provider(all.now, tables::provider("apart", ""), given, all.with));
  all.require_no_plain_secret();
  BOOST_TEST(all.text_of("apart", "api_key") == key_one);
  BOOST_TEST(all.text_of("apart", "headers.x-auth") == "sk-ant-header");
  BOOST_TEST(all.text_of("apart", "proxy") == proxy_url);
  for (auto const* const field : {"api_base", "headers.x-team", "api_keys[0].api_key", "", "api_key.x"}) {
    std::vector<named_secret> wrong;
    wrong.emplace_back(field, secret::copy_of(key_one));
    auto const refused = edits::add_provider(all.now, tables::provider("wrong", ""), wrong, all.with);
    fails_with(refused, errc::configuration, "");
    BOOST_TEST(refused.error().param() == field);
    BOOST_TEST(refused.error().message().find(key_one) == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_provider_is_refused) {
  tables all;
  all.add_provider("anthropic", config_with_key(key_one));
  auto const add = [&](json::object const& document) {
    auto refused = edits::add_provider(all.now, document, {}, all.with);
    BOOST_TEST(refused.error().message().find("sk-ant") == std::string::npos);
    return refused;
  };
  fails_with(add(tables::provider("anthropic", config_with_key(key_two))), errc::configuration,
             "provider \"anthropic\" is there already");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x","api_bse":"https://x"})")), errc::configuration,
             "provider \"x\".provider_config.api_bse: unknown field; did you mean \"api_base\"?");
  fails_with(add(tables::provider("x", R"({"api_key":""})")), errc::configuration, "provider_config.api_key");
  fails_with(add(tables::provider("x", R"({"api_key":7})")), errc::configuration, "provider_config.api_key");
  fails_with(add(tables::provider("x", "7")), errc::configuration, "provider_config");
  fails_with(add(tables::provider("x", R"({"api_keys":[]})")), errc::configuration, "at least one key");
  fails_with(add(tables::provider("x", R"({"api_keys":[7]})")), errc::configuration, "api_keys[0]");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x","api_keys":[{"api_key":"sk-ant-y"}]})")),
             errc::configuration, "give api_key or api_keys, not both");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x\nHost: y"})")), errc::configuration, "line break");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x","headers":{"x-auth":7}})")), errc::configuration,
             "headers.x-auth");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x","headers":[]})")), errc::configuration, "headers");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x","proxy":["a@b"]})")), errc::configuration, "proxy");
  fails_with(add(tables::provider("x", R"({"api_key":"sk-ant-x","proxy":"ftp://user:sk-ant-p@host"})")),
             errc::configuration, "proxy");
  fails_with(add(tables::provider("", config_with_key(key_two))), errc::configuration, "name");
  fails_with(add(object("{}")), errc::configuration, "name");
  auto unknown = tables::provider("x", config_with_key(key_two));
  unknown["provider_type"] = "openai";
  fails_with(add(unknown), errc::configuration, "expected \"anthropic\"");
  unknown = tables::provider("x", config_with_key(key_two));
  unknown["support_model_type"] = json::array{"embedding"};
  fails_with(add(unknown), errc::unsupported, "support_model_type[0]");
}

BOOST_AUTO_TEST_CASE(the_mark_of_a_stored_secret_is_for_secrets) {
  tables const all;
  fails_with(edits::add_provider(all.now, tables::provider("x", R"({"headers":{"x-team":"vault:"}})"), {}, all.with),
             errc::configuration, "provider \"x\".provider_config.headers.x-team: \"vault:\" stands for");
}

// A row that can't be read again would be in the way of all others.
BOOST_AUTO_TEST_CASE(what_cant_be_read_again_is_refused) {
  tables all;
  all.add_provider("good", config_with_key(key_one));
  auto const check = [&](result<changes> const& made) {
    if (!made) {
      BOOST_TEST(made.error().code() == errc::configuration);
      return;
    }
    auto const after = with_changes(all.now, *made);
    succeeds(views::content(after, all.with.keys));
    BOOST_CHECK_NO_THROW(
        claudio::test::json(json::serialize(views::export_configuration(after, all.with.keys, false).value())));
    auto const config = views::load(after, all.with.keys);
    succeeds(config);
    for (auto const& provider : config->providers)
      BOOST_TEST(!provider.fault.has_value());
  };
  for (std::string const text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80"})
    BOOST_TEST_CONTEXT(text) {
      for (auto const* const field : {"ca_file", "api_base", "anthropic_version", "proxy", "api_key"}) {
        auto document = tables::provider("x", config_with_key(key_two));
        document["provider_config"].as_object()[field] = text;
        check(edits::add_provider(all.now, document, {}, all.with));
      }
      auto document = tables::provider("x", config_with_key(key_two));
      document["provider_config"].as_object()["headers"] = json::object{{"x-team", text}};
      check(edits::add_provider(all.now, document, {}, all.with));
      document["provider_config"].as_object()["headers"] = json::object{{text, "blue"}};
      check(edits::add_provider(all.now, document, {}, all.with));
      document["provider_config"].as_object().erase("headers");
      document["name"] = text;
      check(edits::add_provider(all.now, document, {}, all.with));
      auto stop = object(R"({"name":"m","type":"LLM","provider_name":"good"})");
      stop["model_params"] = json::object{{"stop", text}};
      check(edits::add_model(all.now, stop, all.with));
    }
}

BOOST_AUTO_TEST_CASE(an_update_is_a_merge_patch) {
  tables all;
  all.add_provider("anthropic", R"({"api_key":"sk-ant-api03-number-one-0001","retry":{"max_retries":3,"jitter":false},
    "headers":{"x-team":"blue"}})");
  auto const before = all.stored("anthropic", "api_key");
  all.change(all.update("anthropic", R"({"provider_config":{"api_base":"https://gateway.example/v1",
    "retry":{"max_retries":null},"headers":{"x-team":"red","x-room":"7"}}})"));
  BOOST_TEST(json::serialize(all.config_of("anthropic")) ==
             R"({"api_key":"vault:","retry":{"jitter":false},"headers":{"x-team":"red","x-room":"7"},)"
             R"("api_base":"https://gateway.example/v1"})");
  BOOST_TEST(all.decided.put_secrets.empty());
  BOOST_TEST(all.decided.remove_secrets.empty());
  BOOST_TEST(all.stored("anthropic", "api_key").sealed == before.sealed);
  BOOST_TEST(all.now.providers.at(0).created == 1001);
  BOOST_TEST(all.now.providers.at(0).updated == 1002);
  fails_with(all.update("anthropc", "{}"), errc::configuration,
             "no provider is named \"anthropc\"; did you mean \"anthropic\"?");
  fails_with(all.update("anthropic", R"({"name":"other"})"), errc::configuration, "the name of a provider stays");
  fails_with(all.update("anthropic", R"({"name":null})"), errc::configuration, "the name of a provider stays");
  fails_with(all.update("anthropic", R"({"provider_config":{"retry":{"max_retries":-1}}})"), errc::configuration,
             "provider \"anthropic\".provider_config.retry.max_retries: expected an integer");
  fails_with(all.update("anthropic", R"({"provider_config":7})"), errc::configuration, "provider_config");
  fails_with(all.update("anthropic", R"({"provider_type":null})"), errc::configuration, "provider_type");
}

BOOST_AUTO_TEST_CASE(a_new_key_counts_its_version_up_and_keeps_its_row) {
  tables all;
  all.add_provider("anthropic", config_with_key(key_one));
  auto const before = all.stored("anthropic", "api_key");
  all.change(all.update("anthropic", R"({"provider_config":{"api_key":"sk-ant-api03-number-two-0002"}})"));
  all.require_no_plain_secret();
  auto const after = all.stored("anthropic", "api_key");
  BOOST_TEST(all.now.secrets.size() == 1u);
  BOOST_TEST(after.id == before.id);
  BOOST_TEST(after.version == 2);
  BOOST_TEST(after.created == before.created);
  BOOST_TEST(after.updated == 1002);
  BOOST_TEST(after.fingerprint != before.fingerprint);
  BOOST_TEST(all.text_of("anthropic", "api_key") == key_two);
  // An old version that somebody puts back does not open.
  auto replayed = after;
  replayed.sealed = before.sealed;
  fails_with(all.with.keys.unseal(replayed.sealed, sealing::place_of(all.now, replayed)), errc::vault, "another place");
}

BOOST_AUTO_TEST_CASE(a_secret_that_is_no_more_in_the_document_is_removed) {
  tables all;
  all.add_provider("many", R"({"api_keys":[{"api_key":"sk-ant-api03-number-one-0001"},
    {"api_key":"sk-ant-api03-number-two-0002"}],"proxy":"http://user:proxy-password@proxy.example:3128"})");
  all.add_provider("other", config_with_key(key_two));
  all.change(all.update("many", R"({"provider_config":{"api_keys":[{"api_key":"vault:"}]}})"));
  BOOST_TEST(all.fields() == "many api_keys[0].api_key, many proxy, other api_key");
  BOOST_TEST(all.text_of("many", "api_keys[0].api_key") == key_one);
  all.change(all.update("many", R"({"provider_config":{"proxy":null}})"));
  BOOST_TEST(all.fields() == "many api_keys[0].api_key, other api_key");
  all.change(all.update("many", R"({"provider_config":{"api_keys":null,"api_key":"env:SOME_KEY"}})"));
  BOOST_TEST(all.fields() == "other api_key");
  all.change(all.update("other", R"({"provider_config":{"api_key":null,"proxy":null}})"));
  BOOST_TEST(all.fields() == "");
  BOOST_TEST(all.config_of("other").at("api_key").as_string() == "vault:");
  all.change(all.update("other", config_with_key(key_two).insert(0, R"({"provider_config":)") + "}"));
  all.change(all.update("other", R"({"provider_config":{"api_key":"file:/run/key"}})"));
  BOOST_TEST(all.fields() == "");
}

BOOST_AUTO_TEST_CASE(a_removed_secret_never_gives_its_row_back) {
  tables all;
  all.add_provider("anthropic", config_with_key(key_one));
  auto const before = all.stored("anthropic", "api_key");
  all.change(all.update("anthropic", R"({"provider_config":{"api_key":"env:SOME_KEY"}})"));
  all.change(all.update("anthropic", config_with_key(key_one).insert(0, R"({"provider_config":)") + "}"));
  auto const after = all.stored("anthropic", "api_key");
  BOOST_TEST(after.version == 1);
  BOOST_TEST(after.id != before.id);
}

BOOST_AUTO_TEST_CASE(a_provider_goes_with_its_secrets) {
  tables all;
  all.add_provider("one", R"({"api_key":"sk-ant-api03-number-one-0001","headers":{"x-auth":"sk-ant-header"}})");
  all.add_provider("two", config_with_key(key_two));
  for (int i = 1; i <= 5; ++i)
    all.add_model_of("one", "model-" + std::to_string(i));
  fails_with(edits::remove_provider(all.now, "one"), errc::configuration,
             "provider \"one\" is used by the models model-1, model-2, model-3 and 2 more");
  for (int i = 2; i <= 5; ++i)
    all.change(edits::remove_model(all.now, "model-" + std::to_string(i)));
  fails_with(edits::remove_provider(all.now, "one"), errc::configuration, "is used by the model model-1;");
  all.change(edits::remove_model(all.now, "model-1"));
  all.change(edits::remove_provider(all.now, "one"));
  BOOST_TEST(all.now.providers.size() == 1u);
  BOOST_TEST(all.fields() == "two api_key");
  fails_with(edits::remove_provider(all.now, "one"), errc::configuration, "no provider is named \"one\"");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_models)

BOOST_AUTO_TEST_CASE(a_model_comes_back_as_it_was_given) {
  tables all;
  all.add_provider("anthropic", config_with_key(key_one));
  constexpr std::string_view given =
      R"({"name":"claude-sonnet-4-6","type":"LLM","provider_name":"anthropic","max_tokens":4096,)"
      R"("model_params":{"temperature":0.7},"translation":"strict","capabilities":{"max_output_tokens":77}})";
  all.add_model(given);
  BOOST_TEST((documents::of(all.now.models.at(0)).value() == object(given)));
  BOOST_TEST(all.now.models[0].max_tokens.value() == 4096);
  constexpr std::string_view least = R"({"name":"other","type":"LLM","provider_name":"anthropic"})";
  all.add_model(least);
  BOOST_TEST(json::serialize(documents::of(all.now.models.at(1)).value()) == least);
  fails_with(edits::add_model(all.now, object(least), all.with), errc::configuration,
             "model \"other\" is there already");
}

BOOST_AUTO_TEST_CASE(what_a_model_refers_to_is_there) {
  tables all;
  all.add_provider("anthropic", config_with_key(key_one));
  auto const add = [&](std::string_view text) { return edits::add_model(all.now, object(text), all.with); };
  auto const lost = add(R"({"name":"m","type":"LLM","provider_name":"antropic"})");
  fails_with(lost, errc::configuration,
             "model \"m\".provider_name: no provider is named \"antropic\"; did you mean \"anthropic\"?");
  BOOST_TEST(lost.error().param() == "model \"m\".provider_name");
  fails_with(add(R"({"name":"m","type":"LLM","provider_name":"anthropic","fallbacks":[{"model":"claude-haiku-4-5"}]})"),
             errc::configuration, "model \"m\".fallbacks[0].model: no model is named \"claude-haiku-4-5\"");
  fails_with(add(R"({"name":"m","type":"LLM","provider_name":"anthropic","max_tokens":0})"), errc::configuration,
             "model \"m\".max_tokens");
  fails_with(add(R"({"name":"m","type":"embedding","provider_name":"anthropic"})"), errc::unsupported, "type");
  fails_with(add("{}"), errc::configuration, "name");
  all.add_model_of("anthropic", "first");
  all.add_model(R"({"name":"second","type":"LLM","provider_name":"anthropic","fallbacks":[{"model":"first"}]})");
  auto const update = [&](std::string const& name, std::string_view patch) {
    return edits::update_model(all.now, name, object(patch), all.with);
  };
  fails_with(update("second", R"({"fallbacks":[{"model":"third"}]})"), errc::configuration, "fallbacks[0].model");
  fails_with(update("second", R"({"provider_name":"other"})"), errc::configuration, "provider_name");
  fails_with(update("second", R"({"name":"third"})"), errc::configuration, "the name of a model stays");
  fails_with(update("secnd", "{}"), errc::configuration, "did you mean \"second\"?");
  all.change(update("second", R"({"max_tokens":10,"model_params":{"top_k":3}})"));
  BOOST_TEST(all.now.models.at(1).max_tokens.value() == 10);
  BOOST_TEST(all.now.models[1].model_params == R"({"top_k":3})");
  all.change(update("second", R"({"max_tokens":null})"));
  BOOST_TEST(!all.now.models[1].max_tokens.has_value());
  fails_with(edits::remove_model(all.now, "first"), errc::configuration, "is a fallback of second");
  all.change(update("second", R"({"fallbacks":null})"));
  all.change(edits::remove_model(all.now, "first"));
  fails_with(edits::remove_model(all.now, "first"), errc::configuration, "no model is named \"first\"");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_secrets)

BOOST_AUTO_TEST_CASE(a_secret_is_set) {
  tables all;
  all.add_provider("one", "");
  all.add_provider("two", R"({"api_keys":[{"api_key":"sk-ant-api03-number-two-0002"},{"api_key":"env:SOME_KEY"}]})");
  std::vector<std::string> same_as{"left over"};
  auto const set = [&](std::string const& provider, std::string const& field, std::string_view text) {
    return edits::set_secret(all.now, provider, named_secret(field, secret::copy_of(text)), all.with, same_as);
  };
  all.change(set("one", "api_key", key_one));
  all.require_no_plain_secret();
  BOOST_TEST(same_as.empty());
  BOOST_TEST(all.text_of("one", "api_key") == key_one);
  auto const before = all.stored("one", "api_key");
  all.change(set("one", "api_key", key_two));
  BOOST_TEST(all.stored("one", "api_key").version == 2);
  BOOST_TEST(all.stored("one", "api_key").id == before.id);
  BOOST_REQUIRE(same_as.size() == 1u);
  BOOST_TEST(same_as[0] == "two api_keys[0].api_key");
  all.change(set("two", "api_keys[1].api_key", key_two));
  BOOST_TEST(same_as.size() == 2u);
  BOOST_TEST(all.text_of("two", "api_keys[1].api_key") == key_two);
  all.change(set("two", "headers.X-Key", "sk-ant-header"));
  BOOST_TEST(all.config_of("two").at("headers").as_object().at("X-Key").as_string() == "vault:");
  all.change(set("two", "headers.x-key", "sk-ant-other-header"));
  BOOST_TEST(all.config_of("two").at("headers").as_object().size() == 1u);
  BOOST_TEST(all.text_of("two", "headers.X-Key") == "sk-ant-other-header");
  all.change(set("two", "proxy", proxy_url));
  all.require_no_plain_secret();
  BOOST_TEST(all.text_of("two", "api_keys[0].api_key") == key_two);

  fails_with(set("three", "api_key", key_one), errc::configuration, "no provider is named \"three\"");
  for (auto const* blank : {"", " ", "\t \r\n"})
    fails_with(set("one", "api_key", blank), errc::configuration, "api_key: the secret is empty");
  fails_with(set("one", "api_key", "env:X"), errc::configuration, "that is a reference");
  fails_with(set("one", "api_key", "vault:"), errc::configuration, "that is a reference");
  fails_with(set("two", "api_key", key_one), errc::configuration, "not both");
  fails_with(set("two", "api_keys[2].api_key", key_one), errc::configuration, "the provider has no such key");
  fails_with(set("two", "retry", key_one), errc::configuration, "no secret belongs there");
  fails_with(set("two", "headers.x-team", key_one), errc::configuration, "does not tell that it is a credential");
  fails_with(set("one", "api_key", "sk-ant\nx"), errc::configuration, "line break");
}

BOOST_AUTO_TEST_CASE(duplicates_are_known_by_their_fingerprints) {
  tables all;
  all.add_provider("one", config_with_key(key_one));
  all.add_provider("two", config_with_key(key_two));
  all.add_provider("three", R"({"api_keys":[{"api_key":"sk-ant-api03-number-one-0001"}]})");
  auto const seen = views::content(all.now, all.with.keys).value();
  BOOST_REQUIRE(seen.secrets.size() == 3u);
  BOOST_TEST(seen.secrets[0].same_as == std::vector<std::string>{"three api_keys[0].api_key"},
             boost::test_tools::per_element());
  BOOST_TEST(seen.secrets[1].same_as.empty());
  BOOST_TEST(seen.secrets[2].same_as == std::vector<std::string>{"one api_key"}, boost::test_tools::per_element());
  BOOST_TEST(seen.secrets[0].hint == "…0001");
  BOOST_TEST(seen.secrets[0].key_id == all.with.keys.key_ids().at(0));
  BOOST_TEST(seen.secrets[0].version == 1u);
  BOOST_TEST(!seen.secrets[0].fault);
  // Another database's fingerprints of the same text are others.
  tables elsewhere;
  elsewhere.add_provider("one", config_with_key(key_one));
  BOOST_TEST(elsewhere.stored("one", "api_key").fingerprint != all.stored("one", "api_key").fingerprint);
}

BOOST_AUTO_TEST_CASE(another_key_is_not_this_databases) {
  tables const all;
  fails_with(sealing::open_own_keys(all.now, vault_of({second_key})), errc::vault,
             "the key-encryption key is not this database's");
  auto const own = sealing::open_own_keys(all.now, vault_of({second_key, first_key})).value();
  BOOST_TEST((own.fingerprint == all.with.own.fingerprint));
  BOOST_TEST((own.authentication == all.with.own.authentication));
}

BOOST_AUTO_TEST_CASE(a_rotation_goes_by_steps_and_leaves_what_is_damaged) {
  tables all;
  for (int i = 0; i < 5; ++i)
    all.add_provider("p" + std::to_string(i), config_with_key("sk-ant-key-" + std::to_string(i)));
  auto& cut = all.changeable("p1", "api_key");
  cut.sealed.resize(50);
  auto& flipped = all.changeable("p3", "api_key");
  flipped.sealed[40] = static_cast<char>(flipped.sealed[40] ^ 1);
  auto const newer = vault_of({second_key, first_key});
  std::set<std::string> failed;
  fails_with(sealing::rewrap_some(all.now, newer, 2, failed), errc::vault, "another rotation");
  all.change(sealing::renew_own_keys(all.now, newer, failed));
  BOOST_TEST(failed.empty());
  all.change(sealing::rewrap_some(all.now, newer, 2, failed));
  BOOST_TEST(all.decided.put_secrets.size() == 2u);
  all.change(sealing::rewrap_some(all.now, newer, 2, failed));
  BOOST_TEST(all.decided.put_secrets.size() == 1u);
  all.change(sealing::rewrap_some(all.now, newer, 2, failed));
  BOOST_TEST(all.decided.empty());
  BOOST_TEST((failed == std::set<std::string>{cut.id, flipped.id}));
  auto const only_new = vault_of({second_key});
  auto const config = views::load(all.now, only_new).value();
  for (std::size_t i = 0; i < 5; ++i) {
    BOOST_TEST(config.providers[i].fault.has_value() == (i == 1 || i == 3));
    if (!config.providers[i].fault)
      BOOST_TEST(config.providers[i].options.api_key.reveal() == "sk-ant-key-" + std::to_string(i));
  }
  // What is rewrapped is the same secret: neither its version nor its time tells of it.
  BOOST_TEST(all.stored("p0", "api_key").version == 1);
  BOOST_TEST(all.stored("p0", "api_key").updated == 1001);
  BOOST_TEST(sealing::open_own_keys(all.now, only_new).has_value());
  std::set<std::string> none;
  fails_with(sealing::rewrap_some(all.now, vault_of({first_key}), 2, none), errc::vault, "under a newer key meanwhile");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_imports)

BOOST_AUTO_TEST_CASE(an_import_adds_and_replaces) {
  tables all;
  all.add_provider("old", R"({"api_key":"sk-ant-api03-number-one-0001","headers":{"x-team":"blue"}})");
  all.add_provider("kept", config_with_key("sk-ant-kept"));
  all.add_model_of("old", "m1");
  all.add_model_of("kept", "m2");
  auto const before = all.stored("old", "api_key");
  import_report report;
  report.models_added = 99;
  all.change(edits::import_configuration(all.now, object(R"({"providers":[
      {"name":"new","provider_type":"anthropic","provider_config":{"api_key":"sk-ant-api03-number-one-0001"}},
      {"name":"old","provider_type":"anthropic","provider_config":{"api_key":"sk-ant-api03-number-two-0002"}}],
    "models":[{"name":"m3","type":"LLM","provider_name":"new","fallbacks":[{"model":"m4"},{"model":"m2"}]},
      {"name":"m4","type":"LLM","provider_name":"kept"},
      {"name":"m1","type":"LLM","provider_name":"new","max_tokens":5}]})"),
                                         all.with, report));
  all.require_no_plain_secret();
  BOOST_TEST(report.providers_added == 1u);
  BOOST_TEST(report.providers_updated == 1u);
  BOOST_TEST(report.models_added == 2u);
  BOOST_TEST(report.models_updated == 1u);
  BOOST_TEST(all.now.providers.size() == 3u);
  BOOST_TEST(all.now.models.size() == 4u);
  BOOST_TEST(json::serialize(all.config_of("old")) == R"({"api_key":"vault:"})");
  BOOST_TEST(all.text_of("old", "api_key") == key_two);
  BOOST_TEST(all.stored("old", "api_key").id == before.id);
  BOOST_TEST(all.stored("old", "api_key").version == 2);
  BOOST_TEST(all.text_of("kept", "api_key") == "sk-ant-kept");
  BOOST_TEST(all.now.models[0].provider_name == "new");
  BOOST_TEST(all.now.models[0].created == all.now.providers[0].created + 2);
}

BOOST_AUTO_TEST_CASE(an_import_keeps_stored_keys) {
  tables all;
  all.add_provider("marked", config_with_key(key_one));
  all.add_provider("without", config_with_key(key_two));
  all.add_provider("several",
                   R"({"api_keys":[{"api_key":"sk-ant-several-0","weight":2},{"api_key":"sk-ant-several-1"}]})");
  all.add_provider("several_marked", R"({"api_keys":[{"api_key":"sk-ant-marked-0"},{"api_key":"sk-ant-marked-1"}]})");
  import_report report;
  all.change(edits::import_configuration(all.now, object(R"({"models":[],"providers":[
      {"name":"marked","provider_type":"anthropic","provider_config":{"api_key":"vault:"}},
      {"name":"without","provider_type":"anthropic","provider_config":{"api_base":"https://gateway.example"}},
      {"name":"several","provider_type":"anthropic","provider_config":{}},
      {"name":"several_marked","provider_type":"anthropic",
        "provider_config":{"api_keys":[{"api_key":"vault:"},{"api_key":"vault:"}]}},
      {"name":"fresh","provider_type":"anthropic","provider_config":{}}]})"),
                                         all.with, report));
  auto const config = views::load(all.now, all.with.keys).value();
  BOOST_TEST(config.providers.at(0).options.api_key.reveal() == key_one);
  BOOST_TEST(config.providers.at(1).options.api_key.reveal() == key_two);
  BOOST_TEST(config.providers.at(1).options.api_base == "https://gateway.example");
  for (std::size_t const i : {2u, 3u}) {
    BOOST_TEST(!config.providers.at(i).fault.has_value());
    BOOST_REQUIRE(config.providers.at(i).options.api_keys.size() == 2u);
  }
  BOOST_TEST(config.providers[2].options.api_keys[1].api_key.reveal() == "sk-ant-several-1");
  BOOST_TEST(config.providers[2].options.api_keys[0].weight == 2u);
  BOOST_TEST(config.providers[3].options.api_keys[1].api_key.reveal() == "sk-ant-marked-1");
  BOOST_TEST(all.config_of("fresh").at("api_key").as_string() == "vault:");
}

BOOST_AUTO_TEST_CASE(faults_of_an_import_are_told_by_their_path) {
  tables all;
  all.add_provider("there", config_with_key(key_one));
  struct row {
    char const* text;
    char const* sign;
  };
  row const rows[] = {
      {"{}", "providers: missing"},
      {R"({"providers":[]})", "models: missing"},
      {R"({"providers":{},"models":[]})", "providers: expected an array"},
      {R"({"providers":[],"models":[],"modles":[]})", "modles: unknown field"},
      {R"({"providers":[7],"models":[]})", "providers[0]: expected an object, got 7"},
      {R"({"providers":[],"models":["x"]})", "models[0]: expected an object"},
      {R"({"providers":[{"name":"p","provider_type":"anthropic","provider_config":{"api_key":"sk-ant-x","retry":7}}],
         "models":[]})",
       "providers[0].provider_config.retry: expected an object, got 7"},
      {R"({"providers":[{"name":"p","provider_type":"anthropic","provider_config":{"api_key":"sk-ant-x"}},
         {"name":"p","provider_type":"anthropic","provider_config":{"api_key":"sk-ant-y"}}],"models":[]})",
       "providers[1].name: the name \"p\" stands twice in providers"},
      {R"({"providers":[],"models":[{"name":"m","type":"LLM","provider_name":"there"},
         {"name":"m","type":"LLM","provider_name":"there"}]})",
       "models[1].name: the name \"m\" stands twice in models"},
      {R"({"providers":[],"models":[{"name":"m","type":"LLM","provider_name":"there"},
         {"name":"n","type":"LLM","provider_name":"nowhere"}]})",
       "models[1].provider_name: no provider is named \"nowhere\""},
      {R"({"providers":[],"models":[{"name":"m","type":"LLM","provider_name":"there",
         "fallbacks":[{"model":"nobody"}]}]})",
       "models[0].fallbacks[0].model: no model is named \"nobody\""},
      {R"({"providers":[{"name":"p","provider_type":"anthropic","provider_config":
         {"api_key":"sk-ant-x","proxy":"vault:"}}],"models":[]})",
       "providers[0].provider_config.proxy: \"vault:\" stands for a stored secret"},
  };
  for (auto const& [text, sign] : rows)
    BOOST_TEST_CONTEXT(text) {
      import_report report;
      auto const refused = edits::import_configuration(all.now, object(text), all.with, report);
      fails_with(refused, errc::configuration, sign);
      BOOST_TEST(refused.error().message().find("sk-ant") == std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
