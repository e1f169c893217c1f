#pragma once

#include "support/call.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace claudio::test {

// A Messages answer that calls tools: {name, input} each, with the ids t1, t2, …
inline testing::reply calls(std::vector<std::pair<std::string, std::string>> const& tools) {
  std::string blocks;
  for (auto const& [name, input] : tools) {
    auto const number = std::to_string(1 + std::count(blocks.begin(), blocks.end(), '}') / 2);
    blocks += std::string(blocks.empty() ? "" : ",") + R"({"type":"tool_use","id":"t)" + number + R"(","name":")" +
              name + R"(","input":)" + input + "}";
  }
  return testing::reply::status(
      200, R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[)" + blocks +
               R"(],"stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":5}})");
}

inline boost::asio::awaitable<void> wait(std::chrono::milliseconds time) {
  auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor, time);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

inline boost::json::object city_schema() {
  return {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}};
}

// Two tools: one waits, longer for "slow", the other answers at once.
inline toolbox weather_tools() {
  using boost::json::object;
  toolbox tools;
  tools.add("weather", "The weather in a city.", city_schema(),
            [](object const& arguments) -> boost::asio::awaitable<result<std::string>> {
              std::string const city(arguments.at("city").as_string());
              auto waiting = wait(city == "slow" ? std::chrono::milliseconds(20) : std::chrono::milliseconds(1));
              co_await std::move(waiting);
              co_return "sunny in " + city;
            });
  tools.add("time", "", object(), [](object) { return object{{"hour", 12}}; });
  return tools;
}

} // namespace claudio::test
