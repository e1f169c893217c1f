#pragma once

#include <claudio/error.hpp>
#include <claudio/testing/fake_server.hpp>

#include <string_view>
#include <vector>

namespace claudio::testing {

/// A script in its JSON form; `docs/testing.md` has the fields.
class fault_script {
public:
  fault_script() = default;

  std::vector<reply> replies;
  std::vector<connection_fault> connections;
};

/// Errors: `errc::configuration`, with the path of the field at fault.
result<fault_script> parse_script(std::string_view json);

} // namespace claudio::testing
