#pragma once

#include "support/test.hpp"

#include <claudio/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

/// What tests put into stores, and operations that go on beside others.
namespace claudio::test {

inline boost::json::object a_provider(std::string const& name, std::string const& key) {
  auto document = json(R"({"provider_type":"anthropic","provider_config":{}})").as_object();
  document["name"] = name;
  document["provider_config"].as_object()["api_key"] = key;
  return document;
}

inline boost::json::object a_model(std::string const& name, std::string const& provider_name) {
  auto document = json(R"({"type":"LLM"})").as_object();
  document["name"] = name;
  document["provider_name"] = provider_name;
  return document;
}

inline std::string key_of(std::size_t number) { return "sk-ant-api03-secret-number-" + std::to_string(1000 + number); }

/// So many providers, p0 and on, each with its key and a model, m0 and on.
inline boost::json::object configuration_of(std::size_t count) {
  boost::json::array providers;
  boost::json::array models;
  for (std::size_t i = 0; i < count; ++i) {
    providers.push_back(a_provider("p" + std::to_string(i), key_of(i)));
    models.push_back(a_model("m" + std::to_string(i), "p" + std::to_string(i)));
  }
  boost::json::object config;
  config["providers"] = std::move(providers);
  config["models"] = std::move(models);
  return config;
}

/// An operation that goes on meanwhile.
template <class T>
class running {
public:
  running(boost::asio::io_context& context, boost::asio::awaitable<result<T>> work) {
    auto ended = [this](std::exception_ptr failure, result<T> got) {
      BOOST_TEST(!failure);
      outcome_.emplace(std::move(got));
    };
    boost::asio::co_spawn(context, std::move(work), boost::asio::bind_cancellation_slot(signal_.slot(), ended));
  }
  running(running const&) = delete;
  running& operator=(running const&) = delete;

  void cancel() { signal_.emit(boost::asio::cancellation_type::terminal); }
  bool has_ended() const { return outcome_.has_value(); }
  result<T> const& outcome() const {
    BOOST_REQUIRE(outcome_.has_value());
    return *outcome_;
  }

private:
  boost::asio::cancellation_signal signal_;
  std::optional<result<T>> outcome_;
};

/// Lets a context's timer tick so often. With an operation that blocked the event loop it would end before.
inline void tick(boost::asio::io_context& context, int times) {
  boost::asio::steady_timer timer(context);
  int left = times;
  std::function<void(boost::system::error_code)> const next = [&](boost::system::error_code failure) {
    if (failure || --left == 0)
      return;
    timer.expires_after(std::chrono::milliseconds(1));
    timer.async_wait(next);
  };
  timer.expires_after(std::chrono::milliseconds(1));
  timer.async_wait(next);
  context.restart();
  while (left > 0)
    context.run_one();
}

inline void finish(boost::asio::io_context& context) {
  context.restart();
  context.run();
}

/// Runs so many handlers of a context, or fewer when an operation has ended before.
template <class T>
void run_handlers(boost::asio::io_context& context, std::size_t count, running<T> const& operation) {
  context.restart();
  for (std::size_t step = 0; step < count && !operation.has_ended(); ++step)
    context.run_one();
}

} // namespace claudio::test
