#pragma once

#include <claudio/claudio.hpp>
#include <claudio/metrics.hpp>
#include <claudio/trace_file.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>

/// What a program may hold until its end: a client and a manager that have been used, observers, an answer and a stream
/// in the middle.
class holder {
public:
  explicit holder(claudio::provider_options const& options);
  holder(holder const&) = delete;
  holder& operator=(holder const&) = delete;
  ~holder() = default;

  /// Makes calls. False: one failed.
  bool use();

private:
  boost::asio::io_context context_;
  std::shared_ptr<claudio::metrics> metrics_;
  std::shared_ptr<claudio::trace_file> traces_;
  claudio::client endpoint_;
  claudio::model_manager manager_;
  claudio::model model_;
  claudio::chat_response answer_;
  std::optional<claudio::message_stream> stream_;
};

/// Made before `main()`, and before anything was logged.
holder& early_holder();
