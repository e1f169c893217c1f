#include "call/request_writer.hpp"

#include "call/api_keys.hpp"
#include "core/lower_case.hpp"
#include "core/secret_file.hpp"

#include <claudio/version.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace claudio {
namespace {

constexpr std::string_view beta = "anthropic-beta";

bool is_token_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control_character(char c) {
  auto const byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// The next item of a comma-separated list, without the white space around it; `list` loses it.
std::string_view take_item(std::string_view& list) {
  std::size_t const comma = std::min(list.find(','), list.size());
  std::string_view item = list.substr(0, comma);
  list.remove_prefix(std::min(comma + 1, list.size()));
  while (item.starts_with(' '))
    item.remove_prefix(1);
  while (item.ends_with(' '))
    item.remove_suffix(1);
  return item;
}

bool has_item(std::string_view list, std::string_view wanted) {
  while (!list.empty())
    if (take_item(list) == wanted)
      return true;
  return false;
}

void merge_list(std::string& list, std::string_view more) {
  while (!more.empty()) {
    auto const item = take_item(more);
    if (item.empty() || has_item(list, item))
      continue;
    if (!list.empty())
      list += ",";
    list += item;
  }
}

} // namespace

result<void> check_header(std::string_view name, std::string_view value) {
  auto const fault = [&](std::string const& message) {
    error_details details;
    details.param = std::string(name);
    details.message = message;
    return error(errc::configuration, 0, std::move(details));
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_character))
    return fault("not a valid header name");
  if (std::any_of(value.begin(), value.end(), is_control_character))
    return fault("the header's value has a line break or another control character");
  if (lower_case(name) == "x-api-key" && !value.empty() && is_blank(value))
    return fault("the key is nothing but white space");
  constexpr std::array<std::string_view, 7> reserved{
      "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "expect"};
  if (std::find(reserved.begin(), reserved.end(), lower_case(name)) != reserved.end())
    return fault("this header belongs to the connection and can't be set");
  return {};
}

request_writer::request_writer(api_base const& endpoint, std::string_view messages, provider_options const& options,
                               std::optional<proxy_address> const& proxy)
    : key_header_(options.bearer ? "authorization" : "x-api-key"), scheme_(options.bearer ? "Bearer " : "") {
  for (auto const& key : keys_of(options))
    keys_.push_back(key.api_key);
  bool const is_forwarded = proxy && !endpoint.tls;
  base_ = (is_forwarded ? "http://" + endpoint.authority : std::string()) + endpoint.path;
  messages_line_ = request_line("POST", messages);
  set_header(headers_, "host", endpoint.authority);
  set_header(headers_, "user-agent", "claudio/" CLAUDIO_VERSION);
  set_header(headers_, "accept", "application/json");
  set_header(headers_, "accept-encoding", "identity"); // no header would allow any (RFC 9110 12.5.3)
  set_header(headers_, "content-type", "application/json");
  set_header(headers_, "anthropic-version", options.anthropic_version);
  set_header(headers_, key_header_, std::string_view());
  if (is_forwarded && !proxy->authorization.empty())
    set_header(headers_, "proxy-authorization", proxy->authorization.reveal());
  for (auto const& [name, value] : options.headers)
    set_header(headers_, name, value);
  heads_ = heads_of(messages_line_, headers_);
}

std::string request_writer::request_line(std::string_view method, std::string_view target) const {
  return std::string(method) + " " + base_ + std::string(target) + " HTTP/1.1\r\n";
}

void request_writer::set_header(secret_headers& headers, std::string_view name, std::string_view value) {
  std::string lower = lower_case(name);
  auto const existing =
      std::find_if(headers.begin(), headers.end(), [&](auto const& header) { return header.first == lower; });
  if (existing == headers.end()) {
    headers.emplace_back(std::move(lower), secret::copy_of(value));
  } else if (lower == beta) {
    std::string merged(existing->second.reveal());
    merge_list(merged, value);
    existing->second = secret(std::move(merged));
  } else {
    existing->second = secret::copy_of(value);
  }
}

result<http_request> request_writer::write(detail::call_request const& request, header_list const& own,
                                           header_list const& added) const {
  for (auto const& [name, value] : own)
    if (auto const checked = check_header(name, value); !checked) {
      error_details details;
      details.param = "headers." + name;
      details.message = details.param + ": " + checked.error().message();
      return error(errc::configuration, 0, std::move(details));
    }
  auto heads = heads_;
  if (!own.empty() || !added.empty() || !request.target.empty()) {
    auto merged = headers_;
    for (auto const& [name, value] : own)
      set_header(merged, name, value);
    for (auto const& [name, value] : added)
      set_header(merged, name, value);
    heads = heads_of(request.target.empty() ? messages_line_ : request_line(request.method, request.target), merged);
  }
  std::string_view const body = request.body;
  auto const length = std::to_string(body.size());
  constexpr std::string_view name = "content-length: ";
  constexpr std::string_view end_of_head = "\r\n\r\n";
  std::string rest;
  rest.reserve(name.size() + length.size() + end_of_head.size() + body.size());
  rest.append(name).append(length).append(end_of_head).append(body);
  return http_request(std::move(heads), std::move(rest));
}

std::shared_ptr<http_request::heads const> request_writer::heads_of(std::string_view line,
                                                                    secret_headers const& headers) const {
  auto heads = std::make_shared<http_request::heads>();
  for (auto const& key : keys_)
    heads->push_back(head_of(line, headers, key.reveal()));
  return heads;
}

// All but the last header, which is the body's length.
secret request_writer::head_of(std::string_view line, secret_headers const& headers, std::string_view key) const {
  auto const pieces = [&](auto const& use) {
    use(line);
    for (auto const& [name, value] : headers) {
      use(name);
      use(": ");
      bool const is_key = name == key_header_ && value.empty();
      use(is_key ? scheme_ : std::string_view());
      use(is_key ? key : value.reveal());
      use("\r\n");
    }
  };
  std::size_t size = 0;
  pieces([&](std::string_view piece) { size += piece.size(); });
  auto head = secret::of_size(size);
  char* end = head.data();
  pieces([&](std::string_view piece) { end = std::copy(piece.begin(), piece.end(), end); });
  return head;
}

} // namespace claudio
