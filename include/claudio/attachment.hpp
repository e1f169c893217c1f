#pragma once

#include <claudio/error.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// Images and documents as parts of a message. The parts are content blocks of the Messages API, which `chat_request`
/// and `message_request` take alike:
///
///     auto picture = image_file("cat.png");
///     if (!picture)
///       return picture.error();
///     boost::json::array parts;
///     parts.push_back(text_part("What is in this picture?"));
///     parts.push_back(*picture);
///     request.user(parts);
///
/// All functions are pure, except for those whose names end in `_file`: these read the file at once, on the calling
/// thread. The type of a file is what its first bytes say; its name does not matter.
/// Errors: `errc::invalid_request` when the bytes are of no type that Claude takes, or the file can't be read;
/// `errc::request_too_large` beyond `max_attachment_bytes`. Messages name the file.
namespace claudio {

/// The most bytes that one attachment may have. As base64 they grow by a third, and a request may have 32 MiB.
inline constexpr std::size_t max_attachment_bytes = std::size_t{23} * 1024 * 1024;

/// Encodes bytes as base64, with padding and without line breaks (RFC 4648, section 4).
std::string encode_base64(std::string_view bytes);

/// A text.
boost::json::object text_part(std::string_view text);

/// A JPEG, PNG, GIF or WebP image.
result<boost::json::object> image_bytes(std::string_view bytes);
/// The same, from base64. White space in it is skipped, and its padding may be missing.
result<boost::json::object> image_base64(std::string_view base64);
/// The same, from a file.
result<boost::json::object> image_file(std::string const& path);
/// An image that Anthropic fetches from an http(s) address.
boost::json::object image_url(std::string_view url);

/// A PDF, or a text in UTF-8 without zero bytes.
/// @param title what the model calls the document; empty: it has no title
result<boost::json::object> document_bytes(std::string_view bytes, std::string_view title = std::string_view());
/// The same, from base64.
result<boost::json::object> document_base64(std::string_view base64, std::string_view title = std::string_view());
/// The same, from a file, whose name becomes the title.
result<boost::json::object> document_file(std::string const& path);
/// A PDF that Anthropic fetches from an http(s) address.
boost::json::object document_url(std::string_view url, std::string_view title = std::string_view());

/// An image or a document, whichever the file holds.
result<boost::json::object> attach_file(std::string const& path);

} // namespace claudio
