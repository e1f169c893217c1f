#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace claudio {

/// Spells names (of tools, of tool calls) as the API accepts them: letters, digits, `_` and `-`, at most `longest` of
/// them. A name that fits stays as it is; different names get different spellings; the same names in the same order get
/// the same ones, so that a growing conversation keeps its cached beginning.
class wire_names {
public:
  explicit wire_names(std::size_t longest) : longest_(longest) {}

  /// Keeps a name's own spelling for it, if it fits and is free.
  void reserve(std::string_view name);
  /// The spelling of a name, the same each time.
  std::string const& of(std::string_view name);
  /// Whether the name was spelled before.
  bool knows(std::string_view name) const { return spellings_.find(std::string(name)) != spellings_.end(); }
  /// From now on the name has another spelling than before.
  std::string const& renew(std::string_view name);

  /// Calls `visit(name, spelling)` for each name that is spelled otherwise.
  template <class Visitor>
  void for_each_changed(Visitor visit) const {
    for (auto const& [name, known] : spellings_)
      if (known.text != name)
        visit(name, known.text);
  }

private:
  class spelling {
  public:
    std::string text;
    std::uint64_t next_salt = 0; // where to go on looking for a free one
  };

  bool fits(std::string_view name) const noexcept;
  void find_free(std::string_view name, spelling& known);

  std::size_t longest_;
  std::unordered_map<std::string, spelling> spellings_;
  std::unordered_set<std::string> taken_;
};

} // namespace claudio
