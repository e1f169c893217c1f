#pragma once

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace claudio {

class object_reader;

/// Stands in a provider's configuration for a secret that a store holds.
constexpr std::string_view in_vault = "vault:";

/// Whether a text says where a secret is: `env:NAME`, `file:PATH`.
bool is_reference(std::string_view text) noexcept;

/// The secret that is meant by what stands in a field of `provider_config`, e.g. "api_keys[0].api_key".
using secret_reader = std::function<result<secret>(std::string const& field, secret given)>;

/// A secret as it stands, or where it is to be found: `env:NAME`, `file:PATH`.
result<secret> look_up_secret(std::string const& field, secret given);

/// One entry of `providers` or of `models`, whose `path` begins the message of an error. The references to other
/// entries are not followed. Errors: those of `configuration::from_json`.
result<provider_configuration> read_provider(boost::json::value const& value, std::string const& path,
                                             secret_reader const& find);
result<model_configuration> read_model(boost::json::value const& value, std::string const& path);

/// Reads the name of an entry.
void read_name(object_reader& reader, std::string& name);

/// How an entry is called in messages: "models[3]".
std::string element(std::string_view list, std::size_t index);

/// Whether names are unique, and providers and fallbacks are there. `path_of` gives the path of an entry by its list
/// and index. Errors: `errc::configuration`.
result<void> check_references(configuration const& config,
                              std::function<std::string(std::string_view list, std::size_t index)> const& path_of);

/// Warns of a name that is not in the catalogue: it is the user's right, and more often a slip.
void note_unknown_model(model_configuration const& model);

} // namespace claudio
