// What somebody can do who may write to the database, or who had a key of it, in each kind of database.
#include "store/database.hpp"
#include "store/operations.hpp"
#include "support/call.hpp"

#include <claudio/store.hpp>

#include <boost/json/serialize.hpp>

#include <functional>
#include <limits>

using namespace claudio;
using namespace claudio::test;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto elsewhere = R"({"api_key":"vault:","api_base":"https://evil.example/v1"})";

void redirect(database const& at, std::string const& provider) {
  at.execute("UPDATE providers SET provider_config = '" + std::string(elsewhere) + "' WHERE name = '" + provider + "'");
}

// The fault of a provider, as a manager would meet it.
std::string fault_of(configuration const& config, std::string const& name) {
  for (auto const& provider : config.providers)
    if (provider.name == name)
      return provider.fault ? provider.fault->message() : "none";
  return "no such provider";
}

std::string fault_in(database const& at, std::string const& name,
                     std::initializer_list<std::string_view> keys = {first_key}) {
  asio::io_context context;
  auto const opened = open_at(context, at, keys);
  succeeds(opened);
  auto const config = run(context, opened->load());
  succeeds(config);
  return fault_of(*config, name);
}

void is_refused(std::string const& fault) {
  BOOST_TEST(fault.find("changed by something else than claudio") != std::string::npos, fault);
}

// The row of a table, as a statement that writes it into the same table of another database. All bytes as they are.
std::string value_of(database const& at, std::string const& table, std::string const& column,
                     std::string const& where) {
  return at.hexadecimal("SELECT " + column + " FROM " + table + " WHERE " + where);
}

std::string bytes(std::string const& hexadecimal) {
  bool const is_server = !postgresql_url("").empty();
  return is_server ? "decode('" + hexadecimal + "', 'hex')" : "x'" + hexadecimal + "'";
}

void copy_bytes(database const& from, database const& to, std::string const& table, std::string const& column,
                std::string const& where) {
  to.execute("UPDATE " + table + " SET " + column + " = " + bytes(value_of(from, table, column, where)) + " WHERE " +
             where);
}

void copy_text(database const& from, database const& to, std::string const& table, std::string const& column,
               std::string const& where) {
  to.execute("UPDATE " + table + " SET " + column + " = '" +
             from.text("SELECT " + column + " FROM " + table + " WHERE " + where) + "' WHERE " + where);
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_attacks)

// Each operation that writes a provider's row, or that carries it elsewhere, would else make it valid.
BOOST_AUTO_TEST_CASE(a_changed_row_is_signed_by_nothing_but_its_acceptance) {
  using operation = std::function<result<void>(asio::io_context&, store const&)>;
  auto const without_value = [](auto const& outcome) { return outcome ? result<void>() : outcome.error(); };
  std::vector<operation> const refused{
      [&](asio::io_context& context, store const& at) {
        return without_value(run(context, at.set_secret("p0", named_secret("api_key", secret("sk-ant-new")))));
      },
      [&](asio::io_context& context, store const& at) {
        return without_value(run(context, at.set_secret("p0", named_secret("headers.x-auth", secret("sk-ant-new")))));
      },
      [](asio::io_context& context, store const& at) {
        return run(context, at.update_provider(
                                "p0", test::json(R"({"provider_config":{"retry":{"jitter":false}}})").as_object()));
      },
      [](asio::io_context& context, store const& at) {
        return run(context,
                   at.update_provider("p0", test::json(R"({"provider_config":{"api_base":null}})").as_object()));
      },
      [](asio::io_context& context, store const& at) { return run(context, at.update_provider("p0", json::object())); },
      [&](asio::io_context& context, store const& at) {
        return without_value(run(context, at.import_configuration(configuration_of(1))));
      },
      [&](asio::io_context& context, store const& at) {
        return without_value(
            run(context, at.import_configuration(test::json(R"({"providers":[{"name":"p0","provider_type":"anthropic"}],
                                                "models":[]})")
                                                     .as_object())));
      },
      [](asio::io_context& context, store const& at) { return run(context, at.add_model(a_model("new", "p0"))); },
      [](asio::io_context& context, store const& at) {
        return run(context, at.update_model("m0", test::json(R"({"max_tokens":5})").as_object()));
      },
      [](asio::io_context& context, store const& at) {
        return run(context, at.update_model("m1", test::json(R"({"provider_name":"p0"})").as_object()));
      },
      [&](asio::io_context& context, store const& at) {
        return without_value(run(context, at.export_configuration(true)));
      },
      [&](asio::io_context& context, store const& at) {
        return without_value(run(context, at.export_configuration(false)));
      },
  };
  for (unsigned const format : {1u, 2u}) {
    database const at;
    if (format == 1)
      at.load_old("format_1");
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    succeeds(run(context, opened->import_configuration(configuration_of(2))));
    redirect(at, "p0");
    for (std::size_t i = 0; i < refused.size(); ++i)
      BOOST_TEST_CONTEXT("format " << format << ", operation " << i) {
        auto const outcome = refused[i](context, *opened);
        fails_with(outcome, errc::vault, "provider \"p0\" was changed by something else than claudio");
        is_refused(fault_in(at, "p0"));
        BOOST_TEST(fault_in(at, "p1") == "none");
      }
    // It is told where entries are listed.
    auto const seen = run(context, opened->content());
    succeeds(seen);
    BOOST_TEST(seen->format == format);
    for (auto const& provider : seen->providers)
      BOOST_TEST(provider.fault.has_value() == (provider.name == "p0"));
    auto const document = std::find_if(seen->providers.begin(), seen->providers.end(), [](stored_entry const& entry) {
                            return entry.name == "p0";
                          })->document;
    // Only what was looked at is accepted.
    at.execute(
        "UPDATE providers SET provider_config = '{\"api_key\":\"vault:\",\"api_base\":\"https://worse.example\"}' "
        "WHERE name = 'p0'");
    fails_with(run(context, opened->accept_provider("p0", document)), errc::vault, "changed again");
    is_refused(fault_in(at, "p0"));
    redirect(at, "p0");
    succeeds(run(context, opened->accept_provider("p0", document)));
    BOOST_TEST(fault_in(at, "p0") == "none");
    succeeds(run(context, opened->accept_provider("p0", document)));
    fails_with(run(context, opened->accept_provider("p9", document)), errc::configuration, "no provider is named");
    succeeds(run(context, opened->set_secret("p0", named_secret("api_key", secret("sk-ant-new")))));
  }
}

BOOST_AUTO_TEST_CASE(a_rotation_and_a_migration_do_not_sign_what_was_changed) {
  for (bool const is_old : {false, true}) {
    database const at;
    if (is_old)
      at.load_old("format_1");
    asio::io_context context;
    auto const opened = open_at(context, at, {second_key, first_key});
    succeeds(opened);
    succeeds(run(context, opened->import_configuration(configuration_of(3))));
    redirect(at, "p1");
    if (is_old) {
      auto const migrated = run(context, opened->migrate());
      succeeds(migrated);
      BOOST_TEST(migrated->refused == std::vector<std::string>{"p1"}, boost::test_tools::per_element());
      is_refused(fault_in(at, "p1"));
    }
    auto const rotated = run(context, opened->rotate());
    succeeds(rotated);
    BOOST_TEST(rotated->refused == std::vector<std::string>{"p1"}, boost::test_tools::per_element());
    is_refused(fault_in(at, "p1", {second_key}));
    BOOST_TEST(fault_in(at, "p0", {second_key}) == "none");
    BOOST_TEST(fault_in(at, "p2", {second_key}) == "none");
  }
}

// A production key must not be sent to staging's address, though both are under the same master key.
BOOST_AUTO_TEST_CASE(rows_cant_move_between_databases_that_share_a_key) {
  database const production;
  database const staging;
  fill(production, 2);
  fill(staging, 2);
  staging.save();
  auto const is_of_staging = [&] {
    asio::io_context context;
    auto const opened = open_at(context, staging);
    if (!opened)
      return opened.error().message();
    auto const config = run(context, opened->load());
    succeeds(config);
    return fault_of(*config, "p0");
  };
  BOOST_TEST(is_of_staging() == "none");
  std::string const where = "provider_name = 'p0'";
  // A secret, with all that names its place.
  copy_text(production, staging, "secrets", "id", where);
  copy_bytes(production, staging, "secrets", "sealed", where);
  copy_bytes(production, staging, "secrets", "fingerprint", where);
  BOOST_TEST(is_of_staging().find("belong to another place") != std::string::npos, is_of_staging());
  staging.restore();
  // A signed row.
  copy_bytes(production, staging, "providers", "authentication", "name = 'p0'");
  is_refused(is_of_staging());
  staging.restore();
  // The name of the database alone, and its own keys one by one.
  for (auto const* const column : {"database_id", "sealed_fingerprint_key", "sealed_authentication_key"})
    BOOST_TEST_CONTEXT(column) {
      copy_bytes(production, staging, "store", column, "id = 1");
      BOOST_TEST(is_of_staging().find("is not this database's") != std::string::npos, is_of_staging());
      staging.restore();
    }
  // All that names it, and the secret: then staging's own address is not signed.
  for (auto const* const column : {"database_id", "sealed_fingerprint_key", "sealed_authentication_key", "salt"})
    copy_bytes(production, staging, "store", column, "id = 1");
  copy_text(production, staging, "secrets", "id", where);
  copy_bytes(production, staging, "secrets", "sealed", where);
  redirect(staging, "p0");
  is_refused(is_of_staging());
}

// Who has had the old master key, and with it all that was under it.
BOOST_AUTO_TEST_CASE(what_was_signed_with_an_old_key_is_refused) {
  database const at;
  fill(at, 2);
  // A copy of the database and its key: the attacker's.
  database const theirs;
  fill(theirs, 1);
  for (auto const* const column : {"database_id", "sealed_fingerprint_key", "sealed_authentication_key", "salt"})
    copy_bytes(at, theirs, "store", column, "id = 1");
  copy_bytes(at, theirs, "providers", "authentication", "name = 'p0'");
  {
    asio::io_context context;
    auto const forging = open_at(context, theirs);
    succeeds(forging);
    auto const patch = R"({"provider_config":)" + std::string(elsewhere) + "}";
    succeeds(run(context, forging->update_provider("p0", test::json(patch).as_object())));
  }
  auto const forge = [&] {
    copy_bytes(theirs, at, "providers", "authentication", "name = 'p0'");
    copy_text(theirs, at, "providers", "provider_config", "name = 'p0'");
  };
  // As long as the key is in use it is as good as the owner.
  at.save();
  forge();
  BOOST_TEST(fault_in(at, "p0") == "none");
  at.restore();
  {
    asio::io_context context;
    auto const opened = open_at(context, at, {second_key, first_key});
    succeeds(opened);
    succeeds(run(context, opened->rotate()));
    BOOST_TEST(fault_in(at, "p0", {second_key}) == "none");
  }
  forge();
  for (bool const has_both : {true, false})
    is_refused(has_both ? fault_in(at, "p0", {second_key, first_key}) : fault_in(at, "p0", {second_key}));
  // With the old keys of the database in its row, who has forgotten the old master key opens nothing.
  for (auto const* const column : {"sealed_fingerprint_key", "sealed_authentication_key"})
    copy_bytes(theirs, at, "store", column, "id = 1");
  asio::io_context context;
  fails_with(open_at(context, at, {second_key}), errc::vault, "is not this database's");
}

// The same master key, but another key to sign rows with.
BOOST_AUTO_TEST_CASE(each_rotation_makes_another_authentication_key) {
  database const at;
  fill(at, 1);
  at.save();
  auto const signature = value_of(at, "providers", "authentication", "name = 'p0'");
  {
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    succeeds(run(context, opened->rotate()));
  }
  BOOST_TEST(value_of(at, "providers", "authentication", "name = 'p0'") != signature);
  BOOST_TEST(fault_in(at, "p0") == "none");
  at.execute("UPDATE providers SET authentication = " + bytes(signature));
  is_refused(fault_in(at, "p0"));
}

BOOST_AUTO_TEST_CASE(versions_do_not_overflow) {
  for (std::int64_t const version :
       {std::numeric_limits<std::int64_t>::max(), std::int64_t{-1}, std::numeric_limits<std::int64_t>::min() + 1}) {
    database const at;
    fill(at, 1);
    at.execute("UPDATE secrets SET version = " + std::to_string(version));
    asio::io_context context;
    auto const opened = open_at(context, at);
    succeeds(opened);
    fails_with(run(context, opened->set_secret("p0", named_secret("api_key", secret("sk-ant-new")))), errc::vault,
               "the version of the secret p0 api_key is " + std::to_string(version));
    // The way out.
    succeeds(run(context, opened->update_provider(
                              "p0", test::json(R"({"provider_config":{"api_key":"env:NOT_SET"}})").as_object())));
    succeeds(run(context, opened->set_secret("p0", named_secret("api_key", secret("sk-ant-new")))));
    BOOST_TEST(run(context, opened->load())->providers.at(0).options.api_key.reveal() == "sk-ant-new");
  }
}

// Whoever may write to the row does not decide how much memory scrypt takes, nor how little.
BOOST_AUTO_TEST_CASE(the_cost_of_a_passphrase_cant_be_changed) {
  database const at;
  asio::io_context context;
  auto const open = [&](unsigned cost) {
    std::vector<key_source> const keys{key_source::passphrase(secret("correct horse"), cost)};
    return run(context, store::open(context.get_executor(), at.url(), keys));
  };
  succeeds(open(11));
  BOOST_TEST(at.text("SELECT passphrase_cost FROM store") == "11");
  // The stored one counts.
  succeeds(open(10));
  succeeds(open(17));
  for (std::string const cost :
       {"18", "24", "40", "63", "9", "0", "-1", "9223372036854775807", "-9223372036854775808"}) {
    at.execute("UPDATE store SET passphrase_cost = " + cost);
    fails_with(open(11), errc::vault, "says that its passphrase has the cost");
  }
  at.execute("UPDATE store SET passphrase_cost = 10");
  fails_with(open(11), errc::vault, "is not this database's");
  // Nor by who adds a passphrase to a database whose keys are in a file.
  database const other;
  fill(other, 1);
  other.execute("UPDATE store SET passphrase_cost = 10");
  fails_with(open_at(context, other), errc::vault, "belong to another place");
}

BOOST_AUTO_TEST_CASE(secrets_of_format_1_are_refused_in_format_2) {
  database const at;
  at.load_old("format_1");
  auto const sealed = value_of(at, "secrets", "sealed", "provider_name = 'anthropic'");
  asio::io_context context;
  auto const opened = open_at(context, at);
  succeeds(opened);
  succeeds(run(context, opened->migrate()));
  BOOST_TEST(fault_in(at, "anthropic") == "none");
  at.execute("UPDATE secrets SET sealed = " + bytes(sealed) + " WHERE provider_name = 'anthropic'");
  auto const fault = fault_in(at, "anthropic");
  BOOST_TEST(fault.find("stored in format 1, the database in format 2") != std::string::npos, fault);
}

BOOST_AUTO_TEST_SUITE_END()
