#pragma once

#include <claudio/error.hpp>
#include <claudio/secret.hpp>

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

/// What is asked of, and shown to, a person.
namespace claudio::tool {

/// Asks at the terminal without showing what is typed. Errors: `errc::configuration` when there is no terminal.
result<secret> ask_secretly(std::string const& question);
/// Asks for a yes at the terminal; false when there is none.
bool confirm(std::string const& question);

/// A text in one line: question marks for control characters, `<U+202E>` for those that turn the text's direction,
/// U+FFFD for what is not UTF-8.
std::string printable(std::string_view text);

/// Rows under a heading, in columns as wide as they need to be.
class table {
public:
  explicit table(std::vector<std::string> heading) { add(std::move(heading)); }

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

private:
  std::vector<std::vector<std::string>> rows_;
};

} // namespace claudio::tool
