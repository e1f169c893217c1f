#pragma once

#include "store/documents.hpp"
#include "store/edits.hpp"
#include "store/fixtures.hpp"
#include "store/sealing.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// A store's tables in memory, for what decides without I/O.
namespace claudio::test {

inline constexpr std::string_view key_one = "sk-ant-api03-number-one-0001";
inline constexpr std::string_view key_two = "sk-ant-api03-number-two-0002";
inline constexpr std::string_view proxy_url = "http://user:proxy-password@proxy.example:3128";

template <class Row, class Key>
void put_row(std::vector<Row>& rows, Row const& row, Key Row::*key) {
  auto const found = std::find_if(rows.begin(), rows.end(), [&](Row const& old) { return old.*key == row.*key; });
  if (found == rows.end())
    rows.push_back(row);
  else
    *found = row;
}

template <class Row>
void remove_rows(std::vector<Row>& rows, std::vector<std::string> const& ids, std::string Row::*id) {
  for (auto const& gone : ids)
    BOOST_TEST(std::erase_if(rows, [&](Row const& row) { return row.*id == gone; }) == 1u);
}

/// What a backend makes of changes.
inline snapshot with_changes(snapshot now, changes const& decided) {
  if (decided.empty())
    return now;
  ++now.revision;
  if (decided.fingerprint_key)
    now.fingerprint_key = *decided.fingerprint_key;
  if (decided.authentication_key)
    now.authentication_key = *decided.authentication_key;
  if (decided.database_id)
    now.database_id = *decided.database_id;
  if (decided.passphrase_cost)
    now.passphrase_cost = decided.passphrase_cost;
  remove_rows(now.secrets, decided.remove_secrets, &secret_row::id);
  remove_rows(now.models, decided.remove_models, &model_row::name);
  remove_rows(now.providers, decided.remove_providers, &provider_row::name);
  for (auto const& row : decided.put_providers)
    put_row(now.providers, row, &provider_row::name);
  for (auto const& row : decided.put_models)
    put_row(now.models, row, &model_row::name);
  for (auto const& row : decided.put_secrets)
    put_row(now.secrets, row, &secret_row::id);
  return now;
}

/// All that changes write, in one text.
inline std::string all_strings(changes const& decided) {
  std::string all = decided.fingerprint_key.value_or("");
  auto const add = [&](std::initializer_list<std::string_view> texts) {
    for (auto const text : texts)
      all.append(1, '\n').append(text);
  };
  for (auto const& row : decided.put_providers)
    add({row.name, row.provider_type, row.support_model_type, row.provider_config});
  for (auto const& row : decided.put_models)
    add({row.name, row.type, row.provider_name, row.model_params, row.settings});
  for (auto const& row : decided.put_secrets)
    add({row.id, row.provider_name, row.field, row.sealed, row.fingerprint});
  for (auto const* const list : {&decided.remove_secrets, &decided.remove_models, &decided.remove_providers})
    for (auto const& name : *list)
      add({name});
  return all;
}

inline boost::json::object object(std::string_view text) { return json(text).as_object(); }

/// Tables, and what is done to them.
class tables {
public:
  explicit tables(unsigned format = newest_format) {
    now.format = format;
    with.keys = vault_of({first_key});
    with.now = 1000;
    change(sealing::add_own_keys(now, with.keys, key_source::default_cost));
    with.own = sealing::open_own_keys(now, with.keys).value();
  }

  void change(result<changes> const& made) {
    succeeds(made);
    decided = *made;
    now = with_changes(std::move(now), decided);
    ++with.now;
  }

  void add_provider(std::string_view name, std::string_view config) {
    change(edits::add_provider(now, provider(name, config), {}, with));
  }
  void add_model(std::string_view text) { change(edits::add_model(now, object(text), with)); }
  void add_model_of(std::string_view provider, std::string const& name) {
    auto document = object(R"({"type":"LLM"})");
    document["name"] = name;
    document["provider_name"] = boost::json::string_view(provider);
    change(edits::add_model(now, document, with));
  }
  result<changes> update(std::string const& name, std::string_view patch) const {
    return edits::update_provider(now, name, object(patch), with);
  }

  static boost::json::object provider(std::string_view name, std::string_view config) {
    auto document = object(R"({"provider_type":"anthropic","support_model_type":["LLM"]})");
    document["name"] = boost::json::string_view(name);
    if (!config.empty())
      document["provider_config"] = json(config);
    return document;
  }

  boost::json::object config_of(std::string_view name) const {
    for (auto const& row : now.providers)
      if (row.name == name)
        return documents::of(row).value().at("provider_config").as_object();
    BOOST_FAIL("no provider is named so");
    return {};
  }
  secret_row const& stored(std::string_view provider, std::string_view field) const {
    for (auto const& row : now.secrets)
      if (row.provider_name == provider && row.field == field)
        return row;
    throw std::runtime_error("no secret is stored there");
  }
  std::string text_of(std::string_view provider, std::string_view field) const {
    auto const& row = stored(provider, field);
    return std::string(with.keys.unseal(row.sealed, sealing::place_of(now, row)).value().reveal());
  }
  provider_row& changeable_provider(std::string_view name) {
    for (auto& row : now.providers)
      if (row.name == name)
        return row;
    throw std::runtime_error("no provider is named so");
  }
  secret_row& changeable(std::string_view provider, std::string_view field) {
    return const_cast<secret_row&>(stored(provider, field));
  }
  // "provider field" of each secret, in order.
  std::string fields() const {
    std::string all;
    for (auto const& row : now.secrets)
      all.append(all.empty() ? "" : ", ").append(row.provider_name + " " + row.field);
    return all;
  }

  void require_no_plain_secret() const {
    auto const all = all_strings(decided);
    for (auto const part :
         {key_one, key_two, proxy_url, std::string_view("proxy-password"), std::string_view("sk-ant")})
      BOOST_TEST(all.find(part) == std::string::npos);
  }

  sealing::sealer with;
  snapshot now;
  changes decided;
};

inline std::string config_with_key(std::string_view key) { return R"({"api_key":")" + std::string(key) + R"("})"; }

} // namespace claudio::test
