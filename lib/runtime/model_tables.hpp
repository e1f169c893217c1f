#pragma once

#include "call/endpoint.hpp"
#include "runtime/model_state.hpp"

#include <claudio/configuration.hpp>
#include <claudio/model_manager.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace claudio {

/// What a manager works by at one time: clients and routes made of one configuration. It does not change.
class model_manager::tables {
public:
  /// Clients of `before` are taken over where their provider is the same.
  tables(boost::asio::any_io_executor const& home, configuration config, std::shared_ptr<observer> const& observed_by,
         tables const* before);

  /// Where a model's calls go. Errors: those of `get_model_instance`.
  result<std::shared_ptr<model_routes const>> routes_of(std::string_view name) const;
  std::vector<std::string> names() const;
  /// Why single providers and models can't be used, each named in its message.
  std::vector<error> faults() const;
  std::vector<std::shared_ptr<detail::endpoint>> clients() const;
  std::uint64_t revision() const noexcept { return revision_; }

private:
  // A provider that can't be used fails those who ask for its models, not the others.
  class endpoint {
  public:
    provider_options options; // without the headers
    secret headers;           // a credential may be among them
    result<client> made = error();
  };

  void add(boost::asio::any_io_executor const& home, provider_configuration provider,
           std::shared_ptr<observer> const& observed_by, tables const* before, trusted_authorities& authorities);
  std::optional<error> fault_of(model_configuration const& configured) const;
  /// The configured model of that name, or one of the default provider's. Errors: `errc::model_not_found`.
  result<model_configuration> find(std::string_view name) const;
  result<model_route> route(model_configuration const& configured) const;

  std::uint64_t revision_;
  std::vector<model_configuration> models_;
  std::string default_provider_;
  std::unordered_map<std::string_view, model_configuration const*> by_name_;
  std::map<std::string, endpoint, std::less<>> endpoints_;
};

} // namespace claudio
