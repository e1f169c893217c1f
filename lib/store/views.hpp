#pragma once

#include "store/backend.hpp"

#include <claudio/configuration.hpp>
#include <claudio/store.hpp>
#include <claudio/vault.hpp>

#include <boost/json/object.hpp>

/// What is read from the tables.
namespace claudio::views {

result<configuration> load(snapshot const& now, vault const& keys);
result<store_content> content(snapshot const& now, vault const& keys);
stored_secret describe(secret_row const& row, snapshot const& now, vault const& keys);
result<boost::json::object> export_configuration(snapshot const& now, vault const& keys, bool with_secrets);

} // namespace claudio::views
