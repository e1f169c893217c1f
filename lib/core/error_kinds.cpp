#include "core/error_kinds.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace {

template <class Exception>
[[noreturn]] void raise(error const& e) {
  throw Exception(e);
}

constexpr auto transient = error_kind::transient;
constexpr auto endpoint_at_fault = error_kind::endpoint_at_fault;
constexpr auto may_fall_back = error_kind::may_fall_back;
constexpr auto correctable = error_kind::correctable;

constexpr std::string_view ended = "The program was told to end, and the answer took too long.";
constexpr std::string_view try_later = "The service has a problem of its own; try again later.";

// The compiler warns of an enumerator without a row.
constexpr error_kind row_of(errc code) {
  switch (code) {
  case errc::none:
    return {"none", "", 500, "server_error", "", 0, raise<api_error>, ""};
  case errc::cancelled:
    return {"cancelled", "", 499, "server_error", "cancelled", 0, raise<cancelled_error>, ""};
  case errc::timeout:
    return {"timeout",
            "",
            504,
            "server_error",
            "timeout",
            transient | endpoint_at_fault | may_fall_back,
            raise<timeout_error>,
            "Try again, or raise the limit in timeout_ms of the provider's configuration."};
  case errc::connect:
    return {"connect",
            "",
            502,
            "server_error",
            "",
            transient | endpoint_at_fault | may_fall_back,
            raise<connection_error>,
            "Check api_base and the network between this machine and it."};
  case errc::tls:
    return {"tls",
            "",
            502,
            "server_error",
            "",
            endpoint_at_fault | may_fall_back,
            raise<connection_error>,
            "Check api_base; behind a proxy or gateway with its own authority, name its PEM file in ca_file."};
  case errc::protocol:
    return {"protocol",
            "",
            502,
            "server_error",
            "",
            may_fall_back,
            raise<connection_error>,
            "Something other than the Messages API answered; check api_base and any proxy in between."};
  case errc::authentication:
    return {"authentication",
            "authentication_error",
            401,
            "authentication_error",
            "invalid_api_key",
            may_fall_back,
            raise<authentication_error>,
            "Check the API key: ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, api_key in the configuration, or claudio "
            "secret set."};
  case errc::permission:
    return {"permission",
            "permission_error",
            403,
            "permission_error",
            "",
            may_fall_back,
            raise<authentication_error>,
            "This key may not use that model or feature; ask for access, or use another key."};
  case errc::invalid_request:
    return {"invalid_request",
            "invalid_request_error",
            400,
            "invalid_request_error",
            "",
            may_fall_back,
            raise<invalid_request_error>,
            "Change the request as the message says."};
  case errc::model_not_found:
    return {"model_not_found",
            "not_found_error",
            404,
            "not_found_error",
            "model_not_found",
            may_fall_back | correctable,
            raise<model_not_found_error>,
            "Check the model's name and, if the server refused it, the path in api_base (it usually ends in /v1)."};
  case errc::request_too_large:
    return {"request_too_large",          "request_too_large",  413,
            "invalid_request_error",      "request_too_large",  may_fall_back,
            raise<invalid_request_error>, "Shorten the prompt."};
  case errc::conflict:
    return {"conflict",
            "conflict_error",
            409,
            "conflict_error",
            "",
            transient,
            raise<api_error>,
            "Another request stood in its way; try again."};
  case errc::rate_limited:
    return {"rate_limited",
            "rate_limit_error",
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            transient | may_fall_back,
            raise<rate_limit_error>,
            "Too many requests for this key's limits; wait and try again, or ask for higher limits."};
  case errc::overloaded:
    return {"overloaded",        "overloaded_error", 503,
            "server_error",      "overloaded",       transient | endpoint_at_fault | may_fall_back,
            raise<server_error>, try_later};
  case errc::server_error:
    return {"server_error",      "api_error", 500, "server_error", "", transient | endpoint_at_fault | may_fall_back,
            raise<server_error>, try_later};
  case errc::billing:
    return {"billing",
            "billing_error",
            402,
            "insufficient_quota",
            "insufficient_quota",
            may_fall_back,
            raise<api_error>,
            "Check the account's billing and credit in the Anthropic console."};
  case errc::transformation:
    return {"transformation",
            "",
            400,
            "invalid_request_error",
            "",
            correctable,
            raise<invalid_request_error>,
            "Change the request as the message says."};
  case errc::configuration:
    return {"configuration",
            "",
            500,
            "server_error",
            "",
            correctable,
            raise<configuration_error>,
            "Correct the configuration."};
  case errc::unsupported:
    return {"unsupported", "", 400, "invalid_request_error", "", correctable, raise<configuration_error>, ""};
  case errc::stream_truncated:
    return {"stream_truncated",
            "",
            502,
            "server_error",
            "",
            endpoint_at_fault | may_fall_back,
            raise<connection_error>,
            "Try again; what had arrived may be of use."};
  case errc::shut_down:
    return {"shut_down", "", 503, "server_error", "shut_down", 0, raise<cancelled_error>, ended};
  case errc::local_resources:
    return {"local_resources",
            "",
            503,
            "server_error",
            "",
            transient,
            raise<connection_error>,
            "Raise the limit of open files (ulimit -n), or make fewer calls at once (pool.max_sessions)."};
  case errc::circuit_open:
    return {"circuit_open", "", 503, "server_error", "circuit_open", may_fall_back, raise<server_error>, try_later};
  case errc::vault:
    return {
        "vault", "", 500, "server_error", "", correctable, raise<storage_error>, "Check --key and CLAUDIO_MASTER_KEY."};
  case errc::storage:
    return {"storage",
            "",
            500,
            "server_error",
            "",
            0,
            raise<storage_error>,
            "Check the database that --store names: that its folder is there, may be written and has room."};
  }
  return {"unknown", "", 500, "server_error", "", 0, raise<api_error>, ""};
}

constexpr auto rows = [] {
  std::array<error_kind, error_kind_count + 1> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = row_of(static_cast<errc>(i));
  return made;
}();

static_assert(rows.back().name == "unknown", "error_kind_count leaves out the last kind");

} // namespace

error_kind const& kind_of(errc code) noexcept {
  return rows[std::min(static_cast<std::size_t>(code), error_kind_count)];
}

errc find_api_type(std::string_view type) noexcept {
  auto const found =
      std::find_if(rows.begin(), rows.end(), [&](error_kind const& row) { return row.api_type == type; });
  return found == rows.end() || type.empty() ? errc::none : static_cast<errc>(found - rows.begin());
}

bool is_spend_limit(error const& failure) noexcept { return failure.error_code().ends_with("_spend_limit_reached"); }

} // namespace claudio
