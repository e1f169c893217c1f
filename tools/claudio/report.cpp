#include "commands.hpp"
#include "core/error_kinds.hpp"

#include <iostream>

namespace claudio::tool {
namespace {

std::string_view advice(error const& failure) {
  if (failure.code() == errc::authentication && !failure.param().empty() && failure.param() != "api_keys")
    return "Check the proxy's address and credentials.";
  if ((failure.http_status() >= 500 || failure.code() == errc::permission) && failure.type().empty())
    return "Not the API itself but something before it may have answered; check api_base and any proxy in between.";
  return kind_of(failure.code()).advice;
}

} // namespace

int report(error const& failure) {
  std::cerr << "claudio: " << failure.to_string() << "\n";
  if (failure.info().attempts > 1)
    std::cerr << "Tried " << failure.info().attempts << " times.\n";
  if (auto const what_to_do = advice(failure); !what_to_do.empty())
    std::cerr << what_to_do << "\n";
  bool const never_sent = failure.http_status() == 0;
  bool const is_usage = kind_of(failure.code()).has(error_kind::correctable);
  return never_sent && is_usage ? usage_error : work_failed;
}

} // namespace claudio::tool
