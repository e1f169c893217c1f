#include "core/object_reader.hpp"
#include "runtime/client_state.hpp"
#include "runtime/on_home.hpp"

#include <claudio/model_manager.hpp>

#include <boost/asio/strand.hpp>

#include <map>

namespace claudio {
namespace asio = boost::asio;

namespace {

// Since this version the API refuses sampling parameters for every model. Anthropic's own versions are dates, whose
// text order is right; other hosts have words in front.
bool refuses_sampling(std::string_view version) { return version.starts_with("20") && version >= "2026-10-21"; }

} // namespace

class model_manager::state {
public:
  state(asio::any_io_executor executor, configuration config)
      : home(std::move(executor)), models(std::move(config.models)) {
    for (auto& provider : config.providers) {
      versions.emplace(provider.name, provider.options.anthropic_version);
      clients.emplace(provider.name, client::make(home, std::move(provider.options), serial));
    }
  }

  asio::any_io_executor const home;
  std::vector<model_configuration> const models;
  std::map<std::string, std::string, std::less<>> versions;
  // A provider that can't be used fails those who ask for its models, not the others.
  std::map<std::string, result<client>, std::less<>> clients;
};

model_manager::model_manager(asio::any_io_executor executor, configuration config)
    : model_manager(asio::any_io_executor(asio::make_strand(std::move(executor))), std::move(config), serial) {}

model_manager::model_manager(asio::any_io_executor executor, configuration config, serial_t)
    : state_(std::make_shared<state const>(executor, std::move(config))) {}

result<model_manager> model_manager::from_env(asio::any_io_executor executor) {
  return from_env(asio::any_io_executor(asio::make_strand(std::move(executor))), serial);
}

result<model_manager> model_manager::from_env(asio::any_io_executor executor, serial_t) {
  auto config = configuration::from_env();
  if (!config)
    return config.error();
  return model_manager(std::move(executor), std::move(*config), serial);
}

result<model> model_manager::get_model_instance(std::string_view name) const {
  for (auto const& configured : state_->models) {
    if (configured.name != name)
      continue;
    auto const endpoint = state_->clients.find(configured.provider_name);
    if (endpoint == state_->clients.end())
      return configuration_fault("provider_name", "model \"" + configured.name + "\" names the provider \"" +
                                                      configured.provider_name + "\", which is not configured");
    if (!endpoint->second)
      return configuration_fault("provider_config", "provider \"" + configured.provider_name +
                                                        "\" can't be used: " + endpoint->second.error().message());
    translation_target target;
    target.model = configured.name;
    target.capabilities = configured.capabilities;
    target.default_parameters = configured.model_params;
    target.max_tokens = configured.max_tokens;
    target.mode = configured.mode;
    target.system_in_place = configured.system_in_place;
    if (refuses_sampling(state_->versions.find(configured.provider_name)->second))
      target.capabilities.sampling = sampling_support::none;
    return model(*endpoint->second, std::move(target));
  }
  auto const near = nearest_name(name, model_names());
  std::string message = "model \"" + std::string(name) + "\" is not configured";
  if (near)
    message += "; did you mean \"" + *near + "\"?";
  return error(errc::model_not_found, std::move(message));
}

asio::awaitable<result<void>> model_manager::drain(std::chrono::steady_clock::time_point deadline) const {
  std::vector<std::shared_ptr<detail::client_state>> clients;
  for (auto const& [name, made] : state_->clients)
    if (made)
      clients.push_back(detail::client_state::of(*made));
  return on_home<void>(state_->home, detail::client_state::drain(std::move(clients), deadline));
}

std::vector<std::string> model_manager::model_names() const {
  std::vector<std::string> names;
  for (auto const& configured : state_->models)
    names.push_back(configured.name);
  return names;
}

} // namespace claudio
