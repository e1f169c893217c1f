#include "attachments.hpp"

#include "input.hpp"

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

std::string_view media_type_of(std::string_view bytes) {
  using namespace std::literals;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv))
    return "image/png";
  if (bytes.starts_with("\xff\xd8\xff"sv))
    return "image/jpeg";
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv))
    return "image/gif";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv))
    return "image/webp";
  if (bytes.starts_with("%PDF-"sv))
    return "application/pdf";
  return "text/plain";
}

std::string base64(std::string_view bytes) {
  constexpr char const* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8) | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= group.size() ? digits[(bits >> (18 - 6 * k)) & 63u] : '=';
  }
  return out;
}

json::object part_of(std::string const& path, std::string_view media_type, std::string_view contents) {
  json::object inner;
  json::object part;
  std::string const uri = "data:" + std::string(media_type) + ";base64," + base64(contents);
  bool const is_image = media_type.starts_with("image/");
  if (!is_image)
    inner["filename"] = path.substr(path.rfind('/') + 1);
  inner[is_image ? "url" : "file_data"] = uri;
  part["type"] = is_image ? "image_url" : "file";
  part[is_image ? "image_url" : "file"] = std::move(inner);
  return part;
}

} // namespace

result<json::array> read_attachments(std::vector<std::string> const& paths) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  json::array parts;
  std::size_t total = 0;
  for (auto const& path : paths) {
    auto const contents = read_file(path);
    if (!contents)
      return contents.error();
    total += contents->size();
    if (total > largest_in_all)
      return fault(path, "too large with the files before it: a request has room for 23 MiB of files");
    auto const type = media_type_of(*contents);
    std::string_view text = *contents;
    if (type == "text/plain") {
      if (!require_text(text, path))
        return fault(path, "unknown kind of file; Claude takes PNG, JPEG, GIF, WebP, PDF, and text in UTF-8");
      if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
      if (text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos)
        return fault(path, "the file has nothing but white space");
    }
    parts.push_back(part_of(path, type, text));
  }
  return parts;
}

} // namespace claudio::tool
