#pragma once

#define BOOST_TEST_DYN_LINK
#include <claudio/error.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>

namespace claudio {

// For BOOST_TEST's messages; found by argument-dependent lookup.
inline std::ostream& operator<<(std::ostream& out, errc code) { return out << to_string(code); }

} // namespace claudio

namespace claudio::test {

inline boost::json::value json(std::string_view text) {
  return boost::json::parse(boost::json::string_view(text.data(), text.size()));
}

} // namespace claudio::test
