#include "core/secret_file.hpp"
#include "core/translate/data_uri.hpp"
#include "core/utf8.hpp"

#include <claudio/attachment.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::string_view pdf_type = "application/pdf";

error wrong_type(std::string_view expected) {
  return error(errc::invalid_request, "expected " + std::string(expected));
}

error not_base64() { return error(errc::invalid_request, "not base64"); }

error too_large() {
  return error(errc::request_too_large, "larger than " + std::to_string(max_attachment_bytes >> 20) +
                                            " MiB, which is the most that a request can carry");
}

json::object attachment_block(std::string_view type, json::object source, std::string_view title = std::string_view()) {
  json::object block;
  block.emplace("type", json::string_view(type));
  block.emplace("source", std::move(source));
  if (!title.empty())
    block.emplace("title", json::string_view(title));
  return block;
}

json::object base64_attachment(std::string_view media_type, std::string_view bytes) {
  json::object source;
  source.emplace("type", "base64");
  source.emplace("media_type", json::string_view(media_type));
  source.emplace("data", encode_base64(bytes));
  return source;
}

json::object text_source(std::string_view text) {
  json::object source;
  source.emplace("type", "text");
  source.emplace("media_type", "text/plain");
  source.emplace("data", json::string_view(text));
  return source;
}

json::object url_source(std::string_view url) {
  json::object source;
  source.emplace("type", "url");
  source.emplace("url", json::string_view(url));
  return source;
}

bool is_text(std::string_view bytes) {
  return is_utf8(bytes) && bytes.find('\0') == std::string_view::npos && !is_blank(bytes);
}

error unreadable_attachment(std::string const& path, int reason) {
  return error(errc::invalid_request, "can't read \"" + path + "\": " + std::generic_category().message(reason));
}

// Reads no more than what can be attached, since a device or a pipe has no size.
result<std::string> read_file(std::string const& path) {
  int const descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return unreadable_attachment(path, errno);
  std::string bytes;
  std::array<char, 65536> buffer;
  int failure = 0;
  while (bytes.size() <= max_attachment_bytes) {
    auto const got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      failure = errno;
    if (got <= 0)
      break;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  if (failure != 0)
    return unreadable_attachment(path, failure);
  return bytes;
}

std::string_view name_of_file(std::string_view path) { return path.substr(path.rfind('/') + 1); }

result<json::object> named(std::string const& path, result<json::object> part) {
  if (part)
    return part;
  return error(part.error().code(), "\"" + path + "\": " + part.error().message());
}

} // namespace

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      text += j <= group.size() ? digits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

json::object text_part(std::string_view text) {
  json::object part;
  part.emplace("type", "text");
  part.emplace("text", json::string_view(text));
  return part;
}

result<json::object> image_bytes(std::string_view bytes) {
  auto const type = sniff_bytes(bytes);
  if (!type.starts_with("image/"))
    return wrong_type("a JPEG, PNG, GIF or WebP image");
  if (bytes.size() > max_attachment_bytes)
    return too_large();
  return attachment_block("image", base64_attachment(type, bytes));
}

result<json::object> image_base64(std::string_view base64) {
  auto const bytes = decode_base64(base64);
  return bytes ? image_bytes(*bytes) : not_base64();
}

result<json::object> image_file(std::string const& path) {
  auto const bytes = read_file(path);
  return bytes ? named(path, image_bytes(*bytes)) : bytes.error();
}

json::object image_url(std::string_view url) { return attachment_block("image", url_source(url)); }

result<json::object> document_bytes(std::string_view bytes, std::string_view title) {
  bool const is_pdf = sniff_bytes(bytes) == pdf_type;
  if (!is_pdf && bytes.starts_with("\xef\xbb\xbf"))
    bytes.remove_prefix(3); // a byte order mark
  if (bytes.size() > max_attachment_bytes)
    return too_large();
  if (!is_pdf && !is_text(bytes))
    return wrong_type("a PDF or a text in UTF-8 that is not blank");
  return attachment_block("document", is_pdf ? base64_attachment(pdf_type, bytes) : text_source(bytes), title);
}

result<json::object> document_base64(std::string_view base64, std::string_view title) {
  auto const bytes = decode_base64(base64);
  return bytes ? document_bytes(*bytes, title) : not_base64();
}

result<json::object> document_file(std::string const& path) {
  auto const bytes = read_file(path);
  return bytes ? named(path, document_bytes(*bytes, name_of_file(path))) : bytes.error();
}

json::object document_url(std::string_view url, std::string_view title) {
  return attachment_block("document", url_source(url), title);
}

result<json::object> attach_file(std::string const& path) {
  auto const bytes = read_file(path);
  if (!bytes)
    return bytes.error();
  if (sniff_bytes(*bytes).starts_with("image/"))
    return named(path, image_bytes(*bytes));
  auto document = document_bytes(*bytes, name_of_file(path));
  if (!document && document.error().code() == errc::invalid_request)
    document = wrong_type("a JPEG, PNG, GIF or WebP image, a PDF, or a text in UTF-8 that is not blank");
  return named(path, std::move(document));
}

} // namespace claudio
