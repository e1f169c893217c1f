#include "store/views.hpp"

#include "core/wiping_memory.hpp"
#include "store/tables.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

using namespace claudio;
using namespace claudio::test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(store_views)

BOOST_AUTO_TEST_CASE(one_damaged_secret_leaves_the_others_usable) {
  tables all;
  all.add_provider("good", config_with_key(key_one));
  all.add_provider("flipped", config_with_key("sk-ant-flipped"));
  all.add_provider("cut", config_with_key("sk-ant-cut"));
  all.add_provider("missing", "");
  all.add_provider("swapped-1", config_with_key("sk-ant-swapped-1"));
  all.add_provider("swapped-2", config_with_key("sk-ant-swapped-2"));
  all.add_provider("foreign", R"({"api_keys":[{"api_key":"sk-ant-foreign"}]})");
  all.add_provider("env", R"({"api_key":"env:CLAUDIO_TEST_NOT_SET"})");
  all.add_provider("header", R"({"api_key":"sk-ant-x","headers":{"x-auth":"sk-ant-header"}})");
  all.add_provider("last", R"({"api_key":"sk-ant-api03-number-two-0002","headers":{"x-auth":"sk-ant-header"},
    "proxy":"http://user:proxy-password@proxy.example:3128"})");
  all.add_model_of("good", "m1");
  all.add_model_of("cut", "m2");
  all.changeable("flipped", "api_key").sealed.back() ^= 1;
  all.changeable("cut", "api_key").sealed.resize(20);
  std::swap(all.changeable("swapped-1", "api_key").sealed, all.changeable("swapped-2", "api_key").sealed);
  auto& foreign = all.changeable("foreign", "api_keys[0].api_key");
  foreign.sealed = vault_of({second_key}).seal(secret("sk-ant-foreign"), sealing::place_of(all.now, foreign)).value();
  all.changeable("header", "headers.x-auth").sealed.back() ^= 1;

  auto const config = views::load(all.now, all.with.keys).value();
  BOOST_TEST(config.models.size() == 2u);
  struct row {
    char const* name;
    errc code;
    char const* sign;
  };
  row const rows[] = {
      {"good", errc::none, ""},
      {"flipped", errc::vault, "provider \"flipped\".provider_config.api_key: the secret's text can't be decrypted"},
      {"cut", errc::vault, "is cut off"},
      {"missing", errc::configuration, "no secret is stored for it yet; set it: claudio secret set missing"},
      {"swapped-1", errc::vault, "belong to another place"},
      {"swapped-2", errc::vault, "belong to another place"},
      {"foreign", errc::vault, "provider \"foreign\".provider_config.api_keys[0].api_key: the secret is encrypted"},
      {"env", errc::configuration, "\"CLAUDIO_TEST_NOT_SET\" is not set"},
      {"header", errc::vault, "provider \"header\".provider_config.headers.x-auth: the secret's text"},
      {"last", errc::none, ""},
  };
  BOOST_REQUIRE(config.providers.size() == std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i)
    BOOST_TEST_CONTEXT(rows[i].name) {
      auto const& got = config.providers[i];
      BOOST_TEST(got.name == rows[i].name);
      BOOST_TEST(got.fault.has_value() == (rows[i].code != errc::none));
      if (got.fault) {
        BOOST_TEST(got.fault->code() == rows[i].code);
        BOOST_TEST(got.fault->message().find(rows[i].sign) != std::string::npos, got.fault->message());
        BOOST_TEST(got.options.api_key.empty());
      }
    }
  BOOST_TEST(config.providers.front().options.api_key.reveal() == key_one);
  auto const& last = config.providers.back().options;
  BOOST_TEST(last.api_key.reveal() == key_two);
  BOOST_TEST(last.headers.at(0).second == "sk-ant-header");
  BOOST_TEST(last.proxy.value().reveal() == proxy_url);

  auto const seen = views::content(all.now, all.with.keys).value();
  std::set<std::string> faulty;
  for (auto const& known : seen.secrets) {
    BOOST_TEST(known.fault.has_value() == known.hint.empty());
    if (known.fault)
      faulty.insert(known.provider + " " + known.field);
  }
  BOOST_TEST(
      (faulty == std::set<std::string>{"flipped api_key", "cut api_key", "swapped-1 api_key", "swapped-2 api_key",
                                       "foreign api_keys[0].api_key", "header headers.x-auth"}));
  fails_with(views::export_configuration(all.now, all.with.keys, true), errc::vault, "provider \"flipped\".api_key: ");
  BOOST_TEST(views::export_configuration(all.now, all.with.keys, false).has_value());
}

BOOST_AUTO_TEST_CASE(json_that_somebody_changed) {
  tables all;
  all.add_provider("good", config_with_key(key_one));
  all.add_provider("bad", config_with_key(key_two));
  for (auto const* const text : {"", "{", "[]", "7", "{\"api_key\":\"vault:\",}"}) {
    auto& bad = all.now.providers[1];
    bad.provider_config = text;
    sealing::sign(bad, all.now, all.with.own);
    auto const config = views::load(all.now, all.with.keys);
    succeeds(config);
    BOOST_TEST(!config->providers.at(0).fault.has_value());
    BOOST_REQUIRE(config->providers.at(1).fault.has_value());
    BOOST_TEST(config->providers[1].fault->code() == errc::storage);
    auto const content = views::content(all.now, all.with.keys);
    succeeds(content);
    BOOST_TEST(content->providers.at(0).document.contains("provider_config"));
    BOOST_TEST(content->providers.at(1).fault.has_value());
    fails_with(all.update("bad", "{}"), errc::storage, "provider \"bad\".provider_config in the database");
  }
}

BOOST_AUTO_TEST_CASE(a_row_that_was_changed_by_something_else_is_not_used) {
  tables all;
  all.add_provider("good", config_with_key(key_one));
  all.add_provider("bad", config_with_key(key_two));
  all.now.providers[1].provider_config = R"({"api_key":"vault:","api_base":"https://evil.example/v1"})";
  auto const load = [&] {
    auto config = views::load(all.now, all.with.keys);
    succeeds(config);
    return *config;
  };
  auto config = load();
  BOOST_TEST(!config.providers.at(0).fault.has_value());
  BOOST_REQUIRE(config.providers.at(1).fault.has_value());
  BOOST_TEST(config.providers[1].fault->code() == errc::vault);
  BOOST_TEST(config.providers[1].fault->message().find("was changed by something else") != std::string::npos);
  BOOST_TEST(config.providers[1].options.api_key.empty());
  // What is exported, and imported elsewhere, would be valid there.
  for (bool const with_secrets : {true, false})
    fails_with(views::export_configuration(all.now, all.with.keys, with_secrets), errc::vault,
               "was changed by something else");
  // A row in the place of another.
  all.now.providers[1].provider_config = all.now.providers[0].provider_config;
  all.now.providers[1].authentication = all.now.providers[0].authentication;
  BOOST_TEST(load().providers[1].fault.has_value());
  all.change(edits::accept_provider(all.now, "bad", documents::of(all.now.providers[1]).value(), all.with));
  BOOST_TEST(!load().providers[1].fault.has_value());
}

BOOST_AUTO_TEST_CASE(a_model_that_can_t_be_read_fails_alone) {
  tables all;
  all.add_provider("one", config_with_key(key_one));
  all.add_model_of("one", "good");
  all.add_model_of("one", "bad");
  for (auto const* const text : {"{", R"({"no_such_field":1})"}) {
    all.now.models[1].settings = text;
    auto const config = views::load(all.now, all.with.keys);
    succeeds(config);
    BOOST_TEST(!config->models.at(0).fault.has_value());
    BOOST_TEST(config->models.at(1).fault.has_value());
  }
}

BOOST_AUTO_TEST_CASE(what_is_new_is_under_the_database_s_key_whatever_the_order_of_the_keys) {
  tables all;
  all.add_provider("one", config_with_key(key_one));
  auto const second_id = vault_of({second_key}).key_ids().at(0);
  auto const first_id = vault_of({first_key}).key_ids().at(0);
  all.with.keys = vault_of({second_key, first_key});
  all.add_provider("two", config_with_key(key_two));
  BOOST_TEST(vault::key_id_of(all.stored("two", "api_key").sealed).value() == first_id);
  std::set<std::string> failed;
  all.change(sealing::renew_own_keys(all.now, all.with.keys, failed));
  all.with.own = sealing::open_own_keys(all.now, all.with.keys).value();
  all.change(sealing::rewrap_some(all.now, all.with.keys, 10, failed));
  all.with.keys = vault_of({first_key, second_key});
  all.add_provider("three", config_with_key(key_two));
  for (auto const* const name : {"one", "two", "three"})
    BOOST_TEST(vault::key_id_of(all.stored(name, "api_key").sealed).value() == second_id);
}

BOOST_AUTO_TEST_CASE(a_lost_fingerprint_key_is_told) {
  tables all;
  all.add_provider("one", config_with_key(key_one));
  all.now.fingerprint_key.clear();
  fails_with(sealing::add_own_keys(all.now, all.with.keys, 17), errc::vault, "has lost its own keys");
}

BOOST_AUTO_TEST_CASE(names_have_no_control_characters) {
  tables all;
  auto const bad = std::string("ev\x1b[31mil");
  fails_with(edits::add_provider(all.now, tables::provider(bad, config_with_key(key_one)), {}, all.with),
             errc::configuration, "control character");
}

BOOST_AUTO_TEST_CASE(an_export_has_secrets_or_none) {
  tables all;
  all.add_provider("one", R"({"api_keys":[{"api_key":"sk-ant-api03-number-one-0001"},{"api_key":"env:SOME_KEY"}],
    "proxy":"http://user:proxy-password@proxy.example:3128","headers":{"x-auth":"sk-ant-header","x-team":"blue"},
    "prices":{"mine":{"input":3,"output":0.5},"claude-opus-4-8":null}})");
  all.add_provider("bare", "");
  all.add_model_of("one", "m1");
  auto const open = views::export_configuration(all.now, all.with.keys, false).value();
  BOOST_TEST(json::serialize(open) ==
             R"({"providers":[{"name":"one","provider_type":"anthropic","support_model_type":["LLM"],)"
             R"("provider_config":{"api_keys":[{"api_key":"vault:"},{"api_key":"env:SOME_KEY"}],"proxy":"vault:",)"
             R"("headers":{"x-auth":"vault:","x-team":"blue"},)"
             R"("prices":{"mine":{"input":3,"output":5E-1},"claude-opus-4-8":null}}},)"
             R"({"name":"bare","provider_type":"anthropic","support_model_type":["LLM"],)"
             R"("provider_config":{"api_key":"vault:"}}],)"
             R"("models":[{"name":"m1","type":"LLM","provider_name":"one"}]})");
  auto const full = views::export_configuration(all.now, all.with.keys, true).value();
  auto const& providers = full.at("providers").as_array();
  BOOST_TEST(json::serialize(providers.at(0).as_object().at("provider_config")) ==
             R"({"api_keys":[{"api_key":"sk-ant-api03-number-one-0001"},{"api_key":"env:SOME_KEY"}],)"
             R"("proxy":"http://user:proxy-password@proxy.example:3128",)"
             R"("headers":{"x-auth":"sk-ant-header","x-team":"blue"},)"
             R"("prices":{"mine":{"input":3,"output":5E-1},"claude-opus-4-8":null}})");
  BOOST_TEST(providers.at(1).as_object().at("provider_config").as_object().at("api_key").as_string() == "vault:");
  auto const& config = providers.at(0).as_object().at("provider_config").as_object();
  BOOST_TEST((config.at("proxy").storage() == wiping_memory()));
  BOOST_TEST((config.at("api_keys").as_array().at(0).as_object().at("api_key").storage() == wiping_memory()));

  // What was exported is the same again elsewhere.
  tables copy;
  import_report report;
  copy.change(edits::import_configuration(copy.now, full, copy.with, report));
  copy.require_no_plain_secret();
  BOOST_TEST(json::serialize(views::export_configuration(copy.now, copy.with.keys, true).value()) ==
             json::serialize(full));
}

BOOST_AUTO_TEST_SUITE_END()
