#include "testing/responder.hpp"

#include "testing/limit_reply.hpp"

#include <iterator>

namespace claudio::testing {

void responder::script(std::vector<reply> replies) {
  std::lock_guard const lock(mutex_);
  std::move(replies.begin(), replies.end(), std::back_inserter(script_));
}

void responder::clear_script() {
  std::lock_guard const lock(mutex_);
  script_.clear();
}

void responder::on_request(std::function<reply(received_request const&)> decide) {
  std::lock_guard const lock(mutex_);
  decide_ = std::move(decide);
}

std::vector<received_request> responder::requests() const {
  std::lock_guard const lock(mutex_);
  return received_;
}

reply_writer responder::respond(received_request const& request) {
  std::uint64_t number = 0;
  std::optional<reply> scripted;
  std::function<reply(received_request const&)> decide;
  {
    std::lock_guard const lock(mutex_);
    number = ++count_;
    if (received_.size() < options_.keep_requests)
      received_.push_back(request);
    if (!script_.empty()) {
      scripted = std::move(script_.front());
      script_.pop_front();
    }
    decide = decide_;
  }
  auto const date = std::chrono::system_clock::now();
  if (!scripted)
    scripted = decide ? decide(request) : judge_and_limit(request, number, date);
  return reply_writer(*scripted, request, number, std::chrono::floor<std::chrono::seconds>(date));
}

reply responder::judge_and_limit(received_request const& request, std::uint64_t number,
                                 std::chrono::system_clock::time_point date) {
  auto made = judge(request, options_.api_key);
  if (limits_.any())
    made = limit_reply(limits_, std::move(made), request, number, std::chrono::steady_clock::now(), date);
  made.delay(options_.latency).pace(options_.pace);
  return made;
}

} // namespace claudio::testing
