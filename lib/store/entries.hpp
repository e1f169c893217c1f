#pragma once

#include "store/backend.hpp"
#include "store/sealing.hpp"

#include <claudio/models.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Entries, which are providers and models, as parts of a change: found, checked and put.
namespace claudio::edits {

using sealing::sealer;

template <class Row>
Row const* find_row(std::vector<Row> const& rows, std::string_view name) {
  auto const found = std::find_if(rows.begin(), rows.end(), [&](Row const& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

template <class Row>
std::string none_is_named(std::string_view kind, std::string_view name, std::vector<Row> const& rows) {
  std::vector<std::string> names;
  for (auto const& row : rows)
    names.push_back(row.name);
  auto const near = nearest_name(name, names);
  return "no " + std::string(kind) + " is named \"" + std::string(name) + "\"" +
         (near ? "; did you mean \"" + *near + "\"?" : std::string());
}

/// In memory that is wiped.
boost::json::object wiped_copy(boost::json::object const& document);

/// What is there already is not signed, or taken over into something that is, unless a store has written it.
result<void> require_authentic(snapshot const& now, std::string_view provider, sealer const& with);

/// Adds a provider to what is decided, or replaces it, and seals its plain secrets. `document` lies in memory that is
/// wiped; `path` begins the message of an error.
result<void> put_provider(snapshot const& now, boost::json::object document, std::string const& path,
                          sealer const& with, changes& decided);
/// The same for a model. What it refers to is for `check_new_models`.
result<void> put_model(snapshot const& now, boost::json::object const& document, std::string const& path,
                       sealer const& with, changes& decided);

/// Whether what the new models refer to will be there.
result<void> check_new_models(snapshot const& now, changes const& decided,
                              std::function<std::string(std::size_t)> const& path_of_model);
std::vector<std::string> fallbacks_of(model_row const& row);

} // namespace claudio::edits
