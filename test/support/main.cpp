// The one translation unit with Boost.Test's runner.
#define BOOST_TEST_MODULE claudio
#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>
