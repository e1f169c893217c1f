#pragma once

#include "testing/rate_limits.hpp"
#include "testing/reply_writer.hpp"

#include <claudio/testing/fake_server.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace claudio::testing {

/// Replies to requests by the script, or by whoever decides, or as the API would; and keeps the requests. Thread
/// safety: `respond` is called by one thread at a time, the others by any.
class responder {
public:
  explicit responder(fake_server_options const& options) : options_(options), limits_(options.limits) {}

  void script(std::vector<reply> replies);
  void clear_script();
  void on_request(std::function<reply(received_request const&)> decide);
  std::vector<received_request> requests() const;

  reply_writer respond(received_request const& request);

private:
  reply judge_and_limit(received_request const& request, std::uint64_t number,
                        std::chrono::system_clock::time_point date);

  fake_server_options const options_;
  enforced_limits limits_;
  mutable std::mutex mutex_; // of what follows
  std::deque<reply> script_;
  std::function<reply(received_request const&)> decide_;
  std::vector<received_request> received_;
  std::uint64_t count_ = 0;
};

} // namespace claudio::testing
