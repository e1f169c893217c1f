#include "core/printable.hpp"

#include <claudio/models.hpp>

#include <algorithm>
#include <array>
#include <numeric>

namespace claudio {
namespace {

bool is_snapshot_date(std::string_view text) {
  return text.size() == 8 && text.starts_with("20") &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A name without what tells one snapshot of a model from another: "claude-opus-4" of "claude-opus-4-20250514",
// "claude-opus-4-0" and "claude-opus-4-latest". Google Cloud writes the date after an @.
std::string_view without_snapshot(std::string_view name) {
  constexpr std::string_view latest = "-latest";
  if (name.ends_with(latest))
    name.remove_suffix(latest.size());
  else if (auto const end = name.find_last_of("-@");
           end != std::string_view::npos && is_snapshot_date(name.substr(end + 1)))
    name = name.substr(0, end);
  if (name.ends_with("-0"))
    name.remove_suffix(2);
  return name;
}

constexpr std::array<std::string_view, 5> model_lines{"opus", "sonnet", "haiku", "mythos", "fable"};

std::string_view line_of(std::string_view name) {
  for (auto const line : model_lines)
    if (name.find(line) != std::string_view::npos)
      return line;
  return name.find("instant") == std::string_view::npos ? "sonnet" : "haiku";
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string quoted(std::string_view name) { return "\"" + printable_line(name) + "\""; }

std::string unknown_name(std::string_view name) {
  std::vector<std::string> active;
  for (auto const& entry : model_catalogue())
    if (entry.capabilities.lifecycle != model_lifecycle::retired)
      active.emplace_back(entry.name);
  // No name is that long: a comparison with all of it would only take time.
  constexpr std::size_t longest = 64;
  auto const near = name.size() <= longest ? nearest_name(name, active) : std::nullopt;
  return quoted(name.substr(0, longest)) + " is not in the catalogue" +
         (near ? "; did you mean " + quoted(*near) + "?" : std::string());
}

} // namespace

catalogue_entry const* find_catalogue_entry(std::string_view name) noexcept {
  auto const all = model_catalogue();
  auto const exact =
      std::find_if(all.begin(), all.end(), [&](catalogue_entry const& entry) { return entry.name == name; });
  if (exact != all.end())
    return &*exact;
  auto const wanted = without_snapshot(name);
  auto const alias = std::find_if(all.begin(), all.end(),
                                  [&](catalogue_entry const& entry) { return without_snapshot(entry.name) == wanted; });
  return alias != all.end() ? &*alias : nullptr;
}

std::string_view successor_of(std::string_view name) noexcept {
  auto const line = line_of(name);
  for (auto const& entry : model_catalogue())
    if (entry.capabilities.lifecycle == model_lifecycle::active && entry.name.find(line) != std::string_view::npos)
      return entry.name;
  return model_catalogue().front().name;
}

std::string model_advice(std::string_view name) {
  auto const* const entry = find_catalogue_entry(name);
  if (!entry)
    return unknown_name(name);
  std::string const day(entry->end_of_life);
  std::string const use = "; use " + quoted(successor_of(name));
  switch (entry->capabilities.lifecycle) {
  case model_lifecycle::active:
    return std::string();
  case model_lifecycle::deprecated:
    return quoted(name) + " is deprecated, and its end of life is " + day + use;
  case model_lifecycle::retired:
    return quoted(name) + " is retired since " + day + use;
  }
  return std::string();
}

std::optional<std::string> nearest_name(std::string_view name, std::vector<std::string> const& names) {
  std::optional<std::string> nearest;
  std::size_t best = std::max<std::size_t>(name.size() / 3, 2) + 1;
  for (auto const& candidate : names) {
    // A name without its date is the likeliest slip, and far away in letters.
    std::size_t const distance = !name.empty() && candidate.starts_with(name) ? 1 : edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

} // namespace claudio
