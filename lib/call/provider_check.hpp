#pragma once

#include "core/api_base.hpp"

#include <claudio/configuration.hpp>
#include <claudio/error.hpp>

namespace claudio {

/// Checks what can be checked of a provider's options without touching files or the network, and gives the parsed
/// address. Errors: `errc::configuration`; message and `param()` begin with the field's path under `provider_config`.
result<api_base> check_provider(provider_options const& options);

} // namespace claudio
