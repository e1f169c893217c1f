#include "runtime/model_tables.hpp"

#include "core/object_reader.hpp"
#include "observe/loggers.hpp"

#include <algorithm>

namespace claudio {
namespace asio = boost::asio;

namespace {

// Since this version the API refuses sampling parameters for every model. Anthropic's own versions are dates, whose
// text order is right; other hosts have words in front.
bool refuses_sampling(std::string_view version) { return version.starts_with("20") && version >= "2026-10-21"; }

void wipe_headers(provider_options& options) {
  for (auto& header : options.headers)
    wipe(header.second);
  options.headers.clear();
}

error provider_fault(std::string const& name, error const& reason) {
  return configuration_fault("provider_config", "provider \"" + name + "\" can't be used: " + reason.message(),
                             reason.code());
}

// To be compared; as a text they would lie where a core dump shows them.
secret joined_headers(header_list const& headers) {
  std::size_t size = 0;
  for (auto const& [name, value] : headers)
    size += name.size() + value.size() + 2;
  auto all = secret::of_size(size);
  char* end = all.data();
  for (auto const& [name, value] : headers) {
    end = std::copy_n(name.c_str(), name.size() + 1, end);
    end = std::copy_n(value.c_str(), value.size() + 1, end);
  }
  return all;
}

} // namespace

model_manager::tables::tables(asio::any_io_executor const& home, configuration config,
                              std::shared_ptr<observer> const& observed_by, tables const* before)
    : revision_(config.revision), models_(std::move(config.models)),
      default_provider_(std::move(config.default_provider)) {
  trusted_authorities authorities;
  for (auto& provider : config.providers)
    add(home, std::move(provider), observed_by, before, authorities);
  for (auto const& configured : models_) {
    by_name_.emplace(configured.name, &configured);
    if (auto const fault = fault_of(configured))
      call_log().warn("model_unusable model=\"{}\" error=\"{}\"", configured.name, fault->message());
  }
}

void model_manager::tables::add(asio::any_io_executor const& home, provider_configuration provider,
                                std::shared_ptr<observer> const& observed_by, tables const* before,
                                trusted_authorities& authorities) {
  endpoint added;
  added.headers = joined_headers(provider.options.headers);
  auto given = provider.options;
  wipe_headers(provider.options);
  added.options = std::move(provider.options);
  endpoint const* known = nullptr;
  if (before)
    if (auto const found = before->endpoints_.find(provider.name); found != before->endpoints_.end())
      known = &found->second;
  if (provider.fault)
    added.made = *provider.fault;
  else if (known && known->made && known->options == added.options && known->headers == added.headers)
    added.made = known->made;
  else
    added.made = detail::endpoint::make(home, std::move(given), authorities, provider.name, observed_by);
  wipe_headers(given);
  if (!added.made)
    call_log().info("provider_unusable provider=\"{}\" error=\"{}\"", provider.name, added.made.error().message());
  endpoints_.emplace(provider.name, std::move(added));
}

// Of the model itself, not of its provider.
std::optional<error> model_manager::tables::fault_of(model_configuration const& configured) const {
  if (configured.fault || endpoints_.contains(configured.provider_name))
    return configured.fault;
  return configuration_fault("provider_name", "model \"" + configured.name + "\" names the provider \"" +
                                                  configured.provider_name + "\", which is not configured");
}

result<model_configuration> model_manager::tables::find(std::string_view name) const {
  if (auto const named = by_name_.find(name); named != by_name_.end())
    return *named->second;
  if (default_provider_.empty() || name.empty()) {
    auto const near = nearest_name(name, names());
    return error(errc::model_not_found, "model \"" + std::string(name) + "\" is not configured" +
                                            (near ? "; did you mean \"" + *near + "\"?" : std::string()));
  }
  model_configuration unlisted;
  unlisted.name = std::string(name);
  unlisted.provider_name = default_provider_;
  return unlisted;
}

result<model_route> model_manager::tables::route(model_configuration const& configured) const {
  if (auto const fault = fault_of(configured))
    return *fault;
  auto const& [options, headers, made] = endpoints_.find(configured.provider_name)->second;
  if (!made)
    return provider_fault(configured.provider_name, made.error());
  fallback_route plain;
  plain.endpoint = *made;
  auto& target = plain.target;
  target.model = configured.name;
  target.capabilities = configured.capabilities ? *configured.capabilities : capabilities_of(configured.name);
  target.default_parameters = configured.model_params;
  target.max_tokens = configured.max_tokens;
  target.mode = configured.mode;
  target.system_messages = configured.system_messages;
  if (refuses_sampling(options.anthropic_version))
    target.capabilities->sampling = sampling_support::none;
  model_route made_route(std::move(plain));
  bool const is_unknown = !by_name_.contains(configured.name) && !find_catalogue_entry(configured.name);
  if (is_unknown)
    made_route.warn(model_advice(configured.name));
  // Answers do not warn of a model that is only deprecated.
  if (!made_route.warning.empty())
    call_log().info("model_advice model=\"{}\" advice=\"{}\"", configured.name, made_route.warning);
  else if (made_route.target.capabilities->lifecycle == model_lifecycle::deprecated)
    call_log().warn("model_deprecated model=\"{}\" advice=\"{}\"", configured.name, model_advice(configured.name));
  return made_route;
}

result<std::shared_ptr<model_routes const>> model_manager::tables::routes_of(std::string_view name) const {
  auto const configured = find(name);
  if (!configured)
    return configured.error();
  auto first = route(*configured);
  if (!first)
    return first.error();
  auto const routes = std::make_shared<model_routes>();
  routes->all.push_back(std::move(*first));
  for (auto const& fallback : configured->fallbacks) {
    auto const substitute = find(fallback.model);
    auto made = substitute ? route(*substitute) : result<model_route>(substitute.error());
    if (!made) {
      call_log().warn("model \"{}\" has to do without its fallback \"{}\": {}", name, fallback.model,
                      made.error().message());
      continue;
    }
    made->on = fallback.on;
    routes->all.push_back(std::move(*made));
  }
  return std::shared_ptr<model_routes const>(routes);
}

std::vector<std::string> model_manager::tables::names() const {
  std::vector<std::string> all;
  for (auto const& configured : models_)
    all.push_back(configured.name);
  return all;
}

std::vector<error> model_manager::tables::faults() const {
  std::vector<error> all;
  for (auto const& [name, known] : endpoints_)
    if (!known.made)
      all.push_back(provider_fault(name, known.made.error()));
  for (auto const& configured : models_)
    if (auto const fault = fault_of(configured))
      all.push_back(*fault);
  return all;
}

std::vector<std::shared_ptr<detail::endpoint>> model_manager::tables::clients() const {
  std::vector<std::shared_ptr<detail::endpoint>> all;
  for (auto const& [name, known] : endpoints_)
    if (known.made)
      all.push_back(detail::endpoint::of(*known.made));
  return all;
}

} // namespace claudio
