#include "call/api_keys.hpp"

namespace claudio {

std::vector<api_key_options> keys_of(provider_options const& options) {
  std::vector<api_key_options> keys = options.api_keys;
  if (keys.empty()) {
    keys.emplace_back();
    keys.back().api_key = options.api_key;
  }
  for (auto& key : keys) {
    if (!key.limits.rpm)
      key.limits.rpm = options.rates.rpm;
    if (!key.limits.itpm)
      key.limits.itpm = options.rates.itpm;
    if (!key.limits.otpm)
      key.limits.otpm = options.rates.otpm;
  }
  return keys;
}

} // namespace claudio
