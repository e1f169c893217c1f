#pragma once

#include "core/response_error.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace claudio {

/// The header fields of a response, in one string.
class response_headers {
public:
  /// Takes no NUL, which HTTP does not allow either. `name` is kept in lower case.
  void add(std::string_view name, std::string_view value);
  /// The value of the first field of that name; empty when there is none.
  std::string_view find(std::string_view lower_case_name) const noexcept;

  /// The values of all fields of that name, with commas between them (RFC 9110 5.3).
  std::string join(std::string_view lower_case_name) const;

  /// Whether a `content-encoding` among them says that the body is coded.
  bool has_content_coding() const noexcept { return has_content_coding_; }

  /// Calls `visit(name, value)` for each field from the first on whose name begins with `rate_limit_prefix`.
  template <class Visit>
  void for_each_from_rate_limits(Visit visit) const {
    std::string_view rest = std::string_view(fields_).substr(std::min(rate_limits_, fields_.size()));
    while (!rest.empty()) {
      auto const name = take_text(rest);
      visit(name, take_text(rest));
    }
  }

  static constexpr std::string_view rate_limit_prefix = "anthropic-ratelimit-";

  bool operator==(response_headers const&) const = default;

private:
  static std::string_view take_text(std::string_view& fields) noexcept {
    auto const text = fields.substr(0, fields.find('\0'));
    fields.remove_prefix(text.size() + 1);
    return text;
  }

  std::string fields_;                          // name NUL value NUL, …
  std::size_t rate_limits_ = std::string::npos; // where they begin
  bool has_content_coding_ = false;
};

/// One HTTP response.
class http_response {
public:
  http_response() = default;

  int status = 0;
  response_headers headers;
  std::string body;

  /// The value of a header, its name in lower case; empty when it is absent.
  std::string_view header(std::string_view lower_case_name) const noexcept { return headers.find(lower_case_name); }
};

/// What decides the error that a response is; views into the response.
response_facts facts_of(http_response const& response) noexcept;

} // namespace claudio
