#include "store/postgres_rows.hpp"

#include "core/json_access.hpp"
#include "store/postgres_value.hpp"
#include "vault/cipher.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <optional>

namespace claudio::postgres_tables {
namespace json = boost::json;

namespace {

std::string bytes_in(json::object const& row, std::string_view field) {
  auto bytes = cipher::bytes_of(find_string(row, field));
  return bytes ? std::move(*bytes) : std::string();
}

// The columns of each table, to read and to write them. `Fields` has a member for each kind of column.
template <class Fields>
void visit(Fields const& fields, typename Fields::template row<provider_row> row) {
  fields.text("name", row.name);
  fields.text("provider_type", row.provider_type);
  fields.text("support_model_type", row.support_model_type);
  fields.text("provider_config", row.provider_config);
  fields.bytes("authentication", row.authentication);
  fields.integer("created_at_ms", row.created);
  fields.integer("updated_at_ms", row.updated);
}

template <class Fields>
void visit(Fields const& fields, typename Fields::template row<model_row> row) {
  fields.text("name", row.name);
  fields.text("type", row.type);
  fields.text("provider_name", row.provider_name);
  fields.integer("max_tokens", row.max_tokens);
  fields.text("model_params", row.model_params);
  fields.text("settings", row.settings);
  fields.integer("created_at_ms", row.created);
  fields.integer("updated_at_ms", row.updated);
}

template <class Fields>
void visit(Fields const& fields, typename Fields::template row<secret_row> row) {
  fields.text("id", row.id);
  fields.text("provider_name", row.provider_name);
  fields.text("field", row.field);
  fields.integer("version", row.version);
  fields.bytes("sealed", row.sealed);
  fields.bytes("fingerprint", row.fingerprint);
  fields.integer("created_at_ms", row.created);
  fields.integer("updated_at_ms", row.updated);
}

class field_reader {
public:
  template <class Row>
  using row = Row&;

  explicit field_reader(json::object const& from) : from_(from) {}

  void text(std::string_view name, std::string& into) const { into = find_string(from_, name); }
  void bytes(std::string_view name, std::string& into) const { into = bytes_in(from_, name); }
  void integer(std::string_view name, std::int64_t& into) const { into = find_integer(from_, name).value_or(0); }
  void integer(std::string_view name, std::optional<std::int64_t>& into) const { into = find_integer(from_, name); }

private:
  json::object const& from_;
};

class field_writer {
public:
  template <class Row>
  using row = Row const&;

  explicit field_writer(json::object& into) : into_(into) {}

  void text(std::string_view name, std::string const& from) const { into_[name] = from; }
  void bytes(std::string_view name, std::string const& from) const { into_[name] = cipher::hexadecimal(from); }
  void integer(std::string_view name, std::optional<std::int64_t> from) const {
    if (from)
      into_[name] = *from;
  }

private:
  json::object& into_;
};

template <class Row>
bool read_rows(json::object const& tables, std::string_view name, std::vector<Row>& rows) {
  auto const* const list = find_array(tables, name);
  if (!list)
    return false;
  for (auto const& entry : *list)
    if (auto const* const row = entry.if_object())
      visit(field_reader(*row), rows.emplace_back());
  return true;
}

template <class Row>
json::value as_json(Row const& row) {
  json::object written;
  visit(field_writer(written), row);
  return written;
}

json::value as_json(std::string const& name) { return json::string_view(name); }

template <class Row>
std::string listed_as_text(std::vector<Row> const& rows) {
  json::array list;
  for (auto const& row : rows)
    list.push_back(as_json(row));
  return json::serialize(list);
}

} // namespace

result<snapshot> parse(std::string_view text) {
  auto const parsed = parse_json(text);
  auto const* const tables = parsed ? parsed->if_object() : nullptr;
  if (!tables)
    return not_ours();
  snapshot now;
  now.format = static_cast<unsigned>(find_integer(*tables, "version").value_or(0));
  now.revision = find_integer(*tables, "revision").value_or(0);
  now.salt = bytes_in(*tables, "salt");
  now.fingerprint_key = bytes_in(*tables, "fingerprint_key");
  now.authentication_key = bytes_in(*tables, "authentication_key");
  now.database_id = bytes_in(*tables, "database_id");
  now.passphrase_cost = find_integer(*tables, "passphrase_cost");
  if (!read_rows(*tables, "providers", now.providers) || !read_rows(*tables, "models", now.models) ||
      !read_rows(*tables, "secrets", now.secrets))
    return not_ours();
  return now;
}

std::string as_text(std::vector<provider_row> const& rows) { return listed_as_text(rows); }
std::string as_text(std::vector<model_row> const& rows) { return listed_as_text(rows); }
std::string as_text(std::vector<secret_row> const& rows) { return listed_as_text(rows); }
std::string as_text(std::vector<std::string> const& names) { return listed_as_text(names); }

} // namespace claudio::postgres_tables
