#include "documentation.hpp"

#include <filesystem>
#include <system_error>

namespace claudio::tool {

std::string find_page(std::string const& name) {
  namespace fs = std::filesystem;
  std::error_code failure;
  auto const program = fs::read_symlink("/proc/self/exe", failure);
  if (failure)
    return {};
  for (char const* const folder : {CLAUDIO_INSTALLED_DOCS, CLAUDIO_SOURCE_DOCS}) {
    auto const page = (program.parent_path() / folder / name).lexically_normal();
    if (fs::is_regular_file(page, failure))
      return page.string();
  }
  return {};
}

std::string see_page(std::string const& name) {
  auto const page = find_page(name);
  return page.empty() ? page : " (" + page + ")";
}

} // namespace claudio::tool
