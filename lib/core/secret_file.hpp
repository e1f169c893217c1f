#pragma once

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <cstddef>
#include <string>

namespace claudio {

/// Reading secrets so that no copy of them stays behind in a buffer. At most so many bytes; `name` is what messages
/// call it. Errors: `errc::configuration`.
result<secret> read_secret(int descriptor, std::string const& name, std::size_t most = std::size_t{64} << 20);
result<secret> read_secret_file(std::string const& path);

/// The same without the white space at its end. Errors: `errc::configuration` when nothing is left.
result<secret> without_trailing_space(secret text, std::string const& name);

} // namespace claudio
