#pragma once

#include "support/test.hpp"

#include <claudio/secret.hpp>
#include <claudio/vault.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace claudio::test {

// The bytes 0 to 31, 32 to 63 and 64 to 95.
constexpr std::string_view first_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view second_key = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
constexpr std::string_view third_key = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";

inline std::vector<key_source> sources_of(std::initializer_list<std::string_view> keys) {
  std::vector<key_source> sources;
  for (auto const key : keys)
    sources.push_back(key_source::text(secret::copy_of(key), "the test's key"));
  return sources;
}

inline vault vault_of(std::initializer_list<std::string_view> keys) {
  return vault::open(sources_of(keys), "").value();
}

/// Whether an operation failed in this way, with this in its message.
template <class T>
void fails_with(result<T> const& outcome, errc code, std::string_view part) {
  BOOST_REQUIRE(outcome.has_error());
  auto const fault = outcome.error();
  BOOST_TEST(fault.code() == code);
  BOOST_TEST(fault.message().find(part) != std::string::npos,
             "\"" << fault.message() << "\" should have \"" << part << "\" in it");
}

template <class T>
void succeeds(result<T> const& outcome) {
  BOOST_REQUIRE_MESSAGE(outcome.has_value(), outcome.error().to_string());
}

inline std::string bytes_of(std::string_view hexadecimal) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hexadecimal.substr(i, 2)), nullptr, 16));
  return bytes;
}

class temporary_folder {
public:
  temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "claudio-test-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  temporary_folder(temporary_folder const&) = delete;
  temporary_folder& operator=(temporary_folder const&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(std::string const& name) const { return path_ + "/" + name; }
  std::string write(std::string const& name, std::string_view content, unsigned mode) const {
    std::ofstream(file(name), std::ios::binary) << content;
    BOOST_REQUIRE(::chmod(file(name).c_str(), mode) == 0);
    return file(name);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (auto const& entry : std::filesystem::directory_iterator(path_))
      found.push_back(entry.path().string());
    return found;
  }
  std::string const& path() const { return path_; }

private:
  std::string path_;
};

inline std::string read_file(std::string const& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

} // namespace claudio::test
