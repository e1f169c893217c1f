#include "core/object_reader.hpp"
#include "observe/loggers.hpp"
#include "runtime/client_state.hpp"
#include "runtime/on_home.hpp"

#include <claudio/model_manager.hpp>

#include <boost/asio/strand.hpp>

#include <map>
#include <unordered_map>

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
    trusted_authorities authorities;
    for (auto& provider : config.providers) {
      versions.emplace(provider.name, provider.options.anthropic_version);
      clients.emplace(provider.name, provider.fault ? result<client>(*provider.fault)
                                                    : detail::client_state::make_client(
                                                          home, std::move(provider.options), "/messages", authorities));
    }
    for (auto const& configured : models)
      by_name.emplace(configured.name, &configured);
  }

  model_configuration const* find(std::string_view name) const {
    auto const found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto const& configured : models)
      all.push_back(configured.name);
    return all;
  }

  result<fallback_route> route(std::string_view name) const;
  std::vector<fallback_route> fallbacks_of(model_configuration const& configured) const;

  asio::any_io_executor const home;
  std::vector<model_configuration> const models;
  std::unordered_map<std::string_view, model_configuration const*> by_name;
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

result<fallback_route> model_manager::state::route(std::string_view name) const {
  auto const* found = find(name);
  if (!found) {
    auto const near = nearest_name(name, names());
    return error(errc::model_not_found, "model \"" + std::string(name) + "\" is not configured" +
                                            (near ? "; did you mean \"" + *near + "\"?" : std::string()));
  }
  auto const& configured = *found;
  auto const endpoint = clients.find(configured.provider_name);
  if (endpoint == clients.end())
    return configuration_fault("provider_name", "model \"" + configured.name + "\" names the provider \"" +
                                                    configured.provider_name + "\", which is not configured");
  if (!endpoint->second)
    return configuration_fault("provider_config", "provider \"" + configured.provider_name +
                                                      "\" can't be used: " + endpoint->second.error().message(),
                               endpoint->second.error().code());
  fallback_route route;
  route.endpoint = *endpoint->second;
  auto& target = route.target;
  target.model = configured.name;
  target.capabilities = configured.capabilities;
  target.default_parameters = configured.model_params;
  target.max_tokens = configured.max_tokens;
  target.mode = configured.mode;
  target.system_in_place = configured.system_in_place;
  if (refuses_sampling(versions.find(configured.provider_name)->second))
    target.capabilities.sampling = sampling_support::none;
  return route;
}

std::vector<fallback_route> model_manager::state::fallbacks_of(model_configuration const& configured) const {
  std::vector<fallback_route> routes;
  for (auto const& fallback : configured.fallbacks) {
    auto made = route(fallback.model);
    if (!made) {
      call_log().warn("model \"{}\" has to do without its fallback \"{}\": {}", configured.name, fallback.model,
                      made.error().message());
      continue;
    }
    made->on = fallback.on;
    routes.push_back(std::move(*made));
  }
  return routes;
}

result<model> model_manager::get_model_instance(std::string_view name) const {
  auto route = state_->route(name);
  if (!route)
    return route.error();
  auto fallbacks = state_->fallbacks_of(*state_->find(name));
  return model(std::move(route->endpoint), std::move(route->target), std::move(fallbacks));
}

asio::awaitable<result<void>> model_manager::drain(std::chrono::steady_clock::time_point deadline) const {
  std::vector<std::shared_ptr<detail::client_state>> clients;
  for (auto const& [name, made] : state_->clients)
    if (made)
      clients.push_back(detail::client_state::of(*made));
  return on_home<void>(state_->home, detail::client_state::drain(std::move(clients), deadline));
}

std::vector<std::string> model_manager::model_names() const { return state_->names(); }

} // namespace claudio
