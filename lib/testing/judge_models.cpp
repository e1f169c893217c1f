#include "testing/judge_rules.hpp"
#include "testing/messages_api.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>

namespace claudio::testing {
namespace json = boost::json;

namespace {

json::object model_object(catalogue_entry const& entry) {
  json::object model;
  model.emplace("type", "model");
  model.emplace("id", json::string_view(entry.name));
  model.emplace("display_name", json::string_view(entry.name));
  model.emplace("created_at", "2026-01-01T00:00:00Z");
  model.emplace("max_input_tokens", entry.capabilities.context_tokens);
  model.emplace("max_tokens", entry.capabilities.max_output_tokens);
  bool const retired = entry.capabilities.lifecycle == model_lifecycle::retired;
  bool const deprecated = entry.capabilities.lifecycle == model_lifecycle::deprecated;
  model.emplace("lifecycle", retired ? "retired" : deprecated ? "deprecated" : "active");
  auto& retires = model.emplace("retires_at", nullptr).first->value();
  if (!entry.end_of_life.empty())
    retires = std::string(entry.end_of_life) + "T00:00:00Z";
  return model;
}

// The value of `name` in a query string; no percent-decoding, since model ids and numbers need none.
std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto const item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (item.starts_with(name) && item.substr(name.size()).starts_with('='))
      return item.substr(name.size() + 1);
  }
  return {};
}

reply list_models(std::string_view query) {
  std::size_t limit = 20;
  if (auto const given = query_value(query, "limit"); !given.empty()) {
    auto const [end, failure] = std::from_chars(given.data(), given.data() + given.size(), limit);
    if (failure != std::errc{} || end != given.data() + given.size() || limit < 1 || limit > 1000)
      return reply::status(400, error_body(400, "limit: Input should be an integer from 1 to 1000", 0));
  }
  auto const all = model_catalogue();
  auto const position = [&](std::string_view id) {
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](catalogue_entry const& entry) { return entry.name == id; }) -
        all.begin());
  };
  std::size_t begin = 0;
  std::size_t end = all.size();
  if (auto const after = query_value(query, "after_id"); !after.empty())
    begin = std::min(position(after) + 1, all.size());
  if (auto const before = query_value(query, "before_id"); !before.empty()) {
    end = position(before);
    begin = end - std::min(limit, end);
  }
  bool const backwards = !query_value(query, "before_id").empty();
  std::size_t const last = std::min(end, begin + limit);
  json::array data;
  for (std::size_t i = begin; i < last; ++i)
    data.emplace_back(model_object(all[i]));
  json::object page;
  page.emplace("has_more", backwards ? begin > 0 : last < all.size());
  page.emplace("first_id", data.empty() ? json::value(nullptr) : data.front().at("id"));
  page.emplace("last_id", data.empty() ? json::value(nullptr) : data.back().at("id"));
  page.emplace("data", std::move(data));
  return reply::status(200, json::serialize(page));
}

} // namespace

reply answer_get(std::string_view path, std::string_view query) {
  if (path == "/v1/models")
    return list_models(query);
  constexpr std::string_view prefix = "/v1/models/";
  if (path.starts_with(prefix)) {
    auto const name = path.substr(prefix.size());
    for (auto const& entry : model_catalogue())
      if (entry.name == name)
        return reply::status(200, json::serialize(model_object(entry)));
    return reply::status(404, error_body(404, "model: " + std::string(name), 0));
  }
  return reply::status(404);
}

} // namespace claudio::testing
