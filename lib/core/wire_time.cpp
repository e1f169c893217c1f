#include "core/wire_time.hpp"

#include <algorithm>
#include <array>

namespace claudio {
namespace {

using std::chrono::sys_seconds;

// Takes the fields of a time from the front of a text; once one is missing, none is there.
class field_reader {
public:
  explicit field_reader(std::string_view text) noexcept : rest_(text) {}

  int number(std::size_t digits) noexcept {
    int value = 0;
    for (char const digit : take(digits)) {
      if (digit < '0' || digit > '9')
        failed_ = true;
      value = 10 * value + (digit - '0');
    }
    return value;
  }
  // The position of the name that comes next in a list.
  template <std::size_t Size>
  unsigned name(std::array<std::string_view, Size> const& names) noexcept {
    for (unsigned i = 0; i < Size; ++i)
      if (rest_.starts_with(names[i])) {
        rest_.remove_prefix(names[i].size());
        return i;
      }
    failed_ = true;
    return 0;
  }
  bool skip(std::string_view expected) noexcept {
    bool const found = rest_.starts_with(expected);
    rest_.remove_prefix(found ? expected.size() : 0);
    return found;
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
  void fail() noexcept { failed_ = true; }
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
  // A leap second may be there (RFC 9110 5.6.7).
  if (hours > 23 || minutes > 59 || seconds > 60)
    reader.fail();
  return std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

std::optional<sys_seconds> put_together(int year, unsigned month, int day, std::chrono::seconds time_of_day) noexcept {
  std::chrono::year_month_day const date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok())
    return std::nullopt;
  return std::chrono::sys_days(date) + time_of_day;
}

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> rests_of_days{"day", "day", "sday", "nesday", "rsday", "day", "urday"};

// RFC 9110 5.6.7: what seems to be more than 50 years ahead is in the last year before with these digits.
std::optional<sys_seconds> put_together_by_digits(int digits, unsigned month, int day, std::chrono::seconds time_of_day,
                                                  sys_seconds now) noexcept {
  std::chrono::year_month_day const today(std::chrono::floor<std::chrono::days>(now));
  auto const latest = today + std::chrono::years(50);
  int const last_year = static_cast<int>(latest.year());
  int const year = last_year - ((last_year - digits) % 100 + 100) % 100;
  auto const time = put_together(year, month, day, time_of_day);
  auto const limit = std::chrono::sys_days(latest) + (now - std::chrono::floor<std::chrono::days>(now));
  return time && *time <= limit ? time : put_together(year - 100, month, day, time_of_day);
}

} // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text, sys_seconds now) noexcept {
  field_reader reader(text);
  auto const day_of_week = reader.name(days);
  int year = 0;
  unsigned month = 0;
  int day = 0;
  std::chrono::seconds time_of_day{0};
  bool is_obsolete = false;
  if (reader.skip(" ")) {
    month = reader.name(months);
    reader.literal(" ");
    day = reader.skip(" ") ? reader.number(1) : reader.number(2);
    reader.literal(" ");
    time_of_day = read_time_of_day(reader);
    reader.literal(" ");
    year = reader.number(4);
  } else {
    is_obsolete = !reader.failed() && reader.skip(rests_of_days[day_of_week]);
    std::string_view const separator = is_obsolete ? "-" : " ";
    reader.literal(", ");
    day = reader.number(2);
    reader.literal(separator);
    month = reader.name(months);
    reader.literal(separator);
    year = reader.number(is_obsolete ? 2 : 4);
    reader.literal(" ");
    time_of_day = read_time_of_day(reader);
    reader.literal(" GMT");
  }
  if (reader.failed() || !reader.rest().empty())
    return std::nullopt;
  return is_obsolete ? put_together_by_digits(year, month + 1, day, time_of_day, now)
                     : put_together(year, month + 1, day, time_of_day);
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
