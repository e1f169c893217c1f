#include "commands.hpp"
#include "core/error_kinds.hpp"
#include "documentation.hpp"
#include "terminal.hpp"

#include <iostream>

namespace claudio::tool {
namespace {

std::string page_for(std::string const& what, std::string const& name) {
  auto const page = find_page(name);
  return page.empty() ? page : " " + what + " " + page + ".";
}

std::string advice(error const& failure) {
  if (failure.code() == errc::authentication && !failure.param().empty() && failure.param() != "api_keys")
    return "Check the proxy's address and credentials.";
  if ((failure.http_status() >= 500 || failure.code() == errc::permission) && failure.type().empty())
    return "Not the API itself but something before it may have answered; check api_base and any proxy in between.";
  std::string sentence(kind_of(failure.code()).advice);
  if (failure.code() == errc::configuration)
    sentence += page_for("Every field is in", "configuration.md");
  if (failure.code() == errc::vault)
    sentence += page_for("Where keys come from is in", "key-storage.md");
  return sentence;
}

} // namespace

int report(error const& failure) {
  std::cerr << "claudio: " << printable(failure.to_string()) << "\n";
  if (failure.info().attempts > 1)
    std::cerr << "Tried " << failure.info().attempts << " times.\n";
  if (auto const what_to_do = advice(failure); !what_to_do.empty())
    std::cerr << what_to_do << "\n";
  bool const never_sent = failure.http_status() == 0;
  bool const is_usage = kind_of(failure.code()).has(error_kind::correctable);
  return never_sent && is_usage ? usage_error : work_failed;
}

} // namespace claudio::tool
