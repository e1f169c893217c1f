#pragma once

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace claudio {

/// Reading secrets so that no copy of them stays behind in a buffer. At most so many bytes; `name` is what messages
/// call it. Errors: `errc::configuration`.
result<secret> read_secret(int descriptor, std::string const& name, std::size_t most = std::size_t{64} << 20);
result<secret> read_secret_file(std::string const& path);

/// A text from a file or from the environment without the white space at its end, such as a line break.
std::string_view without_trailing_space(std::string_view text) noexcept;
inline bool is_blank(std::string_view text) noexcept { return without_trailing_space(text).empty(); }
/// The same of a secret. Errors: `errc::configuration` when nothing is left.
result<secret> without_trailing_space(secret text, std::string const& name);

/// The value of an environment variable, likewise. Errors: `errc::configuration` when it is not set, or blank.
result<secret> read_secret_variable(std::string const& name);

} // namespace claudio
