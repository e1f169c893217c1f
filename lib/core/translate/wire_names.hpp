#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace claudio {

/// For look-ups by a view.
class text_hash {
public:
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

/// Spells names (of tools, of tool calls) as the API accepts them: letters, digits, `_` and `-`, at most `longest` of
/// them. A name that fits stays as it is; different names get different spellings; the same names in the same order get
/// the same ones, so that a growing conversation keeps its cached beginning.
class wire_names {
public:
  explicit wire_names(std::size_t longest) : longest_(longest) {}

  /// Keeps a name's own spelling for it, if it fits and is free.
  void reserve(std::string_view name);
  /// The spelling of a name, the same each time. Valid until the next name is spelled.
  std::string_view of(std::string_view name);
  /// Whether the name was spelled before.
  bool knows(std::string_view name) const { return spellings_.contains(name); }
  /// From now on the name has another spelling than before.
  std::string_view renew(std::string_view name);

  /// Calls `visit(name, spelling)` for each name that is spelled otherwise.
  template <class Visitor>
  void for_each_changed(Visitor visit) const {
    for (auto const& [name, known] : spellings_)
      if (!known.text.empty())
        visit(name, known.text);
  }

private:
  class spelling {
  public:
    std::string text;            // empty: the name itself
    std::uint64_t next_salt = 0; // where to go on looking for a free one
  };

  bool fits(std::string_view name) const noexcept;
  std::string_view make(std::string_view name, spelling& known);

  std::size_t longest_;
  bool is_taken(std::string_view text) const;

  boost::unordered_flat_map<std::string, spelling, text_hash, std::equal_to<>> spellings_;
  boost::unordered_flat_set<std::string, text_hash, std::equal_to<>> made_; // spellings that are no names
};

} // namespace claudio
