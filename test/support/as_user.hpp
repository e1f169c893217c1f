#pragma once

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace claudio::test {

constexpr uid_t root = 0;
constexpr uid_t nobody = 65534;

/// What a function gives when another user calls it, in a process of its own. Only root can try.
inline std::string as_user(uid_t user, std::function<std::string()> const& call) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    bool const is_user = ::setgid(user) == 0 && ::setuid(user) == 0;
    auto const given = is_user ? call() : std::string("can't become the user");
    bool const is_told = ::write(ends[1], given.data(), given.size()) == static_cast<ssize_t>(given.size());
    ::_exit(is_told ? 0 : 1);
  }
  ::close(ends[1]);
  std::string told;
  char buffer[512];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    told.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
  return told;
}

} // namespace claudio::test
