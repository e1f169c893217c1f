#include "commands.hpp"
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
  switch (failure.code()) {
  case errc::authentication:
    return "Check the API key: ANTHROPIC_API_KEY, api_key in the configuration file, or claudio secret set.";
  case errc::permission:
    return "This key may not use that model or feature; ask for access, or use another key.";
  case errc::billing:
    return "Check the account's billing and credit in the Anthropic console.";
  case errc::rate_limited:
    return "Too many requests for this key's limits; wait and try again, or ask for higher limits.";
  case errc::circuit_open:
  case errc::overloaded:
  case errc::server_error:
    return "The service has a problem of its own; try again later.";
  case errc::model_not_found:
    return "Check the model's name and, if the server refused it, the path in api_base (it usually ends in /v1).";
  case errc::request_too_large:
    return "Shorten the prompt.";
  case errc::timeout:
    return "Try again, or raise the limit in timeout_ms of the provider's configuration.";
  case errc::connect:
    return "Check api_base and the network between this machine and it.";
  case errc::local_resources:
    return "Raise the limit of open files (ulimit -n), or make fewer calls at once (pool.max_sessions).";
  case errc::tls:
    return "Check api_base; behind a proxy or gateway with its own authority, name its PEM file in ca_file.";
  case errc::stream_truncated:
    return "Try again; what had arrived may be of use.";
  case errc::protocol:
    return "Something other than the Messages API answered; check api_base and any proxy in between.";
  case errc::invalid_request:
  case errc::transformation:
    return "Change the request as the message says.";
  case errc::configuration:
    return "Correct the configuration." + page_for("Every field is in", "configuration.md");
  case errc::vault:
    return "Check --key and CLAUDIO_MASTER_KEY." + page_for("Where keys come from is in", "key-storage.md");
  case errc::storage:
    return "Check the database that --store names: that its folder is there, may be written and has room.";
  case errc::conflict:
    return "Another request stood in its way; try again.";
  case errc::none:
  case errc::shut_down:
    return "The program was told to end, and the answer took too long.";
  case errc::cancelled:
  case errc::unsupported:
    break;
  }
  return {};
}

} // namespace

int report(error const& failure) {
  std::cerr << "claudio: " << printable(failure.to_string()) << "\n";
  if (failure.info().attempts > 1)
    std::cerr << "Tried " << failure.info().attempts << " times.\n";
  if (auto const what_to_do = advice(failure); !what_to_do.empty())
    std::cerr << what_to_do << "\n";
  bool const never_sent = failure.http_status() == 0;
  bool const is_usage = failure.code() == errc::configuration || failure.code() == errc::unsupported ||
                        failure.code() == errc::transformation || failure.code() == errc::vault ||
                        failure.code() == errc::model_not_found;
  return never_sent && is_usage ? usage_error : work_failed;
}

} // namespace claudio::tool
