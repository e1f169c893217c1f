// The store in each kind of database.
#include "store/database.hpp"
#include "store/operations.hpp"
#include "support/call.hpp"

#include <claudio/model_manager.hpp>
#include <claudio/store.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <barrier>
#include <set>
#include <thread>

using namespace claudio;
using namespace claudio::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(store_operations)

BOOST_AUTO_TEST_CASE(what_was_stored_is_there_again) {
  database const at;
  {
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    succeeds(run(context, opened->add_provider(a_provider("anthropic", key_of(7)))));
    succeeds(run(context, opened->add_model(a_model("claude-sonnet-4-6", "anthropic"))));
    fails_with(run(context, opened->add_model(a_model("claude-sonnet-4-6", "anthropic"))), errc::configuration,
               "is there already");
    fails_with(run(context, opened->remove_provider("anthropic")), errc::configuration, "is used by the model");
  }
  asio::io_context context;
  auto const again = open_at(context, at);
  succeeds(again);
  auto const config = run(context, again->load());
  succeeds(config);
  BOOST_TEST(config->providers.at(0).options.api_key.reveal() == key_of(7));
  BOOST_TEST(config->models.at(0).name == "claude-sonnet-4-6");
  auto const seen = run(context, again->content());
  BOOST_TEST(seen->revision == 3u);
  BOOST_TEST(seen->providers.at(0).document.at("provider_config").as_object().at("api_key").as_string() == "vault:");
  BOOST_TEST((seen->providers.at(0).created > std::chrono::system_clock::now() - 24h));
  BOOST_TEST((seen->providers.at(0).created <= std::chrono::system_clock::now()));
  model_manager const manager(context.get_executor(), *config, serial);
  BOOST_TEST(manager.get_model_instance("claude-sonnet-4-6").has_value());
}

BOOST_AUTO_TEST_CASE(all_operations) {
  database const at;
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  auto const& all = *opened;
  succeeds(run(context, all.import_configuration(configuration_of(2))));
  succeeds(run(context,
               all.update_provider("p0", test::json(R"({"provider_config":{"retry":{"jitter":false}}})").as_object())));
  succeeds(run(context, all.update_model("m0", test::json(R"({"max_tokens":5})").as_object())));
  auto const same_as = run(context, all.set_secret("p0", named_secret("api_key", secret(key_of(1)))));
  succeeds(same_as);
  BOOST_TEST(*same_as == std::vector<std::string>{"p1 api_key"}, boost::test_tools::per_element());
  auto const config = run(context, all.load());
  succeeds(config);
  BOOST_TEST(!config->providers.at(0).options.retry.jitter);
  BOOST_TEST(config->providers[0].options.api_key.reveal() == key_of(1));
  BOOST_TEST(config->models.at(0).max_tokens.value() == 5);
  succeeds(run(context, all.remove_model("m0")));
  succeeds(run(context, all.remove_provider("p0")));
  auto const exported = run(context, all.export_configuration(true));
  succeeds(exported);
  BOOST_TEST(json::serialize(*exported) ==
             R"({"providers":[{"name":"p1","provider_type":"anthropic","support_model_type":["LLM"],)"
             R"("provider_config":{"api_key":"sk-ant-api03-secret-number-1001"}}],)"
             R"("models":[{"name":"m1","type":"LLM","provider_name":"p1"}]})");
  BOOST_TEST(at.text("SELECT count(*) FROM secrets") == "1");
}

BOOST_AUTO_TEST_CASE(the_wrong_key_is_told) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  fails_with(open_at(context, at, {second_key}), errc::vault, "the key-encryption key is not this database's");
  fails_with(open_at(context, at, {}), errc::vault, "no key-encryption key was given");
  succeeds(open_at(context, at, {second_key, first_key}));
  std::vector<key_source> const missing{key_source::file("no.key")};
  fails_with(run(context, store::open(context.get_executor(), at.url(), missing)), errc::vault, "no.key");
  // Nothing of it is left in a database that was new.
  database const fresh;
  fails_with(open_at(context, fresh, {}), errc::vault, "no key-encryption key was given");
  succeeds(open_at(context, fresh, {third_key}));
}

BOOST_AUTO_TEST_CASE(a_passphrase_belongs_to_its_database) {
  database const one;
  database const two;
  asio::io_context context;
  auto const open = [&](database const& at, std::string const& phrase) {
    std::vector<key_source> const keys{key_source::passphrase(secret::copy_of(phrase), 10)};
    return run(context, store::open(context.get_executor(), at.url(), keys));
  };
  succeeds(open(one, "correct horse"));
  succeeds(open(one, "correct horse"));
  fails_with(open(one, "battery staple"), errc::vault, "is not this database's");
  succeeds(open(two, "correct horse"));
  BOOST_TEST(one.text("SELECT 1 FROM store WHERE length(salt) = 16") == "1");
  BOOST_TEST(one.hexadecimal("SELECT salt FROM store") != two.hexadecimal("SELECT salt FROM store"));
}

BOOST_AUTO_TEST_CASE(a_scheme_in_upper_case) {
  database const at;
  fill(at, 1);
  asio::io_context context;
  auto url = at.url();
  for (auto letter = url.begin(); *letter != ':'; ++letter)
    *letter = static_cast<char>(*letter - 'a' + 'A');
  auto const opened = run(context, store::open(context.get_executor(), url, sources_of({first_key})));
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST(run(context, opened->load())->providers.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_no_address_of_a_database) {
  asio::io_context context;
  for (auto const* const url : {"", "sqlite:", "claudio.db", "mysql://user:s3cret@host/db", "SQLITE:", "sqlite"})
    BOOST_TEST_CONTEXT(url) {
      auto const refused = run(context, store::open(context.get_executor(), url, sources_of({first_key})));
      fails_with(refused, errc::configuration, "expected sqlite:PATH");
      BOOST_TEST(refused.error().param() == "store");
      BOOST_TEST(refused.error().message().find("s3cret") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(an_empty_store_does_nothing) {
  asio::io_context context;
  store const empty;
  auto const refused = [](auto const& outcome) { fails_with(outcome, errc::configuration, "an empty claudio::store"); };
  refused(run(context, empty.load()));
  refused(run(context, empty.content()));
  refused(run(context, empty.add_provider(json::object())));
  refused(run(context, empty.add_model(json::object())));
  refused(run(context, empty.update_provider("p", json::object())));
  refused(run(context, empty.update_model("m", json::object())));
  refused(run(context, empty.remove_provider("p")));
  refused(run(context, empty.remove_model("m")));
  refused(run(context, empty.set_secret("p", named_secret())));
  refused(run(context, empty.import_configuration(json::object())));
  refused(run(context, empty.export_configuration(false)));
  refused(run(context, empty.rotate()));
}

BOOST_AUTO_TEST_CASE(what_is_tampered_with_fails_alone) {
  database const at;
  fill(at, 6);
  at.execute("CREATE TEMP TABLE taken AS SELECT provider_name AS name, sealed FROM secrets;"
             "UPDATE secrets SET sealed = (SELECT sealed FROM taken WHERE name = "
             "CASE provider_name WHEN 'p0' THEN 'p1' ELSE 'p0' END) WHERE provider_name IN ('p0', 'p1');"
             "UPDATE secrets SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE provider_name = 'p2';"
             "UPDATE secrets SET sealed = substr(sealed, 1, 99) WHERE provider_name = 'p3';"
             "UPDATE secrets SET version = 2 WHERE provider_name = 'p4'");
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  auto const config = run(context, opened->load());
  succeeds(config);
  auto const seen = run(context, opened->content());
  succeeds(seen);
  BOOST_REQUIRE(config->providers.size() == 6u);
  BOOST_REQUIRE(seen->secrets.size() == 6u);
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_TEST_CONTEXT("p" << i) {
      bool const is_damaged = i < 5;
      BOOST_REQUIRE(config->providers[i].fault.has_value() == is_damaged);
      BOOST_REQUIRE(seen->secrets[i].fault.has_value() == is_damaged);
      if (is_damaged) {
        BOOST_TEST(config->providers[i].fault->code() == errc::vault);
        BOOST_TEST(seen->secrets[i].fault->code() == errc::vault);
      } else {
        BOOST_TEST(config->providers[i].options.api_key.reveal() == key_of(i));
      }
    }
  model_manager const manager(context.get_executor(), *config, serial);
  BOOST_TEST(manager.get_model_instance("m5").has_value());
  fails_with(manager.get_model_instance("m2"), errc::vault, "provider \"p2\" can't be used: ");
  // A new secret makes the provider well again.
  succeeds(run(context, opened->set_secret("p2", named_secret("api_key", secret("sk-ant-fresh")))));
  BOOST_TEST(run(context, opened->load())->providers[2].options.api_key.reveal() == "sk-ant-fresh");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_cancellation)

namespace {

// Cancels an operation after the nth handler of its context has run, for every n there is. What was cancelled has
// changed nothing, or all; the store's thread or server may be faster.
template <class T>
void cancel_at_every_handler(std::function<asio::awaitable<result<T>>(store const&)> const& begin) {
  database const at;
  fill(at, 3);
  auto const before = at.text("SELECT revision FROM store");
  at.save();
  std::uint64_t all = 0;
  {
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    succeeds(run(context, begin(*opened)));
    all = run(context, opened->content())->revision;
  }
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 300; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      at.restore();
      {
        asio::io_context context;
        auto const opened = open_at(context, at);
        succeeds(opened);
        running<T> operation(context, begin(*opened));
        run_handlers(context, n, operation);
        finished = operation.has_ended();
        operation.cancel();
        finish(context);
        if (operation.outcome().has_error()) {
          BOOST_TEST(operation.outcome().error().code() == errc::cancelled);
        } else {
          BOOST_TEST(run(context, opened->content())->revision == all);
        }
      }
      auto const revision = at.text("SELECT revision FROM store");
      BOOST_TEST((revision == before || revision == std::to_string(all)));
    }
  BOOST_TEST(finished);
}

} // namespace

BOOST_AUTO_TEST_CASE(each_change) {
  using change = std::function<asio::awaitable<result<void>>(store const&)>;
  std::vector<change> const operations{
      [](store const& at) { return at.add_provider(a_provider("new", key_of(9))); },
      [](store const& at) { return at.add_model(a_model("new", "p0")); },
      [](store const& at) { return at.update_provider("p1", a_provider("p1", key_of(9))); },
      [](store const& at) { return at.update_model("m1", a_model("m1", "p2")); },
      [](store const& at) { return at.remove_model("m2"); },
  };
  for (auto const& operation : operations)
    cancel_at_every_handler<void>(operation);
  cancel_at_every_handler<std::vector<std::string>>(
      [](store const& at) { return at.set_secret("p0", named_secret("api_key", secret(key_of(9)))); });
  cancel_at_every_handler<import_report>([](store const& at) { return at.import_configuration(configuration_of(10)); });
}

BOOST_AUTO_TEST_CASE(each_view) {
  cancel_at_every_handler<configuration>([](store const& at) { return at.load(); });
  cancel_at_every_handler<store_content>([](store const& at) { return at.content(); });
  cancel_at_every_handler<json::object>([](store const& at) { return at.export_configuration(true); });
}

BOOST_AUTO_TEST_CASE(an_opening) {
  database const at;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 300; ++n)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      at.clear();
      {
        asio::io_context context;
        running<store> opening(context, store::open(context.get_executor(), at.url(), sources_of({first_key})));
        run_handlers(context, n, opening);
        finished = opening.has_ended();
        opening.cancel();
        finish(context);
        if (opening.outcome().has_error()) {
          BOOST_TEST(opening.outcome().error().code() == errc::cancelled);
        }
      }
      // Whatever was made of it can be used.
      BOOST_TEST(content_of(at).providers.empty());
    }
  BOOST_TEST(finished);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_at_once)

BOOST_AUTO_TEST_CASE(several_stores_in_one_context) {
  database const shared;
  database const own;
  asio::io_context context;
  std::vector<store> stores;
  for (auto const* const at : {&shared, &shared, &own}) {
    auto opened = open_at(context, *at);
    succeeds(opened);
    stores.push_back(*opened);
  }
  for (auto const i : {0u, 2u})
    succeeds(run(context, stores[i].add_provider(a_provider("p", key_of(0)))));
  std::vector<std::unique_ptr<running<void>>> adding;
  std::vector<std::unique_ptr<running<configuration>>> loading;
  for (std::size_t i = 0; i < 60; ++i) {
    auto const& at = stores[i % 3];
    adding.push_back(std::make_unique<running<void>>(context, at.add_model(a_model("m" + std::to_string(i), "p"))));
    loading.push_back(std::make_unique<running<configuration>>(context, at.load()));
  }
  finish(context);
  for (auto const& one : adding)
    succeeds(one->outcome());
  for (auto const& one : loading)
    succeeds(one->outcome());
  BOOST_TEST(run(context, stores[0].content())->models.size() == 40u);
  BOOST_TEST(run(context, stores[1].content())->models.size() == 40u);
  BOOST_TEST(run(context, stores[2].content())->models.size() == 20u);
  BOOST_TEST(run(context, stores[1].content())->revision == 42u);
}

BOOST_AUTO_TEST_CASE(two_contexts_write_the_same_file) {
  database const at;
  fill(at, 1);
  std::vector<std::vector<std::string>> faults(2);
  std::barrier together(2);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 2; ++thread)
    threads.emplace_back([&, thread] {
      asio::io_context context;
      auto const opened = open_at(context, at);
      if (!opened)
        faults[thread].push_back(opened.error().to_string());
      together.arrive_and_wait();
      for (int i = 0; opened && i < 20; ++i) {
        auto const name = std::to_string(thread) + "-" + std::to_string(i);
        if (auto const added = run(context, opened->add_model(a_model(name, "p0"))); !added)
          faults[thread].push_back(added.error().to_string());
      }
    });
  for (auto& thread : threads)
    thread.join();
  for (auto const& list : faults)
    BOOST_TEST(list == std::vector<std::string>(), boost::test_tools::per_element());
  auto const seen = content_of(at);
  BOOST_TEST(seen.models.size() == 41u);
  BOOST_TEST(seen.revision == 42u);
}

BOOST_AUTO_TEST_CASE(many_open_a_database_that_is_not_there_yet) {
  constexpr std::size_t openers = 8;
  for (int round = 0; round < 10; ++round) {
    database const at;
    std::vector<std::string> faults(openers);
    std::barrier together(openers);
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < openers; ++thread)
      threads.emplace_back([&, thread] {
        asio::io_context context;
        together.arrive_and_wait();
        auto const opened = open_at(context, at);
        if (!opened) {
          faults[thread] = opened.error().to_string();
          return;
        }
        auto const name = "p" + std::to_string(thread);
        auto const added = run(context, opened->add_provider(a_provider(name, key_of(thread))));
        if (!added)
          faults[thread] = added.error().to_string();
      });
    for (auto& thread : threads)
      thread.join();
    for (auto const& fault : faults)
      BOOST_TEST(fault == "");
    auto const seen = content_of(at);
    BOOST_TEST(seen.providers.size() == openers);
    // One for the key that tells fingerprints, made by one of them only.
    BOOST_TEST(seen.revision == openers + 1);
    for (auto const& known : seen.secrets)
      BOOST_TEST(!known.fault.has_value());
    BOOST_TEST(at.text("SELECT count(*) FROM store") == "1");
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(store_rotation)

namespace {

std::size_t secrets_under(std::string const& key_id, store_content const& content) {
  return static_cast<std::size_t>(std::count_if(content.secrets.begin(), content.secrets.end(),
                                                [&](stored_secret const& known) { return known.key_id == key_id; }));
}

} // namespace

BOOST_AUTO_TEST_CASE(all_secrets_come_under_the_new_key) {
  database const at;
  fill(at, 120);
  asio::io_context context;
  auto const opened = open_at(context, at, {second_key, first_key});
  succeeds(opened);
  auto const report = run(context, opened->rotate());
  succeeds(report);
  BOOST_TEST(report->rewrapped == 120u);
  BOOST_TEST(report->current == 0u);
  BOOST_TEST(report->failed.empty());
  auto const again = run(context, opened->rotate());
  BOOST_TEST(again->rewrapped == 0u);
  BOOST_TEST(again->current == 120u);
  fails_with(open_at(context, at, {first_key}), errc::vault, "is not this database's");
  auto const newer = open_at(context, at, {second_key});
  succeeds(newer);
  auto const config = run(context, newer->load());
  succeeds(config);
  for (std::size_t i = 0; i < 120; ++i)
    BOOST_TEST(config->providers.at(i).options.api_key.reveal() == key_of(i));
}

BOOST_AUTO_TEST_CASE(more_secrets_take_larger_steps) {
  constexpr std::size_t count = 1000;
  database const at;
  fill(at, count);
  asio::io_context context;
  auto const opened = open_at(context, at, {second_key, first_key});
  succeeds(opened);
  auto const before = run(context, opened->content())->revision;
  auto const report = run(context, opened->rotate());
  succeeds(report);
  BOOST_TEST(report->rewrapped == count);
  auto const after = run(context, opened->content());
  succeeds(after);
  // Each step is a transaction that reads all tables: as many for a million.
  BOOST_TEST(after->revision - before <= 10u);
  BOOST_TEST(after->revision - before > 2u);
  BOOST_TEST(secrets_under(report->key_id, *after) == count);
}

BOOST_AUTO_TEST_CASE(a_cancelled_rotation_is_gone_on_with) {
  database const at;
  fill(at, 120);
  auto const new_id = test::vault_of({second_key}).key_ids().at(0);
  at.save();
  std::set<std::size_t> done;
  bool finished = false;
  for (std::size_t n = 0; !finished && n < 300; n += 1 + n / 16)
    BOOST_TEST_CONTEXT("after " << n << " handlers") {
      at.restore();
      asio::io_context context;
      auto const opened = open_at(context, at, {second_key, first_key});
      succeeds(opened);
      running<rotation_report> rotating(context, opened->rotate());
      run_handlers(context, n, rotating);
      finished = rotating.has_ended();
      rotating.cancel();
      finish(context);
      if (rotating.outcome().has_error())
        BOOST_TEST(rotating.outcome().error().code() == errc::cancelled);
      auto const already = secrets_under(new_id, run(context, opened->content()).value());
      done.insert(already);
      auto const rest = run(context, opened->rotate());
      succeeds(rest);
      BOOST_TEST(rest->rewrapped == 120 - already);
      BOOST_TEST(rest->current == already);
      BOOST_TEST(secrets_under(new_id, content_of(at, {second_key})) == 120u);
    }
  BOOST_TEST(finished);
  BOOST_TEST(done.size() > 2u); // none, all, and some
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_reported_and_left) {
  database const at;
  fill(at, 5);
  at.execute("UPDATE secrets SET sealed = substr(sealed, 1, 50) WHERE provider_name = 'p3'");
  asio::io_context context;
  auto const opened = open_at(context, at, {second_key, first_key});
  succeeds(opened);
  auto const report = run(context, opened->rotate());
  succeeds(report);
  BOOST_TEST(report->rewrapped == 4u);
  BOOST_TEST(report->current == 0u);
  BOOST_REQUIRE(report->failed.size() == 1u);
  BOOST_TEST(report->failed[0].provider == "p3");
  BOOST_TEST(report->failed[0].fault.value().code() == errc::vault);
}

BOOST_AUTO_TEST_CASE(counts_hold_though_secrets_are_removed_meanwhile) {
  database const at;
  fill(at, 2);
  at.execute("UPDATE secrets SET sealed = substr(sealed, 1, 50) WHERE provider_name = 'p1';"
             "DELETE FROM models");
  asio::io_context context;
  auto const opened = open_at(context, at, {second_key, first_key});
  succeeds(opened);
  running<rotation_report> rotating(context, opened->rotate());
  running<void> removing(context, opened->remove_provider("p0"));
  finish(context);
  succeeds(removing.outcome());
  succeeds(rotating.outcome());
  // Whether it was rewrapped before it was removed or not, there is nothing else.
  BOOST_TEST(rotating.outcome()->rewrapped <= 1u);
  BOOST_TEST(rotating.outcome()->current == 0u);
  BOOST_TEST(rotating.outcome()->failed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(calls_and_other_rotations_go_on_meanwhile) {
  database const at;
  fill(at, 120);
  asio::io_context context;
  auto const one = open_at(context, at, {second_key, first_key});
  auto const other = open_at(context, at, {second_key, first_key});
  succeeds(one);
  succeeds(other);
  running<rotation_report> first(context, one->rotate());
  running<rotation_report> second(context, other->rotate());
  running<void> adding(context, one->add_provider(a_provider("new", key_of(500))));
  running<std::vector<std::string>> setting(context,
                                            other->set_secret("p7", named_secret("api_key", secret(key_of(700)))));
  finish(context);
  succeeds(first.outcome());
  succeeds(second.outcome());
  succeeds(adding.outcome());
  succeeds(setting.outcome());
  auto const newer = open_at(context, at, {second_key});
  succeeds(newer);
  auto const config = run(context, newer->load());
  succeeds(config);
  BOOST_REQUIRE(config->providers.size() == 121u);
  for (auto const& entry : config->providers)
    BOOST_TEST(!entry.fault.has_value());
  BOOST_TEST(config->providers[7].options.api_key.reveal() == key_of(700));
}

BOOST_AUTO_TEST_SUITE_END()
