#include "core/json_access.hpp"
#include "core/object_reader.hpp"

#include <claudio/prices.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::int64_t dollars_per_million = 1'000'000; // picodollars a token
constexpr std::int64_t web_search = 10'000'000'000;     // picodollars: $10 per 1,000
constexpr std::uint32_t us_only = 110;                  // percent; Claude 4.6 and later

// Dollars per million tokens, in the order of the columns of Anthropic's page.
token_prices list_prices(double input, double write_5m, double write_1h, double read, double output,
                         std::uint32_t us_percent = 100) {
  auto const picodollars = [](double dollars) { return std::llround(dollars * dollars_per_million); };
  token_prices prices;
  prices.input = picodollars(input);
  prices.cache_write_5m = picodollars(write_5m);
  prices.cache_write_1h = picodollars(write_1h);
  prices.cache_read = picodollars(read);
  prices.output = picodollars(output);
  prices.us_percent = us_percent;
  return prices;
}

token_prices haiku_5_5_prices() {
  auto prices = list_prices(0.10, 0.125, 0.20, 0.01, 0.50, us_only);
  long_context_rates longer;
  static_cast<token_rates&>(longer) = list_prices(0.50, 0.625, 1, 0.05, 2.50);
  longer.above = 100'000;
  prices.long_context = longer;
  return prices;
}

// Prompts above 200,000 tokens cost more on Sonnet 4 and 4.5 until that beta ended, on 30 April 2026. Claude 3 Sonnet
// has no prompt cache: its prices of it are never used.
price_table list_of_november_2026() {
  auto const fable_5 = list_prices(10, 12.50, 20, 1, 50, us_only);
  auto const fable_5_1 = list_prices(10, 12.50, 20, 0.25, 50, us_only);
  auto const opus_4 = list_prices(15, 18.75, 30, 1.50, 75);
  auto const opus_4_6 = list_prices(5, 6.25, 10, 0.50, 25, us_only);
  auto const sonnet_3 = list_prices(3, 3.75, 6, 0.30, 15);
  price_table table;
  table.set("claude-fable-5-2", list_prices(8, 10, 16, 0.20, 40, us_only));
  table.set("claude-haiku-5-5", haiku_5_5_prices());
  table.set("claude-sonnet-5-5", list_prices(2, 2.50, 4, 0.10, 10, us_only));
  table.set("claude-opus-5-5", list_prices(4, 5, 8, 0.20, 20, us_only));
  table.set("claude-fable-5-1", fable_5_1);
  table.set("claude-mythos-5-1", fable_5_1);
  table.set("claude-opus-5", opus_4_6);
  table.set("claude-sonnet-5", list_prices(2, 2.50, 4, 0.20, 10, us_only));
  table.set("claude-fable-5", fable_5);
  table.set("claude-mythos-5", fable_5);
  table.set("claude-opus-4-8", opus_4_6);
  table.set("claude-opus-4-7", opus_4_6);
  table.set("claude-opus-4-6", opus_4_6);
  table.set("claude-sonnet-4-6", list_prices(3, 3.75, 6, 0.30, 15, us_only));
  table.set("claude-haiku-4-5", list_prices(1, 1.25, 2, 0.10, 5));
  table.set("claude-opus-4-5", list_prices(5, 6.25, 10, 0.50, 25));
  table.set("claude-sonnet-4-5", sonnet_3);
  table.set("claude-opus-4-1", opus_4);
  table.set("claude-opus-4", opus_4);
  table.set("claude-sonnet-4", sonnet_3);
  table.set("claude-3-7-sonnet", sonnet_3);
  table.set("claude-3-5-sonnet", sonnet_3);
  table.set("claude-3-5-haiku", list_prices(0.80, 1, 1.60, 0.08, 4));
  table.set("claude-3-opus", opus_4);
  table.set("claude-3-sonnet", sonnet_3);
  table.set("claude-3-haiku", list_prices(0.25, 0.30, 0.50, 0.03, 1.25));
  return table;
}

// `-YYYYMMDD`
std::string_view without_date(std::string_view model) noexcept {
  constexpr std::size_t length = 9;
  if (model.size() <= length)
    return model;
  auto const date = model.substr(model.size() - length);
  bool const is_date =
      date[0] == '-' && std::all_of(date.begin() + 1, date.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_date ? model.substr(0, model.size() - length) : model;
}

// Picodollars that know when they were too many.
class checked_sum {
public:
  checked_sum() = default;

  void add(std::uint64_t count, std::int64_t price) noexcept {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(count, price, &product) || __builtin_add_overflow(amount_, product, &amount_))
      fits_ = false;
  }

  // Rounded, half a picodollar up.
  void scale(std::uint64_t numerator, std::int64_t denominator) noexcept {
    checked_sum rest;
    rest.add(numerator, amount_ % denominator);
    rest.add(1, denominator / 2);
    checked_sum scaled;
    scaled.add(numerator, amount_ / denominator);
    scaled.add(1, rest.amount_ / denominator);
    scaled.fits_ = scaled.fits_ && rest.fits_ && fits_;
    *this = scaled;
  }

  std::optional<cost> total() const noexcept {
    return fits_ ? std::optional(cost::of_picodollars(amount_)) : std::nullopt;
  }

private:
  std::int64_t amount_ = 0;
  bool fits_ = true;
};

// The members of a `usage` object, and whether all that was read can be priced.
class usage_reader {
public:
  explicit usage_reader(json::object const& usage) noexcept : usage_(usage) {}

  std::uint64_t count(std::string_view field) noexcept { return count(&usage_, field); }
  std::uint64_t count(std::string_view part, std::string_view field) noexcept { return count(object(part), field); }

  // The text, which has to be one whose price is known; empty when it is absent.
  std::string_view text(std::string_view field, std::initializer_list<std::string_view> known) noexcept {
    if (!find(&usage_, field))
      return {};
    auto const given = find_string(usage_, field);
    sound_ = sound_ && std::find(known.begin(), known.end(), given) != known.end();
    return given;
  }

  // The other counts hold the model's own turns. What stands here beside them, a compaction or an advisor's turn, costs
  // too, and may be another model's.
  void refuse_other_iterations() noexcept {
    auto const* const iterations = find_array(usage_, "iterations");
    if (!iterations)
      return;
    for (auto const& iteration : *iterations) {
      auto const* const entry = iteration.if_object();
      sound_ = sound_ && entry && find_string(*entry, "type") == "message";
    }
  }

  bool sound() const noexcept { return sound_; }

private:
  static json::value const* find(json::object const* object, std::string_view field) noexcept {
    auto const* const value = object ? find_value(*object, field) : nullptr;
    return value && !value->is_null() ? value : nullptr;
  }

  json::object const* object(std::string_view field) noexcept {
    auto const* const value = find(&usage_, field);
    if (value && !value->is_object())
      sound_ = false;
    return value ? value->if_object() : nullptr;
  }

  std::uint64_t count(json::object const* object, std::string_view field) noexcept {
    auto const* const value = find(object, field);
    if (!value)
      return 0;
    // No context window comes near it, and sums of some can't overflow.
    constexpr std::int64_t most = std::int64_t{1} << 60;
    auto const number = to_integer(*value);
    if (!number || *number < 0 || *number > most) {
      sound_ = false;
      return 0;
    }
    return static_cast<std::uint64_t>(*number);
  }

  json::object const& usage_;
  bool sound_ = true;
};

void read_price(json::object const& object, object_reader& reader, std::string_view field, std::int64_t& target) {
  constexpr double most = 1e6;
  reader.known({field});
  auto const* const value = find_value(object, field);
  if (!value)
    return;
  double const dollars = value->is_number() ? value->to_number<double>() : -1;
  if (!(dollars >= 0 && dollars <= most))
    return reader.fail(field, "expected dollars per million tokens, a number from 0 to 1000000, got " +
                                  describe_value(*value));
  target = std::llround(dollars * dollars_per_million);
}

void read_rates(json::object const& object, object_reader& reader, token_rates& rates) {
  for (auto const* const field : {"input", "output"})
    if (!object.contains(field))
      reader.missing(field, "dollars per million tokens");
  read_price(object, reader, "input", rates.input);
  read_price(object, reader, "output", rates.output);
  rates.cache_write_5m = (rates.input * 5 + 2) / 4;
  rates.cache_write_1h = rates.input * 2;
  rates.cache_read = (rates.input + 5) / 10;
  read_price(object, reader, "cache_write_5m", rates.cache_write_5m);
  read_price(object, reader, "cache_write_1h", rates.cache_write_1h);
  read_price(object, reader, "cache_read", rates.cache_read);
}

std::optional<long_context_rates> read_long_context(object_reader& parent) {
  auto const* const object = parent.object("long_context");
  if (!object)
    return std::nullopt;
  long_context_rates rates;
  object_reader reader(*object, parent.path_of("long_context"));
  if (!object->contains("above"))
    reader.missing("above", "a number of input tokens");
  if (auto const above = reader.integer("above", 0))
    rates.above = static_cast<std::uint64_t>(*above);
  read_rates(*object, reader, rates);
  if (auto const done = reader.finish(); !done)
    parent.fail(done.error());
  return rates;
}

result<token_prices> read_prices(json::object const& object, std::string path, token_prices const* published) {
  token_prices prices;
  if (published) {
    prices.batch_percent = published->batch_percent;
    prices.us_percent = published->us_percent;
  }
  object_reader reader(object, std::move(path));
  read_rates(object, reader, prices);
  if (auto const percent = reader.integer("batch_percent", 0))
    prices.batch_percent = static_cast<std::uint32_t>(*percent);
  if (auto const percent = reader.integer("us_percent", 0))
    prices.us_percent = static_cast<std::uint32_t>(*percent);
  prices.long_context = read_long_context(reader);
  if (auto const done = reader.finish(); !done)
    return done.error();
  return prices;
}

} // namespace

price_table const& price_table::published() {
  static auto const* const table = new price_table(list_of_november_2026());
  return *table;
}

result<price_table> price_table::parse(json::object const& overrides, std::string const& path) {
  price_table table = published();
  for (auto const& [model, value] : overrides) {
    std::string const name = model;
    auto const where = path + "." + name;
    if (value.is_null()) {
      table.set(name, std::nullopt);
      continue;
    }
    auto const* const object = value.if_object();
    if (!object)
      return configuration_fault(where,
                                 "expected an object with input and output, or null, got " + describe_value(value));
    auto prices = read_prices(*object, where, published().find(name));
    if (!prices)
      return prices.error();
    table.set(name, std::move(*prices));
  }
  return table;
}

void price_table::set(std::string model, std::optional<token_prices> prices) {
  auto const now = rows();
  auto changed = std::make_shared<std::vector<row>>(now.begin(), now.end());
  auto const place = std::ranges::lower_bound(*changed, model, {}, &row::model);
  row added;
  added.model = std::move(model);
  added.prices = std::move(prices);
  if (place != changed->end() && place->model == added.model)
    *place = std::move(added);
  else
    changed->insert(place, std::move(added));
  rows_ = std::move(changed);
}

token_prices const* price_table::find(std::string_view model) const noexcept {
  auto const* found = find_row(model);
  if (!found)
    found = find_row(without_date(model));
  return found && found->prices ? &*found->prices : nullptr;
}

std::optional<cost> price_table::cost_of(std::string_view model, json::object const& usage) const noexcept {
  auto const* const prices = find(model);
  if (!prices)
    return std::nullopt;
  usage_reader reader(usage);
  auto const input = reader.count("input_tokens");
  auto const output = reader.count("output_tokens");
  auto const read = reader.count("cache_read_input_tokens");
  auto const written = reader.count("cache_creation_input_tokens");
  auto const write_1h = reader.count("cache_creation", "ephemeral_1h_input_tokens");
  auto write_5m = reader.count("cache_creation", "ephemeral_5m_input_tokens");
  // What is not said to stay for an hour stays for five minutes.
  if (written > write_5m + write_1h)
    write_5m = written - write_1h;
  auto const searches = reader.count("server_tool_use", "web_search_requests");
  bool const batch = reader.text("service_tier", {"standard", "batch"}) == "batch";
  bool const us = reader.text("inference_geo", {"global", "not_available", "us"}) == "us";
  reader.text("speed", {"standard"});
  reader.refuse_other_iterations();
  if (!reader.sound())
    return std::nullopt;

  token_rates const* rates = prices;
  if (prices->long_context && input + write_5m + write_1h + read > prices->long_context->above)
    rates = &*prices->long_context;
  checked_sum sum;
  sum.add(input, rates->input);
  sum.add(output, rates->output);
  sum.add(write_5m, rates->cache_write_5m);
  sum.add(write_1h, rates->cache_write_1h);
  sum.add(read, rates->cache_read);
  std::uint64_t const batch_percent = batch ? prices->batch_percent : 100;
  std::uint64_t const us_percent = us ? prices->us_percent : 100;
  sum.scale(batch_percent * us_percent, 100 * 100);
  sum.add(searches, web_search);
  return sum.total();
}

bool price_table::operator==(price_table const& other) const noexcept {
  return rows_ == other.rows_ || std::ranges::equal(rows(), other.rows());
}

std::span<price_table::row const> price_table::rows() const noexcept {
  return rows_ ? std::span<row const>(*rows_) : std::span<row const>();
}

price_table::row const* price_table::find_row(std::string_view model) const noexcept {
  auto const all = rows();
  auto const found =
      std::ranges::lower_bound(all, model, {}, [](row const& each) -> std::string_view { return each.model; });
  return found != all.end() && found->model == model ? &*found : nullptr;
}

} // namespace claudio
