#include "testing/dates.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace claudio::testing {

namespace {

constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string padded(long number, std::size_t width) {
  std::string const digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

std::string clock_time(std::chrono::sys_seconds time) {
  std::chrono::hh_mm_ss const clock(time - std::chrono::floor<std::chrono::days>(time));
  return padded(clock.hours().count(), 2) + ":" + padded(clock.minutes().count(), 2) + ":" +
         padded(clock.seconds().count(), 2);
}

} // namespace

// By hand: strftime asks the locale for the names.
std::string http_date(std::chrono::sys_seconds time) {
  auto const day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day const date(day);
  return std::string(weekdays[std::chrono::weekday(day).c_encoding()]) + ", " +
         padded(static_cast<unsigned>(date.day()), 2) + " " +
         std::string(months[static_cast<unsigned>(date.month()) - 1]) + " " + padded(static_cast<int>(date.year()), 4) +
         " " + clock_time(time) + " GMT";
}

std::string internet_timestamp(std::chrono::sys_seconds time) {
  std::chrono::year_month_day const date(std::chrono::floor<std::chrono::days>(time));
  return padded(static_cast<int>(date.year()), 4) + "-" + padded(static_cast<unsigned>(date.month()), 2) + "-" +
         padded(static_cast<unsigned>(date.day()), 2) + "T" + clock_time(time) + "Z";
}

} // namespace claudio::testing
