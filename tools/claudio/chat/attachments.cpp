#include "attachments.hpp"

#include "input.hpp"

#include <claudio/attachment.hpp>

#include <boost/json/object.hpp>

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace claudio::tool {
namespace json = boost::json;

namespace {

// The request has them in base64, which takes a third more (Anthropic: requests up to 32 MB).
constexpr std::size_t largest_in_all = (largest_input - (std::size_t{64} << 10)) / 4 * 3;

error fault(std::string const& path, std::string const& what) {
  return error(errc::configuration, "-f " + path + ": " + what);
}

class open_file {
public:
  // Not waiting for the other end of a pipe.
  explicit open_file(std::string const& path)
      : file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {}
  open_file(open_file const&) = delete;
  open_file& operator=(open_file const&) = delete;
  ~open_file() {
    if (file_ >= 0)
      ::close(file_);
  }
  int get() const noexcept { return file_; }

private:
  int file_;
};

result<std::string> read_file(std::string const& path) {
  open_file const file(path);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return fault(path, std::generic_category().message(errno));
  if (S_ISDIR(status.st_mode))
    return fault(path, "a folder; name the files in it, each with its own -f");
  if (!S_ISREG(status.st_mode))
    return fault(path, "not a regular file; pipe its text in instead");
  if (static_cast<std::size_t>(status.st_size) > largest_in_all)
    return fault(path, "too large: a request has room for 23 MiB of files");
  auto contents = read_all(file.get(), "-f " + path);
  if (contents && contents->empty())
    return fault(path, "the file is empty");
  return contents;
}

// A text without its byte order mark.
result<std::string_view> text_of(std::string const& path, std::string_view contents) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (!require_text(contents, path))
    return fault(path, "unknown kind of file; Claude takes PNG, JPEG, GIF, WebP, PDF, and text in UTF-8");
  if (contents.starts_with(byte_order_mark))
    contents.remove_prefix(byte_order_mark.size());
  if (contents.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos)
    return fault(path, "the file has nothing but white space");
  return contents;
}

result<json::object> part_of(std::string const& path, std::string_view contents) {
  if (auto image = image_bytes(contents))
    return image;
  if (!contents.starts_with("%PDF-")) {
    auto const text = text_of(path, contents);
    if (!text)
      return text.error();
    contents = *text;
  }
  auto document = document_bytes(contents, path.substr(path.rfind('/') + 1));
  if (!document)
    return fault(path, document.error().message());
  return document;
}

} // namespace

result<json::array> read_attachments(std::vector<std::string> const& paths) {
  json::array parts;
  std::size_t total = 0;
  for (auto const& path : paths) {
    auto const contents = read_file(path);
    if (!contents)
      return contents.error();
    total += contents->size();
    if (total > largest_in_all)
      return fault(path, "too large with the files before it: a request has room for 23 MiB of files");
    auto part = part_of(path, *contents);
    if (!part)
      return part.error();
    parts.push_back(std::move(*part));
  }
  return parts;
}

} // namespace claudio::tool
