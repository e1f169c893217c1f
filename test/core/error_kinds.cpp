#include "core/error_kinds.hpp"

#include "support/test.hpp"

#include <set>

using namespace claudio;

BOOST_AUTO_TEST_SUITE(error_kinds)

BOOST_AUTO_TEST_CASE(each_kind_has_a_row_of_its_own) {
  std::set<std::string_view> names;
  std::set<std::string_view> types;
  for (std::size_t i = 0; i < error_kind_count; ++i) {
    auto const code = static_cast<errc>(i);
    auto const& kind = kind_of(code);
    BOOST_TEST(names.insert(kind.name).second, kind.name);
    BOOST_TEST(to_string(code) == kind.name);
    BOOST_TEST((kind.openai_status >= 400 && kind.openai_status < 600), kind.name);
    BOOST_TEST(!kind.openai_type.empty(), kind.name);
    if (kind.api_type.empty())
      continue;
    BOOST_TEST(types.insert(kind.api_type).second, kind.api_type);
    BOOST_TEST((find_api_type(kind.api_type) == code), kind.api_type);
  }
  BOOST_TEST(types.size() == 10u);
  BOOST_TEST(to_string(static_cast<errc>(200)) == "unknown");
  BOOST_TEST((find_api_type("") == errc::none));
  BOOST_TEST((find_api_type("timeout_error") == errc::none));
}

BOOST_AUTO_TEST_CASE(a_value_throws_the_exception_of_its_row) {
  auto const thrown_by = [](errc code) {
    try {
      result<int>(error(code, "x")).value();
    } catch (rate_limit_error const&) {
      return "rate_limit_error";
    } catch (timeout_error const&) {
      return "timeout_error";
    } catch (storage_error const&) {
      return "storage_error";
    } catch (api_error const&) {
      return "api_error";
    }
    return "nothing";
  };
  BOOST_TEST(thrown_by(errc::rate_limited) == "rate_limit_error");
  BOOST_TEST(thrown_by(errc::timeout) == "timeout_error");
  BOOST_TEST(thrown_by(errc::vault) == "storage_error");
  BOOST_TEST(thrown_by(errc::billing) == "api_error");
  BOOST_TEST(thrown_by(static_cast<errc>(200)) == "api_error");
}

BOOST_AUTO_TEST_CASE(spend_limits_are_known_by_their_name) {
  for (auto const* const name : {"enforced_spend_limit_reached", "contract_spend_limit_reached"}) {
    error_details details;
    details.error_code = name;
    BOOST_TEST(is_spend_limit(error(errc::rate_limited, 429, std::move(details))));
  }
  BOOST_TEST(!is_spend_limit(error(errc::rate_limited, "too many")));
}

BOOST_AUTO_TEST_SUITE_END()
