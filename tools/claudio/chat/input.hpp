#pragma once

#include <claudio/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace claudio::tool {

/// The most that is read from standard input or a file: what the API takes in one request.
constexpr std::size_t largest_input = std::size_t{32} << 20;

/// All of standard input. Says on standard error that it is waited for, when nothing comes for some seconds.
/// Errors: `errc::configuration` when it can't be read, is larger than `largest_input`, or is no text.
result<std::string> read_standard_input();

/// Whether a text can be a part of a prompt: UTF-8 without NUL bytes. `name` is what the message calls it.
/// Errors: `errc::configuration`.
result<void> require_text(std::string_view text, std::string const& name);

/// A descriptor's contents to their end, at most `largest_input`. Errors: `errc::configuration`.
result<std::string> read_all(int descriptor, std::string const& name);

} // namespace claudio::tool
