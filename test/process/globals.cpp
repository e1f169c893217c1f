#include "process/globals.hpp"

#include <claudio/testing/fake_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace asio = boost::asio;
using namespace claudio;

namespace {

configuration configuration_of(provider_options const& options) {
  configuration made;
  provider_configuration provider;
  provider.name = "p";
  provider.options = options;
  made.providers.push_back(provider);
  model_configuration model;
  model.name = "claude-sonnet-4-6";
  model.provider_name = "p";
  made.models.push_back(model);
  return made;
}

} // namespace

holder::holder(provider_options const& options)
    : metrics_(std::make_shared<metrics>()), traces_(trace_file::open("/dev/null").value()),
      endpoint_(client::make(context_.get_executor(), options, serial, observe_with({metrics_, traces_})).value()),
      manager_(context_.get_executor(), configuration_of(options), serial, metrics_) {}

bool holder::use() {
  bool done = false;
  auto work = [&]() -> asio::awaitable<void> {
    auto found = manager_.get_model_instance("claude-sonnet-4-6");
    if (!found)
      co_return;
    model_ = *found;
    auto answer = co_await model_.invoke(chat_request().user("Hello!").max_tokens(5));
    if (!answer)
      co_return;
    answer_ = *answer;
    auto const request = message_request().model("claude-sonnet-4-6").user("Hello!").max_tokens(5);
    auto opened = co_await endpoint_.stream(request);
    if (!opened)
      co_return;
    stream_.emplace(std::move(*opened));
    auto const event = co_await stream_->next();
    done = event.has_value();
  };
  asio::co_spawn(context_, work(), asio::detached);
  context_.run();
  return done;
}

namespace {

// With the server that it calls; destroyed in the reverse order.
class early {
public:
  early() : held(server.provider()) {}

  testing::fake_server server;
  holder held;
};

early global;

} // namespace

holder& early_holder() { return global.held; }
