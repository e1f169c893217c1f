#pragma once

#include "call/answer_source.hpp"
#include "policy/fallback_plan.hpp"
#include "runtime/model_state.hpp"

#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/error.hpp>
#include <claudio/message.hpp>
#include <claudio/model.hpp>
#include <claudio/stream.hpp>
#include <claudio/translate.hpp>

#include <memory>
#include <string>
#include <vector>

namespace claudio {

/// One call in OpenAI's format on its way from the model through its fallbacks: what is sent to whom, and what the
/// answer becomes. Its coroutine does the sending.
class chat_call {
public:
  /// Both stay where they are: in the model, and in the frame of the call.
  chat_call(std::vector<model_route> const& routes, call_options& options)
      : routes_(routes), route_(&routes.front()), options_(options) {}

  /// Translates for the model itself. A refusal is told to the observers.
  result<void> begin(chat_request request, bool streams);

  client const& endpoint() const noexcept { return route_->endpoint; }
  /// These two are to be taken once for each model.
  message_request take_request() noexcept { return std::move(translated_.request); }
  call_options take_options() noexcept { return std::move(options_); }

  /// Turns to the next model that stands in for a failure of this kind and takes the request, if time is left.
  bool fall_back(error const& failure);
  /// The last model's failure, as that of the whole call.
  error failure() const;
  /// The error of a call that the caller cancelled.
  error cancelled() const;

  chat_response finish(message answer);
  chat_stream finish(std::shared_ptr<detail::answer_source> source);

private:
  // What only a call with fallbacks needs.
  class reserve {
  public:
    reserve(chat_request asked, call_options given, fallback_plan planned)
        : request(std::move(asked)), options(std::move(given)), plan(std::move(planned)) {}

    chat_request request;
    call_options options;
    fallback_plan plan;
  };

  void plan_fallbacks(chat_request const& request);
  result<void> prepare(chat_request request);
  result<void> prepare_again(std::chrono::milliseconds left);
  void keep_back_credentials();
  std::vector<std::string> warnings();

  std::vector<model_route> const& routes_;
  model_route const* route_;
  call_options& options_;
  translated_request translated_;
  std::unique_ptr<reserve> reserve_;
  error failure_;
  bool warns_of_length_ = false;
};

} // namespace claudio
