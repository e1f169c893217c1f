// Which files keys are taken from, and by whom.
#include "observe/key_file.hpp"

#include "store/fixtures.hpp"
#include "support/as_user.hpp"
#include "support/log_capture.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

using namespace claudio;
using namespace claudio::test;

namespace {

constexpr uid_t somebody = 1234;

std::string outcome_of(std::string const& path) {
  auto const text = read_key_file(path, "the file");
  return text ? std::string(text->reveal()) : text.error().message();
}

bool is_refused(std::string const& outcome, std::string_view reason) {
  return outcome.find(reason) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(key_files)

BOOST_AUTO_TEST_CASE(the_rule) {
  for (mode_t mode = 0; mode <= 0777; ++mode)
    BOOST_TEST_CONTEXT(std::oct << "mode " << mode) {
      for (uid_t const self : {root, nobody}) {
        BOOST_TEST(check_key_file(self, mode, self, "k").fault.empty() == ((mode & 077) == 0));
        BOOST_TEST(!check_key_file(self, mode, self, "k").is_readable_by_others);
        BOOST_TEST(is_refused(check_key_file(somebody, mode, self, "k").fault, "another user (uid 1234)"));
      }
      auto const of_root = check_key_file(root, mode, nobody, "k");
      bool const is_writable = (mode & 022) != 0;
      BOOST_TEST(of_root.fault.empty() == !is_writable);
      BOOST_TEST(of_root.is_readable_by_others == (!is_writable && (mode & 044) != 0));
    }
}

BOOST_AUTO_TEST_CASE(of_another_user) {
  if (::geteuid() != root)
    return;
  temporary_folder const folder;
  BOOST_REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  auto const file = [&](uid_t owner, gid_t group, unsigned mode) {
    auto const path = folder.write("k", "text", mode);
    BOOST_REQUIRE(::chown(path.c_str(), owner, group) == 0);
    return path;
  };
  auto const read_as = [&](uid_t user, std::string const& path) {
    return as_user(user, [&] { return outcome_of(path); });
  };
  // As containers are given them.
  BOOST_TEST(read_as(nobody, file(root, nobody, 0440)) == "text");
  BOOST_TEST(read_as(nobody, file(root, root, 0444)) == "text");
  BOOST_TEST(read_as(nobody, file(root, root, 0644)) == "text");
  BOOST_TEST(read_as(nobody, file(nobody, nobody, 0400)) == "text");
  BOOST_TEST(read_as(nobody, file(nobody, nobody, 0600)) == "text");
  BOOST_TEST(is_refused(read_as(nobody, file(root, root, 0400)), "Permission denied"));
  BOOST_TEST(is_refused(read_as(nobody, file(root, nobody, 0460)), "others may write it; run: chmod go-w"));
  BOOST_TEST(is_refused(read_as(nobody, file(root, root, 0446)), "others may write it; run: chmod go-w"));
  BOOST_TEST(is_refused(read_as(nobody, file(nobody, nobody, 0440)), "run: chmod 600"));
  BOOST_TEST(is_refused(read_as(nobody, file(nobody, nobody, 0604)), "run: chmod 600"));
  BOOST_TEST(is_refused(read_as(nobody, file(somebody, nobody, 0440)), "belongs to another user (uid 1234)"));
  BOOST_TEST(is_refused(read_as(nobody, file(somebody, nobody, 0444)), "belongs to another user (uid 1234)"));
  BOOST_TEST(is_refused(outcome_of(file(nobody, nobody, 0600)), "belongs to another user (uid 65534)"));
  BOOST_TEST(is_refused(outcome_of(file(root, root, 0444)), "run: chmod 600"));
}

BOOST_AUTO_TEST_CASE(the_log_says_who_may_read_one_of_root) {
  if (::geteuid() != root)
    return;
  temporary_folder const folder;
  BOOST_REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  auto const log_of = [&](unsigned mode) {
    auto const path = folder.write("k", "text", mode);
    BOOST_REQUIRE(::chown(path.c_str(), root, nobody) == 0);
    return as_user(nobody, [&] {
      auto const before = captured_log().size();
      read_key_file(path, "the file").value();
      return captured_log().substr(before);
    });
  };
  BOOST_TEST(log_of(0444).find("key_file_readable_by_others path=\"" + folder.file("k") + "\" mode=0444") !=
             std::string::npos);
  BOOST_TEST(log_of(0440).find("mode=0440") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_regular_file_only) {
  temporary_folder const folder;
  auto const pipe = folder.file("pipe");
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  // Without a writer, and with one that says nothing.
  BOOST_TEST(is_refused(outcome_of(pipe), "the file is not a regular file"));
  int const writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  BOOST_TEST(is_refused(outcome_of(pipe), "the file is not a regular file"));
  ::close(writer);
  BOOST_TEST(is_refused(outcome_of("/tmp"), "can't read the file: Is a directory"));
  for (auto const* const path : {"/dev/zero", "/dev/null"})
    BOOST_TEST(is_refused(outcome_of(path), "the file is not a regular file"), path);
  BOOST_TEST(is_refused(outcome_of(folder.write("large", std::string((1 << 20) + 1, 'k'), 0600)), "larger than 1024"));
  BOOST_TEST(is_refused(outcome_of(folder.file("none")), "No such file"));
}

BOOST_AUTO_TEST_CASE(what_a_link_points_to_is_checked) {
  temporary_folder const folder;
  std::filesystem::create_symlink(folder.write("closed", "text", 0600), folder.file("to_closed"));
  std::filesystem::create_symlink(folder.write("open", "text", 0644), folder.file("to_open"));
  BOOST_TEST(outcome_of(folder.file("to_closed")) == "text");
  BOOST_TEST(is_refused(outcome_of(folder.file("to_open")), "run: chmod 600"));
}

BOOST_AUTO_TEST_SUITE_END()
