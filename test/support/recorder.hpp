#pragma once

#include "support/test.hpp"

#include <claudio/observer.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace claudio {

inline bool operator==(endpoint_info const& one, endpoint_info const& other) {
  return one.provider == other.provider && one.server_address == other.server_address &&
         one.server_port == other.server_port;
}

} // namespace claudio

namespace claudio::test {

/// What one call has told.
class told_call {
public:
  told_call() = default;

  std::string model;
  bool streams = false;
  bool ended = false;
  errc outcome = errc::none;
  bool answered = false; ///< all of an answer or a part of it was there
  call_info info;
  std::vector<std::string> attempts; ///< "1 overloaded again", "2 ok"
  std::vector<std::string> waits;    ///< "session granted", "pacing refused"
  std::optional<stream_event> stream;
};

/// Writes down all that it is told, and checks what holds for every call: it begins once, ends once, and tells nothing
/// before and after.
class recorder final : public observer {
public:
  void call_begun(observed_call const& call) noexcept override {
    note("begun");
    told_call made;
    made.model = call.model;
    made.streams = call.streams;
    BOOST_TEST(calls.emplace(call.number, made).second, "call " << call.number << " has begun twice");
    BOOST_TEST(call.endpoint);
  }
  void call_ended(call_event const& event) noexcept override {
    note("ended");
    auto& call = running(event.call->number);
    call.ended = true;
    call.info = *event.info;
    call.outcome = event.failure ? event.failure->code() : errc::none;
    call.answered = event.answer != nullptr;
    BOOST_TEST((event.failure || event.answer));
  }
  void attempt_ended(attempt_event const& event) noexcept override {
    note("attempt");
    auto const& attempt = *event.attempt;
    auto const outcome = attempt.failure ? std::string(to_string(attempt.failure->code())) : "ok";
    running(event.call->number)
        .attempts.push_back(std::to_string(attempt.number) + " " + outcome + (attempt.retry_in ? " again" : ""));
    auto const now = std::chrono::steady_clock::now();
    BOOST_TEST((!event.begun || (*event.begun >= event.call->begun && *event.begun <= now)));
  }
  void stream_ended(stream_event const& event) noexcept override {
    note("stream");
    auto& call = running(event.call->number);
    BOOST_TEST(call.streams);
    BOOST_TEST(!call.stream);
    call.stream = event;
    BOOST_TEST((event.first_chunk.has_value() == (event.chunks > 0)));
    if (event.first_chunk)
      BOOST_TEST((event.first_chunk->count() > 0 && *event.first_chunk < std::chrono::minutes(10)));
    std::uint64_t intervals = 0;
    for (auto const count : event.intervals.counts)
      intervals += count;
    BOOST_TEST(intervals == event.chunks - (event.chunks > 0 ? 1 : 0));
    BOOST_TEST(event.intervals.sum.count() >= 0);
  }
  void waited(wait_event const& event) noexcept override {
    note("waited");
    constexpr std::array<char const*, 3> names{"pacing", "session", "handshake"};
    running(event.call)
        .waits.push_back(std::string(names[static_cast<std::size_t>(event.reason)]) +
                         (event.granted ? " granted" : " refused"));
    BOOST_TEST(event.duration.count() >= 0);
  }
  void session_opened(session_event const& event) noexcept override {
    note("opened");
    handshakes.emplace_back(to_string(event.handshake));
  }
  void session_closed(session_event const& event) noexcept override {
    note("closed");
    closed.push_back(std::string(to_string(event.end)) + " " + std::to_string(event.requests));
    BOOST_TEST((event.age.count() > 0));
  }
  void pool_changed(pool_event const& event) noexcept override {
    note("pool");
    BOOST_TEST((event.before == level));
    BOOST_TEST((event.before != event.now));
    BOOST_TEST(event.now.idle <= event.now.open);
    level = event.now;
  }
  void pacing_changed(pacing_event const& event) noexcept override {
    note("pacing");
    BOOST_TEST(!event.model.empty());
    ++pacing;
  }
  void breaker_changed(breaker_event const& event) noexcept override {
    note("breaker");
    bool const opened = event.state == breaker_state::open;
    BOOST_TEST(opened == (event.failure != nullptr));
    BOOST_TEST(opened == (event.open_for.count() > 0));
    changes.emplace_back(event.gone ? "breaker gone" : opened ? "breaker open" : "breaker closed");
  }
  void key_changed(key_event const& event) noexcept override {
    note("key");
    changes.push_back("key " + std::to_string(event.key) +
                      (event.gone      ? " gone"
                       : event.failure ? " set aside"
                                       : " restored"));
  }
  void fell_back(fallback_event const& event) noexcept override {
    note("fallback");
    changes.push_back(std::string(event.failed) + " to " + std::string(event.next) + " after " +
                      std::string(to_string(event.failure->code())));
  }

  /// The only one.
  told_call const& call() const {
    BOOST_REQUIRE(calls.size() == 1u);
    return calls.begin()->second;
  }
  /// Whether all calls and sessions that have begun are over.
  void check_over() const {
    for (auto const& [number, call] : calls)
      BOOST_TEST(call.ended, "call " << number << " has not ended");
    BOOST_TEST(handshakes.size() == closed.size());
    BOOST_TEST((level == pool_level()));
  }

  std::map<std::uint64_t, told_call> calls; ///< by their number
  std::vector<std::string> handshakes;      ///< of the sessions opened
  std::vector<std::string> closed;          ///< "surplus 3": the reason, and how many requests it carried
  std::vector<std::string> changes;         ///< of breaker, keys and models
  pool_level level;
  std::size_t pacing = 0;
  std::vector<std::string> order; ///< of all events
  std::vector<std::thread::id> threads;

private:
  void note(char const* event) {
    order.emplace_back(event);
    threads.push_back(std::this_thread::get_id());
  }
  told_call& running(std::uint64_t number) {
    auto const found = calls.find(number);
    BOOST_TEST((found != calls.end() && !found->second.ended), "call " << number << " is not running");
    return calls[number];
  }
};

} // namespace claudio::test
