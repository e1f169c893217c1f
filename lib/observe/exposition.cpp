#include "observe/exposition.hpp"

namespace claudio {
namespace {

void append_escaped(std::string& to, std::string_view value) {
  for (char const c : value) {
    if (c == '\\' || c == '"')
      to += '\\';
    if (c == '\n')
      to += "\\n";
    else
      to += c;
  }
}

} // namespace

void exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  for (auto const& [keyword, text] : {std::pair(" HELP ", help), std::pair(" TYPE ", type)}) {
    text_ += '#';
    text_ += keyword;
    text_ += name_;
    text_ += ' ';
    text_ += text;
    text_ += '\n';
  }
}

void exposition::sample(labels const& of, std::int64_t value) { write("", of, "", std::to_string(value)); }

void exposition::sample(labels const& of, std::string_view value) { write("", of, "", value); }

void exposition::histogram(labels const& of, std::span<std::int64_t const> bounds, std::span<std::int64_t const> counts,
                           std::int64_t sum, unsigned unit) {
  std::int64_t so_far = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    so_far += counts[i];
    write("_bucket", of, i < bounds.size() ? decimal(bounds[i], unit) : "+Inf", std::to_string(so_far));
  }
  write("_sum", of, "", decimal(sum, unit));
  write("_count", of, "", std::to_string(so_far));
}

void exposition::write(std::string_view suffix, labels const& of, std::string_view le, std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  auto const add = [&](std::string_view label, std::string_view of_label) {
    if (of_label.empty())
      return;
    text_ += separator;
    separator = ',';
    text_ += label;
    text_ += "=\"";
    append_escaped(text_, of_label);
    text_ += '"';
  };
  for (auto const& [label, of_label] : of)
    add(label, of_label);
  add("le", le);
  if (separator == ',')
    text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

std::string exposition::decimal(std::int64_t amount, unsigned places) {
  bool const negative = amount < 0;
  auto digits = std::to_string(negative ? -amount : amount);
  if (digits.size() <= places)
    digits.insert(0, places + 1 - digits.size(), '0');
  digits.insert(digits.size() - places, ".");
  while (digits.back() == '0')
    digits.pop_back();
  if (digits.back() == '.')
    digits.pop_back();
  return negative ? "-" + digits : digits;
}

} // namespace claudio
