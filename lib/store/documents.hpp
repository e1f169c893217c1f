#pragma once

#include "store/backend.hpp"

#include <claudio/error.hpp>
#include <claudio/secret.hpp>
#include <claudio/store.hpp>

#include <boost/json/object.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Rows as documents in the guide's form, and back.
namespace claudio::documents {

/// "provider \"anthropic\"", which begins the path of a field in messages.
std::string path_of(std::string_view kind, std::string_view name);

/// Errors: `errc::storage` for a row whose JSON was changed by other means.
result<boost::json::object> of(provider_row const& row);
result<boost::json::object> of(model_row const& row);

/// Checks a document as a configuration's entry, whose `path` begins the message of an error. References are not
/// followed, secrets not looked up. Errors: those of `configuration::from_json`.
result<void> check_provider(boost::json::object const& document, std::string const& path);
result<void> check_model(boost::json::object const& document, std::string const& path);

/// A checked document as a row, without its times.
provider_row provider_row_of(boost::json::object const& document);
model_row model_row_of(boost::json::object const& document);

/// Changes a document by a merge patch (RFC 7396).
void merge(boost::json::object& document, boost::json::object const& patch);

/// Called for each member of a `provider_config` that may be a secret: its field, as in `stored_secret`, and its value.
using secret_visitor = std::function<void(std::string const& field, boost::json::value& value)>;
void for_each_secret(boost::json::object& provider_config, secret_visitor const& visit);

/// Puts a text where a field's secret belongs. Errors: `errc::configuration` for a field that holds no secret, or a key
/// that is not there.
result<void> set_secret_field(boost::json::object& provider_config, std::string const& field, std::string_view text);

} // namespace claudio::documents
