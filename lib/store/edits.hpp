#pragma once

#include "store/backend.hpp"
#include "store/sealing.hpp"

#include <claudio/store.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <vector>

/// What each operation of a store changes: functions of the tables as they are.
namespace claudio::edits {

using sealing::sealer;

result<changes> add_provider(snapshot const& now, boost::json::object document,
                             std::vector<named_secret> const& secrets, sealer const& with);
result<changes> add_model(snapshot const& now, boost::json::object const& document, sealer const& with);
result<changes> update_provider(snapshot const& now, std::string const& name, boost::json::object const& patch,
                                sealer const& with);
/// Signs a provider that was changed by something else. `seen` is its document as it was looked at.
result<changes> accept_provider(snapshot const& now, std::string const& name, boost::json::object const& seen,
                                sealer const& with);
result<changes> update_model(snapshot const& now, std::string const& name, boost::json::object const& patch,
                             sealer const& with);
result<changes> remove_provider(snapshot const& now, std::string const& name);
result<changes> remove_model(snapshot const& now, std::string const& name);
result<changes> set_secret(snapshot const& now, std::string const& provider, named_secret const& given,
                           sealer const& with, std::vector<std::string>& same_as);
/// In import.cpp.
result<changes> import_configuration(snapshot const& now, boost::json::object const& config, sealer const& with,
                                     import_report& report);

} // namespace claudio::edits
