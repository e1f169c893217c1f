#pragma once

#include <array>
#include <string_view>

namespace claudio {

/// The bytes of a request in the two pieces that they are kept in: what all requests begin with, and the rest.
class request_pieces {
public:
  request_pieces(std::string_view head, std::string_view rest) noexcept : views_{head, rest} {}
  explicit request_pieces(std::string_view whole) noexcept : request_pieces(whole, std::string_view()) {}

  bool empty() const noexcept { return views_[0].empty() && views_[1].empty(); }
  std::array<std::string_view, 2>& views() noexcept { return views_; }

private:
  std::array<std::string_view, 2> views_;
};

} // namespace claudio
