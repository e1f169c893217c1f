#include "core/wire_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace claudio {
namespace {

using std::chrono::sys_seconds;

// Takes the fields of a time from the front of a text; once one is missing, none is there.
class field_reader {
public:
  explicit field_reader(std::string_view text) noexcept : rest_(text) {}

  int number(std::size_t digits) noexcept {
    int value = 0;
    auto const field = take(digits);
    auto const [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (failure != std::errc{} || end != field.data() + field.size() || value < 0)
      failed_ = true;
    return value;
  }
  void literal(std::string_view expected) noexcept {
    if (take(expected.size()) != expected)
      failed_ = true;
  }
  std::string_view take(std::size_t size) noexcept {
    if (rest_.size() < size)
      failed_ = true;
    auto const taken = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() const noexcept { return rest_; }
  bool failed() const noexcept { return failed_; }

private:
  std::string_view rest_;
  bool failed_ = false;
};

std::chrono::seconds read_time_of_day(field_reader& reader) noexcept {
  int const hours = reader.number(2);
  reader.literal(":");
  int const minutes = reader.number(2);
  reader.literal(":");
  int const seconds = reader.number(2);
  return std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

std::optional<sys_seconds> put_together(int year, unsigned month, int day, std::chrono::seconds time_of_day) noexcept {
  std::chrono::year_month_day const date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || time_of_day > std::chrono::days(1))
    return std::nullopt;
  return std::chrono::sys_days(date) + time_of_day;
}

} // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  field_reader reader(text);
  reader.take(3); // the day of the week
  reader.literal(", ");
  int const day = reader.number(2);
  reader.literal(" ");
  auto const month = std::find(months.begin(), months.end(), reader.take(3));
  reader.literal(" ");
  int const year = reader.number(4);
  reader.literal(" ");
  auto const time_of_day = read_time_of_day(reader);
  reader.literal(" GMT");
  if (reader.failed() || !reader.rest().empty() || month == months.end())
    return std::nullopt;
  return put_together(year, static_cast<unsigned>(month - months.begin()) + 1, day, time_of_day);
}

std::optional<sys_seconds> parse_rfc3339(std::string_view text) noexcept {
  field_reader reader(text);
  int const year = reader.number(4);
  reader.literal("-");
  int const month = reader.number(2);
  reader.literal("-");
  int const day = reader.number(2);
  auto const separator = reader.take(1);
  auto const time_of_day = read_time_of_day(reader);
  if (reader.failed() || (separator != "T" && separator != "t" && separator != " "))
    return std::nullopt;
  auto rest = reader.rest();
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    auto const digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos)
      return std::nullopt;
    rest.remove_prefix(digits);
  }
  auto const time = put_together(year, static_cast<unsigned>(month), day, time_of_day);
  if (rest == "Z" || rest == "z")
    return time;
  bool const ahead = rest.starts_with('+');
  if (!time || (!ahead && !rest.starts_with('-')))
    return std::nullopt;
  field_reader offset(rest.substr(1));
  auto const hours = std::chrono::hours(offset.number(2));
  offset.literal(":");
  auto const difference = hours + std::chrono::minutes(offset.number(2));
  if (offset.failed() || !offset.rest().empty())
    return std::nullopt;
  return ahead ? *time - difference : *time + difference;
}

} // namespace claudio
