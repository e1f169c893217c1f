#pragma once

#include <claudio/configuration.hpp>
#include <claudio/limiter.hpp>

#include <vector>

namespace claudio {

/// The keys that a provider's calls may use: `api_keys`, else the one `api_key`; each with its limits.
std::vector<api_key_options> keys_of(provider_options const& options);

} // namespace claudio
