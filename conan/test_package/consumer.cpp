// One call through an installed claudio.
#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

int main() {
  claudio::testing::fake_server server;
  boost::asio::io_context context;
  auto endpoint = claudio::client::make(context.get_executor(), server.provider(), claudio::serial).value();
  claudio::message_request request;
  request.model("claude-sonnet-4-6").max_tokens(100).user("Hello!");
  int status = EXIT_FAILURE;
  boost::asio::co_spawn(context, endpoint.create(request),
                        [&](std::exception_ptr, claudio::result<claudio::message> answer) {
                          if (answer)
                            status = EXIT_SUCCESS;
                          std::cout << (answer ? answer->text() : answer.error().to_string()) << "\n";
                        });
  context.run();
  return status;
}
