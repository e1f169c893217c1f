#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace claudio {

/// Where a value stands in a request, e.g. `messages[2].content[0].text`. Written out only when there is something to
/// say of it. A step without a name is an item of its parent. A path refers to its parent, which must outlive it: give
/// each step a name.
class json_path {
public:
  static constexpr std::size_t no_index = std::numeric_limits<std::size_t>::max();

  explicit constexpr json_path(std::string_view name, std::size_t index = no_index) : name_(name), index_(index) {}
  constexpr json_path(json_path const& parent, std::string_view name, std::size_t index = no_index)
      : parent_(&parent), name_(name), index_(index) {}

  std::string text() const {
    std::string out = parent_ ? parent_->text() : std::string();
    if (parent_ && !name_.empty())
      out += ".";
    out += name_;
    if (index_ != no_index)
      out += "[" + std::to_string(index_) + "]";
    return out;
  }

private:
  json_path const* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = no_index;
};

} // namespace claudio
