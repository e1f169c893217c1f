#include "core/translate/data_uri.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace claudio {
namespace {

constexpr std::string_view white_space = " \t\r\n";

bool is_white_space(char c) { return white_space.find(c) != std::string_view::npos; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

} // namespace

std::optional<data_uri> data_uri::parse(std::string_view text) {
  if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme))
    return std::nullopt;
  std::size_t const comma = text.find(',');
  if (comma == std::string_view::npos)
    return std::nullopt;
  data_uri uri;
  uri.data_begin = comma + 1;
  std::string_view head = text.substr(scheme.size(), comma - scheme.size());
  std::size_t const type_end = std::min(head.find(';'), head.size());
  uri.media_type = type_end == 0 ? std::string_view("text/plain") : head.substr(0, type_end);
  while (uri.media_type.ends_with(' '))
    uri.media_type.remove_suffix(1);
  std::size_t const last = head.rfind(';');
  if (last != std::string_view::npos) {
    head.remove_prefix(last + 1);
    while (head.starts_with(' '))
      head.remove_prefix(1);
    uri.base64 = equal_ignoring_case(head, "base64");
  }
  return uri;
}

std::size_t remove_white_space(char* text, std::size_t size) {
  char* const end = text + size;
  // Mostly there is none, in megabytes.
  char* first = end;
  for (char const c : white_space)
    if (auto* const found = std::memchr(text, c, static_cast<std::size_t>(first - text)))
      first = static_cast<char*>(found);
  return static_cast<std::size_t>(std::remove_if(first, end, is_white_space) - text);
}

std::string_view sniff_bytes(std::string_view bytes) noexcept {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv))
    return "image/png";
  if (bytes.starts_with("\xff\xd8\xff"sv))
    return "image/jpeg";
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv))
    return "image/gif";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(std::min<std::size_t>(8, bytes.size())).starts_with("WEBP"sv))
    return "image/webp";
  if (bytes.starts_with("%PDF-"sv))
    return "application/pdf";
  return {};
}

std::string_view sniff_base64(std::string_view base64) {
  std::string digits;
  for (std::size_t i = 0; i < base64.size() && digits.size() < 24; ++i)
    if (!is_white_space(base64[i]))
      digits += base64[i];
  auto const head = decode_base64(digits);
  return head ? sniff_bytes(*head) : std::string_view();
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  unsigned group = 0;
  unsigned digits = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != '='; ++i) {
    if (is_white_space(text[i]))
      continue;
    int const digit = base64_digit(text[i]);
    if (digit < 0)
      return std::nullopt;
    group = group << 6 | static_cast<unsigned>(digit);
    if (++digits == 4) {
      bytes += static_cast<char>(group >> 16 & 0xff);
      bytes += static_cast<char>(group >> 8 & 0xff);
      bytes += static_cast<char>(group & 0xff);
      group = 0;
      digits = 0;
    }
  }
  if (digits == 1 || text.find_first_not_of("= \r\n\t", i) != std::string_view::npos)
    return std::nullopt;
  if (digits == 2)
    bytes += static_cast<char>(group >> 4 & 0xff);
  if (digits == 3) {
    bytes += static_cast<char>(group >> 10 & 0xff);
    bytes += static_cast<char>(group >> 2 & 0xff);
  }
  return bytes;
}

std::optional<std::string> decode_percent(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    if (i + 2 >= text.size())
      return std::nullopt;
    int const high = hex_digit(text[i + 1]);
    int const low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0)
      return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return bytes;
}

} // namespace claudio
