#include "support/test.hpp"

#include <claudio/secret.hpp>

#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using claudio::secret;

namespace {

// The VmFlags of the mapping that an address lies in.
std::string flags_of(void const* address) {
  std::ifstream maps("/proc/self/smaps");
  auto const wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream words(line);
    if (words >> std::hex >> begin >> dash >> end && dash == '-')
      inside = begin <= wanted && wanted < end;
    if (inside && line.starts_with("VmFlags:"))
      return line + " ";
  }
  return "";
}

bool has_flag(std::string const& flags, std::string const& flag) {
  return flags.find(" " + flag + " ") != std::string::npos;
}

// Bytes of this process, which may be gone: read by the kernel, which then refuses.
std::string memory_at(std::uintptr_t address, std::size_t size) {
  int const memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::string bytes(size, '?');
  auto const got = ::pread(memory, bytes.data(), size, static_cast<off_t>(address));
  ::close(memory);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

std::uintptr_t address_of(secret& text) { return reinterpret_cast<std::uintptr_t>(text.data()); }

} // namespace

BOOST_AUTO_TEST_SUITE(secrets)

BOOST_AUTO_TEST_CASE(of_size_is_all_zeros) {
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{4096}}) {
    secret::copy_of(std::string(size, 'x'));
    auto const text = secret::of_size(size);
    BOOST_TEST(text.size() == size);
    BOOST_TEST(text.empty() == (size == 0));
    BOOST_TEST(text.reveal() == std::string(size, '\0'));
  }
}

BOOST_AUTO_TEST_CASE(a_text_is_taken_or_copied) {
  std::string mine = "sk-ant-api03-mine";
  auto const copied = secret::copy_of(mine);
  BOOST_TEST(mine == "sk-ant-api03-mine");
  BOOST_TEST(copied.reveal() == mine);
  secret const taken(std::move(mine));
  BOOST_TEST(taken.reveal() == "sk-ant-api03-mine");
  BOOST_TEST(secret("").empty());
  BOOST_TEST(secret::copy_of("").reveal() == "");
  std::string const with_zeros("a\0b\0", 4);
  BOOST_TEST((secret::copy_of(with_zeros).reveal() == with_zeros));
}

BOOST_AUTO_TEST_CASE(copies_are_apart) {
  auto first = secret::copy_of("0123456789");
  secret const copy(first);
  BOOST_TEST(copy.reveal() == "0123456789");
  first.data()[0] = 'x';
  BOOST_TEST(copy.reveal() == "0123456789");
  secret assigned = secret::copy_of("other");
  assigned = copy;
  BOOST_TEST(assigned.reveal() == "0123456789");
  auto const& itself = assigned;
  assigned = itself;
  BOOST_TEST(assigned.reveal() == "0123456789");
  assigned = secret();
  BOOST_TEST(assigned.empty());
}

BOOST_AUTO_TEST_CASE(moving_leaves_nothing) {
  auto first = secret::copy_of("0123456789");
  auto const* const where = first.data();
  secret moved(std::move(first));
  BOOST_TEST(moved.reveal() == "0123456789");
  BOOST_TEST(moved.data() == where);
  BOOST_TEST(first.empty()); // NOLINT(bugprone-use-after-move)
  auto other = secret::copy_of("other");
  other = std::move(moved);
  BOOST_TEST(other.reveal() == "0123456789");
  BOOST_TEST(moved.empty()); // NOLINT(bugprone-use-after-move)
  auto& itself = other;
  other = std::move(itself);
  BOOST_TEST(other.reveal() == "0123456789");
}

BOOST_AUTO_TEST_CASE(shorten_cuts_the_end_off) {
  auto text = secret::copy_of("0123456789");
  text.shorten(10);
  BOOST_TEST(text.reveal() == "0123456789");
  text.shorten(4);
  BOOST_TEST(text.reveal() == "0123");
  text.shorten(0);
  BOOST_TEST(text.empty());
  text.shorten(0);
  BOOST_TEST(text.empty());
}

BOOST_AUTO_TEST_CASE(a_hint_shows_little) {
  BOOST_TEST(secret::copy_of("sk-ant-api03-0123456789").hint() == "…6789");
  BOOST_TEST(secret::copy_of("0123456789abcdef").hint() == "…cdef");
  BOOST_TEST(secret::copy_of("0123456789abcde").hint() == "…");
  BOOST_TEST(secret().hint() == "…");
}

BOOST_AUTO_TEST_CASE(large_ones_and_many_small_ones) {
  std::string large;
  for (int i = 0; large.size() < 100'000; ++i)
    large += std::to_string(i);
  auto const held = secret::copy_of(large);
  std::vector<secret> small;
  for (int i = 0; i < 5000; ++i)
    small.push_back(secret::copy_of(std::to_string(i) + std::string(static_cast<std::size_t>(i % 70), 'x')));
  for (std::size_t i = 0; i < small.size(); i += 2)
    small[i] = secret();
  for (int i = 1; i < 5000; i += 2)
    BOOST_REQUIRE(small[static_cast<std::size_t>(i)].reveal() ==
                  std::to_string(i) + std::string(static_cast<std::size_t>(i % 70), 'x'));
  BOOST_TEST((held.reveal() == large));
}

BOOST_AUTO_TEST_CASE(threads_share_the_memory) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([thread, &wrong] {
      std::vector<secret> held;
      for (int i = 0; i < 3000; ++i) {
        std::string const text(static_cast<std::size_t>(1 + i % 200), static_cast<char>('a' + thread));
        held.push_back(secret::copy_of(text));
        if (held.size() > 50)
          held.erase(held.begin());
        if (held.front().reveal().find_first_not_of(static_cast<char>('a' + thread)) != std::string_view::npos)
          ++wrong[static_cast<std::size_t>(thread)];
      }
    });
  for (auto& thread : threads)
    thread.join();
  for (int const count : wrong)
    BOOST_TEST(count == 0);
}

// They answer that it succeeded.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitizers_ignore_mlock = true;
#else
constexpr bool sanitizers_ignore_mlock = false;
#endif

BOOST_AUTO_TEST_CASE(their_pages_are_kept_out_of_core_dumps_and_swap_space) {
  BOOST_TEST(!has_flag(flags_of(std::vector<char>(100).data()), "dd"));
  for (std::size_t const size : {1u, 32u, 1024u, 1025u, 4096u, 100'000u}) {
    auto text = secret::of_size(size);
    for (char const* address : {text.data(), text.data() + size - 1}) {
      auto const flags = flags_of(address);
      BOOST_TEST_CONTEXT(size << " bytes: " << flags) {
        BOOST_TEST(has_flag(flags, "dd"));
        if (claudio::secrets_are_locked() && !sanitizers_ignore_mlock)
          BOOST_TEST(has_flag(flags, "lo"));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_given_back_is_wiped) {
  for (std::size_t const size : {16u, 100u, 1000u, 3000u, 100'000u})
    BOOST_TEST_CONTEXT(size) {
      std::string const pattern(size, '#');
      std::optional<secret> text = secret::copy_of(pattern);
      auto const where = address_of(*text);
      BOOST_TEST((memory_at(where, size) == pattern));
      text.reset();
      BOOST_TEST(memory_at(where, size).find('#') == std::string::npos);
      // Also by what takes its place.
      auto assigned = secret::copy_of(pattern);
      auto const before = address_of(assigned);
      auto const other = secret::copy_of(std::string(size, 'o'));
      assigned = other;
      BOOST_TEST(memory_at(before, size).find('#') == std::string::npos);
      auto shortened = secret::copy_of(pattern);
      auto const uncut = address_of(shortened);
      shortened.shorten(8);
      BOOST_TEST(memory_at(uncut + 8, size - 8).find('#') == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(wiping_reaches_the_capacity) {
  std::string text(100, '#');
  text.resize(20);
  auto const where = reinterpret_cast<std::uintptr_t>(text.data());
  claudio::wipe(text);
  BOOST_TEST(text.empty());
  BOOST_TEST(memory_at(where, 100).find('#') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
