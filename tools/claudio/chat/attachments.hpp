#pragma once

#include <claudio/error.hpp>

#include <boost/json/array.hpp>

#include <string>
#include <vector>

namespace claudio::tool {

/// Files as parts of a user's message in OpenAI's format: images (PNG, JPEG, GIF, WebP, known by their first bytes),
/// PDF, and text in UTF-8. Errors: `errc::configuration`, which names the file: it can't be read, is no regular file,
/// is empty, too large, or of another kind.
result<boost::json::array> read_attachments(std::vector<std::string> const& paths);

} // namespace claudio::tool
