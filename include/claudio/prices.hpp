#pragma once

#include <claudio/cost.hpp>
#include <claudio/error.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// Picodollars a token.
class token_rates {
public:
  token_rates() = default;

  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t cache_write_5m = 0;
  std::int64_t cache_write_1h = 0;
  std::int64_t cache_read = 0;

  bool operator==(token_rates const&) const = default;
};

/// What all tokens of a call cost whose prompt is long.
class long_context_rates : public token_rates {
public:
  long_context_rates() = default;

  std::uint64_t above = 0; ///< input tokens, those written to and read from the cache included

  bool operator==(long_context_rates const&) const = default;
};

/// What the tokens of a model cost.
class token_prices : public token_rates {
public:
  token_prices() = default;

  std::uint32_t batch_percent = 50; ///< of these prices, where `service_tier` is "batch"
  std::uint32_t us_percent = 100;   ///< of these prices, where `inference_geo` is "us"
  std::optional<long_context_rates> long_context;

  bool operator==(token_prices const&) const = default;
};

/// Prices by model. Copies share their rows and so are cheap; what is set in one is not seen in others.
/// Thread safety: as a value; distinct copies may be used concurrently.
class price_table {
public:
  price_table() = default;

  /// Anthropic's list prices as of November 2026. Source: https://platform.claude.com/docs/en/about-claude/pricing
  static price_table const& published();

  /// The published prices with `overrides` on top: by model, dollars per million tokens, as `docs/cost.md` says.
  /// Errors: `errc::configuration`; the message begins with the field's path below `path`, as does `param()`.
  static result<price_table> parse(boost::json::object const& overrides, std::string const& path = "prices");

  /// Sets what the tokens of a model cost; nothing: that it is not known.
  void set(std::string model, std::optional<token_prices> prices);

  /// The prices of exactly this name, else those of the name without its date (`-20251101`); null where none are known.
  /// Valid until the table is changed or gone. Allocates nothing.
  token_prices const* find(std::string_view model) const noexcept;

  /// The cost of one call by the `usage` object of its answer; nothing where a price is not known, which is also so for
  /// a tier, speed or place that has none here, and for counts that can't be. Members that are null or absent count
  /// nothing. Allocates nothing.
  std::optional<cost> cost_of(std::string_view model, boost::json::object const& usage) const noexcept;

  bool operator==(price_table const& other) const noexcept;

private:
  class row {
  public:
    row() = default;

    std::string model;
    std::optional<token_prices> prices;

    bool operator==(row const&) const = default;
  };

  std::span<row const> rows() const noexcept;
  row const* find_row(std::string_view model) const noexcept;

  std::shared_ptr<std::vector<row> const> rows_; // by name; never changed, since copies share them
};

} // namespace claudio
