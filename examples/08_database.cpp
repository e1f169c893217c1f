// Providers, models and encrypted keys from a database, as `claudio provider` and `claudio model` make it:
//     example_08_database sqlite:claudio.db claudio.db.key
//     example_08_database postgresql://claudio@db.example.org/claudio claudio.key
#include <claudio/claudio.hpp>
#include <claudio/store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;

asio::awaitable<claudio::result<claudio::model_manager>> make_manager(std::string url, std::string key_file) {
  auto const executor = co_await asio::this_coro::executor;
  std::vector<claudio::key_source> const keys{claudio::key_source::file(key_file)};
  auto store = co_await claudio::store::open(executor, url, keys);
  if (!store)
    co_return store.error();
  auto config = co_await store->load();
  if (!config)
    co_return config.error();
  co_return claudio::model_manager(executor, std::move(*config), claudio::serial);
}

asio::awaitable<void> ask_all(std::string url, std::string key_file) {
  auto const manager = co_await make_manager(url, key_file);
  if (!manager) {
    std::cerr << manager.error() << "\n";
    co_return;
  }
  claudio::chat_request request;
  request.user("Hello!").max_tokens(100);
  for (auto const& name : manager->model_names()) {
    auto const model = manager->get_model_instance(name);
    if (!model) {
      std::cout << name << ": " << model.error() << "\n";
      continue;
    }
    auto const response = co_await model->invoke(request);
    std::cout << name << ": " << (response ? response->text() : response.error().to_string()) << "\n";
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " sqlite:PATH|postgresql://USER@HOST/DATABASE KEY-FILE\n";
    return 2;
  }
  asio::io_context context;
  asio::co_spawn(context, ask_all(argv[1], argv[2]), asio::detached);
  context.run();
}
