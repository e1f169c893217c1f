#include "async/as_result.hpp"
#include "call/open_source.hpp"
#include "runtime/chat_call.hpp"
#include "runtime/model_state.hpp"

#include <claudio/model.hpp>

#include <iterator>
#include <utility>

namespace claudio {
namespace asio = boost::asio;

namespace {

error no_route(model_routes const* routes) {
  return routes
             ? *routes->fault
             : error(errc::configuration, "an empty claudio::model; get one from model_manager::get_model_instance()");
}

asio::awaitable<result<boost::json::object>> unsupported(std::string message) {
  co_return error(errc::unsupported, std::move(message));
}

} // namespace

model_route::model_route(fallback_route given) : fallback_route(std::move(given)) {
  if (!target.capabilities)
    target.capabilities = capabilities_of(target.model);
  if (target.capabilities->lifecycle == model_lifecycle::retired)
    if (auto advice = model_advice(target.model); !advice.empty())
      warn(std::move(advice));
}

model::model(client endpoint, translation_target target, std::vector<fallback_route> fallbacks)
    : model(make_state(std::move(endpoint), std::move(target), std::move(fallbacks))) {}

std::shared_ptr<model::state> model::make_state(client endpoint, translation_target target,
                                                std::vector<fallback_route> fallbacks) {
  auto const routes = std::make_shared<model_routes>();
  auto name = target.model;
  fallback_route first;
  first.endpoint = std::move(endpoint);
  first.target = std::move(target);
  routes->all.emplace_back(std::move(first));
  for (auto& fallback : fallbacks)
    routes->all.emplace_back(std::move(fallback));
  return std::make_shared<state>(std::move(name), routes);
}

std::shared_ptr<model_routes const> model::routes() const { return state_ ? state_->routes() : nullptr; }

asio::awaitable<result<chat_response>> model::invoke(chat_request request, call_options options) const {
  return run(routes(), std::move(request), std::move(options));
}

// Translation runs on the caller's executor, so that callers on many threads share its cost.
asio::awaitable<result<chat_response>> model::run(std::shared_ptr<model_routes const> routes, chat_request request,
                                                  call_options options) {
  if (!routes || routes->fault)
    co_return no_route(routes.get());
  chat_call call(routes->all, options);
  if (auto const begun = call.begin(std::move(request), false); !begun)
    co_return begun.error();
  try {
    while (true) {
      auto creating = call.endpoint().create(call.take_request(), call.take_options());
      auto answer = co_await std::move(creating);
      if (answer)
        co_return call.finish(std::move(*answer));
      if (!call.fall_back(answer.error()))
        co_return call.failure();
    }
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return call.cancelled();
}

asio::awaitable<result<chat_stream>> model::stream(chat_request request, call_options options) const {
  return run_stream(routes(), std::move(request), std::move(options));
}

asio::awaitable<result<chat_stream>> model::run_stream(std::shared_ptr<model_routes const> routes, chat_request request,
                                                       call_options options) {
  if (!routes || routes->fault)
    co_return no_route(routes.get());
  chat_call call(routes->all, options);
  if (auto const begun = call.begin(std::move(request), true); !begun)
    co_return begun.error();
  try {
    while (true) {
      auto opening = detail::open_source(call.endpoint(), call.take_request(), call.take_options());
      auto source = co_await std::move(opening);
      if (source)
        co_return call.finish(std::move(*source));
      if (!call.fall_back(source.error()))
        co_return call.failure();
    }
  } catch (boost::system::system_error const& thrown) {
    rethrow_unless_cancelled(thrown);
  }
  co_return call.cancelled();
}

asio::awaitable<result<boost::json::object>> model::embed(boost::json::object) const {
  return unsupported("Anthropic offers no embeddings API; use another provider for embeddings");
}

asio::awaitable<result<boost::json::object>> model::rerank(boost::json::object) const {
  return unsupported("Anthropic offers no reranking API; use another provider for reranking");
}

std::string const& model::name() const noexcept {
  static auto const* const none = new std::string;
  return state_ ? state_->name : *none;
}

client model::endpoint() const {
  auto const current = routes();
  return current && !current->fault ? current->all.front().endpoint : client();
}

} // namespace claudio
