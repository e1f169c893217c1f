#include "support/allocations.hpp"
#include "support/test.hpp"

#include <claudio/models.hpp>
#include <claudio/prices.hpp>

#include <limits>

using namespace claudio;
using claudio::test::json;

namespace {

std::optional<std::int64_t> picodollars(price_table const& table, std::string_view model, std::string_view usage) {
  auto const amount = table.cost_of(model, json(usage).as_object());
  return amount ? std::optional(amount->picodollars()) : std::nullopt;
}

std::int64_t of(std::string_view model, std::string_view usage) {
  return picodollars(price_table::published(), model, usage).value_or(-1);
}

bool unknown(std::string_view model, std::string_view usage) {
  return !picodollars(price_table::published(), model, usage);
}

price_table overridden(std::string_view overrides) { return price_table::parse(json(overrides).as_object()).value(); }

} // namespace

BOOST_AUTO_TEST_SUITE(prices)

BOOST_AUTO_TEST_CASE(the_catalogue_at_list_prices) {
  struct row {
    char const* model;
    std::int64_t input; // picodollars
    std::int64_t write_5m;
    std::int64_t write_1h;
    std::int64_t read;
    std::int64_t output;
    unsigned us_percent;
  };
  row const rows[] = {
      {"claude-fable-5-2", 8'000'000, 10'000'000, 16'000'000, 200'000, 40'000'000, 110},
      {"claude-haiku-5-5", 100'000, 125'000, 200'000, 10'000, 500'000, 110},
      {"claude-sonnet-5-5", 2'000'000, 2'500'000, 4'000'000, 100'000, 10'000'000, 110},
      {"claude-opus-5-5", 4'000'000, 5'000'000, 8'000'000, 200'000, 20'000'000, 110},
      {"claude-fable-5-1", 10'000'000, 12'500'000, 20'000'000, 250'000, 50'000'000, 110},
      {"claude-mythos-5-1", 10'000'000, 12'500'000, 20'000'000, 250'000, 50'000'000, 110},
      {"claude-opus-5", 5'000'000, 6'250'000, 10'000'000, 500'000, 25'000'000, 110},
      {"claude-sonnet-5", 2'000'000, 2'500'000, 4'000'000, 200'000, 10'000'000, 110},
      {"claude-fable-5", 10'000'000, 12'500'000, 20'000'000, 1'000'000, 50'000'000, 110},
      {"claude-mythos-5", 10'000'000, 12'500'000, 20'000'000, 1'000'000, 50'000'000, 110},
      {"claude-opus-4-8", 5'000'000, 6'250'000, 10'000'000, 500'000, 25'000'000, 110},
      {"claude-opus-4-7", 5'000'000, 6'250'000, 10'000'000, 500'000, 25'000'000, 110},
      {"claude-opus-4-6", 5'000'000, 6'250'000, 10'000'000, 500'000, 25'000'000, 110},
      {"claude-sonnet-4-6", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 110},
      {"claude-haiku-4-5", 1'000'000, 1'250'000, 2'000'000, 100'000, 5'000'000, 100},
      {"claude-haiku-4-5-20251001", 1'000'000, 1'250'000, 2'000'000, 100'000, 5'000'000, 100},
      {"claude-opus-4-5", 5'000'000, 6'250'000, 10'000'000, 500'000, 25'000'000, 100},
      {"claude-opus-4-5-20251101", 5'000'000, 6'250'000, 10'000'000, 500'000, 25'000'000, 100},
      {"claude-sonnet-4-5", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 100},
      {"claude-sonnet-4-5-20250929", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 100},
      {"claude-opus-4-1-20250805", 15'000'000, 18'750'000, 30'000'000, 1'500'000, 75'000'000, 100},
      {"claude-opus-4-20250514", 15'000'000, 18'750'000, 30'000'000, 1'500'000, 75'000'000, 100},
      {"claude-sonnet-4-20250514", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 100},
      {"claude-3-7-sonnet-20250219", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 100},
      {"claude-3-5-sonnet-20241022", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 100},
      {"claude-3-5-haiku-20241022", 800'000, 1'000'000, 1'600'000, 80'000, 4'000'000, 100},
      {"claude-3-opus-20240229", 15'000'000, 18'750'000, 30'000'000, 1'500'000, 75'000'000, 100},
      {"claude-3-sonnet-20240229", 3'000'000, 3'750'000, 6'000'000, 300'000, 15'000'000, 100},
      {"claude-3-haiku-20240307", 250'000, 300'000, 500'000, 30'000, 1'250'000, 100},
  };
  char const* const unpriced[] = {"claude-mythos-5-2", "claude-mythos-preview", "claude-2.1",
                                  "claude-2.0",        "claude-instant-1.2",    "claude-1.3"};
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.model) {
      BOOST_TEST(find_model(row.model).has_value());
      auto const* const found = price_table::published().find(row.model);
      BOOST_REQUIRE(found);
      BOOST_TEST(found->input == row.input);
      BOOST_TEST(found->cache_write_5m == row.write_5m);
      BOOST_TEST(found->cache_write_1h == row.write_1h);
      BOOST_TEST(found->cache_read == row.read);
      BOOST_TEST(found->output == row.output);
      BOOST_TEST(found->batch_percent == 50u);
      BOOST_TEST(found->us_percent == row.us_percent);
      BOOST_TEST(found->long_context.has_value() == (std::string_view(row.model) == "claude-haiku-5-5"));
    }
  for (auto const* const model : unpriced)
    BOOST_TEST(!price_table::published().find(model));
  BOOST_TEST(std::size(rows) + std::size(unpriced) == model_catalogue().size());
}

BOOST_AUTO_TEST_CASE(a_name_is_found_with_or_without_its_date) {
  auto const& table = price_table::published();
  BOOST_TEST(table.find("claude-opus-4-8-20260528") == table.find("claude-opus-4-8"));
  BOOST_TEST(table.find("claude-3-opus") == table.find("claude-3-opus-20240229"));
  for (auto const* const name :
       {"", "claude", "-20251101", "claude-opus-4-8-2026052", "claude-opus-4-8-2026052x", "claude-opus-4-8 ",
        "claude-opus-4-8-20260528-20260528", "Claude-opus-4-8", "anthropic.claude-opus-4-8", "zzz"})
    BOOST_TEST(!table.find(name), name);
}

BOOST_AUTO_TEST_CASE(each_kind_of_token) {
  // 1000 * $5 + 200 * $25 a million
  BOOST_TEST(of("claude-opus-4-8", R"({"input_tokens":1000,"output_tokens":200})") == 10'000'000'000);
  // 10 * $3 + 1000 * $3.75 + 100 * $6 + 5000 * $0.30 + 7 * $15
  char const* const all = R"({"input_tokens":10,"output_tokens":7,"cache_read_input_tokens":5000,
    "cache_creation_input_tokens":1100,
    "cache_creation":{"ephemeral_5m_input_tokens":1000,"ephemeral_1h_input_tokens":100}})";
  BOOST_TEST(of("claude-sonnet-4-6", all) == 30'000'000 + 3'750'000'000 + 600'000'000 + 1'500'000'000 + 105'000'000);
  // What is not broken down was written for five minutes.
  for (auto const* const usage :
       {R"({"cache_creation_input_tokens":1000})", R"({"cache_creation_input_tokens":1000,"cache_creation":null})",
        R"({"cache_creation_input_tokens":1000,"cache_creation":{}})",
        R"({"cache_creation_input_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":400}})"})
    BOOST_TEST(of("claude-sonnet-4-6", usage) == 3'750'000'000, usage);
  BOOST_TEST(of("claude-sonnet-4-6", R"({"cache_creation_input_tokens":1000,
    "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":400}})") ==
             600 * 3'750'000LL + 400 * 6'000'000LL);
}

BOOST_AUTO_TEST_CASE(nothing_costs_nothing) {
  BOOST_TEST(of("claude-opus-4-8", "{}") == 0);
  BOOST_TEST(of("claude-opus-4-8", R"({"input_tokens":null,"output_tokens":null,"cache_read_input_tokens":null,
    "cache_creation_input_tokens":null,"cache_creation":null,"server_tool_use":null,"service_tier":null,
    "inference_geo":null,"speed":null,"iterations":null})") == 0);
}

BOOST_AUTO_TEST_CASE(batches_and_the_us) {
  // $10 a million in, $50 out: $0.06
  BOOST_TEST(of("claude-fable-5-1", R"({"input_tokens":1000,"output_tokens":1000,"service_tier":"standard",
    "inference_geo":"global","speed":"standard"})") == 60'000'000'000);
  BOOST_TEST(of("claude-fable-5-1", R"({"input_tokens":1000,"output_tokens":1000,"service_tier":"batch",
    "inference_geo":"not_available"})") == 30'000'000'000);
  BOOST_TEST(of("claude-fable-5-1", R"({"input_tokens":1000,"output_tokens":1000,"inference_geo":"us"})") ==
             66'000'000'000);
  BOOST_TEST(of("claude-fable-5-1", R"({"input_tokens":1000,"output_tokens":1000,"inference_geo":"us",
    "service_tier":"batch"})") == 33'000'000'000);
  BOOST_TEST(of("claude-fable-5-1", R"({"cache_read_input_tokens":1000,"inference_geo":"us"})") == 275'000'000);
  // Half of an odd picodollar is rounded up, once.
  auto const table = overridden(R"({"m":{"input":0.000003,"output":0}})");
  BOOST_TEST(picodollars(table, "m", R"({"input_tokens":1,"service_tier":"batch"})").value() == 2);
  BOOST_TEST(picodollars(table, "m", R"({"input_tokens":3,"service_tier":"batch"})").value() == 5);
}

BOOST_AUTO_TEST_CASE(a_long_prompt_has_other_prices_for_all_of_it) {
  BOOST_TEST(of("claude-haiku-5-5", R"({"input_tokens":100000,"output_tokens":1000})") == 10'000'000'000 + 500'000'000);
  BOOST_TEST(of("claude-haiku-5-5", R"({"input_tokens":100001,"output_tokens":1000})") ==
             100'001 * 500'000LL + 2'500'000'000);
  // All kinds of input are the prompt's length.
  char const* const edge = R"({"input_tokens":1,"cache_read_input_tokens":99000,
    "cache_creation":{"ephemeral_5m_input_tokens":900,"ephemeral_1h_input_tokens":99}})";
  BOOST_TEST(of("claude-haiku-5-5", edge) == 100'000 + 99'000 * 10'000LL + 900 * 125'000LL + 99 * 200'000LL);
  char const* const beyond = R"({"input_tokens":1,"cache_read_input_tokens":99000,
    "cache_creation":{"ephemeral_5m_input_tokens":900,"ephemeral_1h_input_tokens":100}})";
  BOOST_TEST(of("claude-haiku-5-5", beyond) == 500'000 + 99'000 * 50'000LL + 900 * 625'000LL + 100 * 1'000'000LL);
  BOOST_TEST(of("claude-haiku-5-5", R"({"input_tokens":200000,"service_tier":"batch","inference_geo":"us"})") ==
             200'000 * 275'000LL);
  BOOST_TEST(of("claude-sonnet-4-6", R"({"input_tokens":900000})") == 900'000 * 3'000'000LL);
}

BOOST_AUTO_TEST_CASE(searches_are_paid_each_and_fetches_are_not) {
  BOOST_TEST(of("claude-opus-4-8", R"({"server_tool_use":{"web_search_requests":3,"web_fetch_requests":9}})") ==
             30'000'000'000);
  // A batch's and the US's percents are of the tokens.
  BOOST_TEST(of("claude-opus-4-8", R"({"input_tokens":1000,"server_tool_use":{"web_search_requests":1},
    "service_tier":"batch","inference_geo":"us"})") == 2'750'000'000 + 10'000'000'000);
}

BOOST_AUTO_TEST_CASE(what_has_no_price_is_not_known) {
  BOOST_TEST(unknown("claude-mythos-preview", R"({"input_tokens":1})"));
  BOOST_TEST(unknown("gpt-7", "{}"));
  BOOST_TEST(!price_table().cost_of("claude-opus-4-8", {}));
  for (auto const* const usage :
       {R"({"service_tier":"priority"})", R"({"service_tier":"flex"})", R"({"service_tier":7})", R"({"speed":"fast"})",
        R"({"inference_geo":"eu"})", R"({"cache_creation":7})", R"({"server_tool_use":[]})",
        R"({"iterations":[{"type":"message"},{"type":"compaction","input_tokens":180000}]})", R"({"iterations":[7]})"})
    BOOST_TEST(unknown("claude-opus-4-8", usage), usage);
  BOOST_TEST(of("claude-opus-4-8", R"({"input_tokens":1,"iterations":[{"type":"message","input_tokens":1}]})") ==
             5'000'000);
}

BOOST_AUTO_TEST_CASE(hostile_counts_have_no_cost) {
  for (auto const* const count : {"9223372036854775807", "9223372036854775808", "18446744073709551615", "1e300", "-1",
                                  "1.5", "\"7\"", "[]", "1000000000000000000", "200000000000000000"})
    for (auto const* const field :
         {"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"}) {
      auto const usage = "{\"" + std::string(field) + "\":" + count + "}";
      BOOST_TEST(unknown("claude-opus-4-8", usage), usage);
    }
  BOOST_TEST(unknown("claude-opus-4-8", R"({"server_tool_use":{"web_search_requests":1000000000}})"));
  // Each fits, the sum does not.
  BOOST_TEST(of("claude-opus-4-8", R"({"output_tokens":300000000000})") == 7'500'000'000'000'000'000);
  BOOST_TEST(unknown("claude-opus-4-8", R"({"output_tokens":300000000000,"input_tokens":400000000000})"));
  BOOST_TEST(unknown("claude-opus-4-8", R"({"cache_read_input_tokens":1152921504606846976,
    "cache_creation":{"ephemeral_5m_input_tokens":1152921504606846976,"ephemeral_1h_input_tokens":1152921504606846976}})"));
  BOOST_TEST(of("claude-opus-4-8", R"({"output_tokens":300000000000,"service_tier":"batch"})") ==
             3'750'000'000'000'000'000);
  BOOST_TEST(of("claude-opus-4-8", R"({"output_tokens":300000000000,"inference_geo":"us"})") ==
             8'250'000'000'000'000'000);
  price_table dear;
  token_prices prices;
  prices.input = 1'000'000;
  prices.us_percent = std::numeric_limits<std::uint32_t>::max();
  dear.set("m", prices);
  BOOST_TEST(picodollars(dear, "m", R"({"input_tokens":1,"inference_geo":"us"})").value() == 42'949'672'950'000);
  BOOST_TEST(!picodollars(dear, "m", R"({"input_tokens":1000000,"inference_geo":"us"})"));
}

BOOST_AUTO_TEST_CASE(dollars_as_text) {
  struct row {
    std::int64_t picodollars;
    std::int64_t micro_dollars;
    char const* text;
  };
  row const rows[] = {
      {0, 0, "$0.00"},
      {499'999, 0, "$0.00"},
      {500'000, 1, "$0.000001"},
      {1'499'999, 1, "$0.000001"},
      {1'234'000'000, 1234, "$0.001234"},
      {100'000'000'000, 100'000, "$0.10"},
      {12'345'000'000'000, 12'345'000, "$12.345"},
      {1'000'000'000'000'000, 1'000'000'000, "$1000.00"},
      {-500'000, 0, "$0.00"},
      {-500'001, -1, "-$0.000001"},
      {-100'000'000'000, -100'000, "-$0.10"},
      {std::numeric_limits<std::int64_t>::max(), 9'223'372'036'855, "$9223372.036855"},
      {std::numeric_limits<std::int64_t>::min(), -9'223'372'036'855, "-$9223372.036855"},
  };
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.picodollars) {
      auto const amount = cost::of_picodollars(row.picodollars);
      BOOST_TEST(amount.micro_dollars() == row.micro_dollars);
      BOOST_TEST(to_string(amount) == row.text);
    }
}

BOOST_AUTO_TEST_CASE(a_million_calls_add_up_exactly) {
  // 1 token read at $0.01 a million is a hundredth of a micro-dollar, below what a call's own text shows.
  auto const one =
      price_table::published().cost_of("claude-haiku-5-5", json(R"({"cache_read_input_tokens":1})").as_object());
  BOOST_REQUIRE(one.has_value());
  BOOST_TEST(one->micro_dollars() == 0);
  cost sum;
  for (int i = 0; i < 1'000'000; ++i)
    sum += *one;
  BOOST_TEST(to_string(sum) == "$0.01");
  BOOST_TEST(sum.picodollars() == 10'000'000'000);
  BOOST_TEST((sum > *one));
  BOOST_TEST((cost() == cost::of_picodollars(0)));
}

BOOST_AUTO_TEST_CASE(a_sum_ends_where_it_would_overflow) {
  using limits = std::numeric_limits<std::int64_t>;
  auto most = cost::of_picodollars(limits::max());
  most += cost::of_picodollars(1);
  BOOST_TEST(most.picodollars() == limits::max());
  auto least = cost::of_picodollars(limits::min());
  least += cost::of_picodollars(-1);
  BOOST_TEST(least.picodollars() == limits::min());
}

BOOST_AUTO_TEST_CASE(overrides_lie_on_top) {
  auto const table = overridden(R"({
    "mine":{"input":3,"output":15},
    "all":{"input":1,"output":2,"cache_write_5m":3,"cache_write_1h":4,"cache_read":5.000001,"batch_percent":6,
      "us_percent":7,"long_context":{"above":8,"input":9,"output":10,"cache_read":11}},
    "claude-opus-5-5":{"input":3.6,"output":18},
    "claude-opus-4-20250514":null})");
  auto const& mine = *table.find("mine");
  BOOST_TEST(mine.input == 3'000'000);
  BOOST_TEST(mine.output == 15'000'000);
  BOOST_TEST(mine.cache_write_5m == 3'750'000);
  BOOST_TEST(mine.cache_write_1h == 6'000'000);
  BOOST_TEST(mine.cache_read == 300'000);
  BOOST_TEST(mine.batch_percent == 50u);
  BOOST_TEST(mine.us_percent == 100u);
  BOOST_TEST(!mine.long_context);
  auto const& all = *table.find("all");
  BOOST_TEST(all.cache_write_5m == 3'000'000);
  BOOST_TEST(all.cache_write_1h == 4'000'000);
  BOOST_TEST(all.cache_read == 5'000'001);
  BOOST_TEST(all.batch_percent == 6u);
  BOOST_TEST(all.us_percent == 7u);
  BOOST_TEST(all.long_context->above == 8u);
  BOOST_TEST(all.long_context->input == 9'000'000);
  BOOST_TEST(all.long_context->cache_write_1h == 18'000'000);
  BOOST_TEST(all.long_context->cache_read == 11'000'000);
  // Percents are the published ones unless given.
  BOOST_TEST(table.find("claude-opus-5-5")->us_percent == 110u);
  BOOST_TEST(table.find("claude-opus-5-5")->input == 3'600'000);
  BOOST_TEST(!table.find("claude-opus-4-20250514"));
  BOOST_TEST(table.find("claude-opus-4"));
  BOOST_TEST(table.find("claude-sonnet-4-6"));
  BOOST_TEST(price_table::published().find("claude-opus-4-20250514"));
}

BOOST_AUTO_TEST_CASE(faults_of_overrides_say_where_and_what) {
  struct row {
    char const* overrides;
    char const* message;
  };
  row const rows[] = {
      {R"({"m":7})", "prices.m: expected an object with input and output, or null, got 7"},
      {R"({"m":{}})", "prices.m.input: missing; expected dollars per million tokens"},
      {R"({"m":{"input":1}})", "prices.m.output: missing; expected dollars per million tokens"},
      {R"({"m":{"input":"1","output":1}})",
       "prices.m.input: expected dollars per million tokens, a number from 0 to 1000000, got a string"},
      {R"({"m":{"input":-0.5,"output":1}})",
       "prices.m.input: expected dollars per million tokens, a number from 0 to 1000000, got -0.5"},
      {R"({"m":{"input":1,"output":1000001}})",
       "prices.m.output: expected dollars per million tokens, a number from 0 to 1000000, got 1000001"},
      {R"({"m":{"input":1,"output":1,"cache_raed":1}})",
       "prices.m.cache_raed: unknown field; did you mean \"cache_read\"?"},
      {R"({"m":{"input":1,"output":1,"batch_percent":-1}})", "prices.m.batch_percent: expected an integer ≥ 0, got -1"},
      {R"({"m":{"input":1,"output":1,"long_context":{"input":1,"output":1}}})",
       "prices.m.long_context.above: missing; expected a number of input tokens"},
      {R"({"m":{"input":1,"output":1,"long_context":{"above":1,"input":1}}})",
       "prices.m.long_context.output: missing; expected dollars per million tokens"},
  };
  for (auto const& row : rows)
    BOOST_TEST_CONTEXT(row.overrides) {
      auto const table = price_table::parse(json(row.overrides).as_object());
      BOOST_REQUIRE(table.has_error());
      BOOST_TEST(table.error().code() == errc::configuration);
      BOOST_TEST(table.error().message() == row.message);
      BOOST_TEST(table.error().message().starts_with(table.error().param() + ": "));
    }
}

BOOST_AUTO_TEST_CASE(copies_are_values) {
  price_table table = price_table::published();
  BOOST_TEST((table == price_table::published()));
  token_prices prices;
  prices.input = 1;
  table.set("b", prices);
  price_table const copy = table;
  table.set("b", std::nullopt);
  BOOST_TEST(copy.find("b")->input == 1);
  BOOST_TEST(!table.find("b"));
  BOOST_TEST((copy != table));
  BOOST_TEST(!price_table::published().find("b"));
  table.set("b", prices);
  BOOST_TEST((copy == table));
  BOOST_TEST((price_table() == price_table()));
  BOOST_TEST((price_table() != copy));
}

BOOST_AUTO_TEST_CASE(a_call_is_priced_without_the_heap) {
  auto const& table = price_table::published();
  auto const usage = json(R"({"input_tokens":10,"output_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":1},
    "server_tool_use":{"web_search_requests":1},"service_tier":"batch","inference_geo":"us"})")
                         .as_object();
  auto const before = claudio::test::allocations();
  auto const amount = table.cost_of("claude-opus-4-8-a-name-longer-than-any-small-buffer-20260528", usage);
  auto const priced = table.cost_of("claude-opus-4-8-20260528", usage);
  BOOST_TEST(claudio::test::allocations() == before);
  BOOST_TEST(!amount);
  BOOST_TEST(priced.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
