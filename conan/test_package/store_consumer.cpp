// A database that an installed claudio makes in the current folder.
#include <claudio/store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>

int main() {
  boost::asio::io_context context;
  std::vector<claudio::key_source> const keys{
      claudio::key_source::text(claudio::make_encryption_key(), "the consumer's key")};
  int status = EXIT_FAILURE;
  boost::asio::co_spawn(context, claudio::store::open(context.get_executor(), "sqlite:consumer.db", keys),
                        [&](std::exception_ptr, claudio::result<claudio::store> opened) {
                          if (opened)
                            status = EXIT_SUCCESS;
                          else
                            std::cout << opened.error() << "\n";
                        });
  context.run();
  std::remove("consumer.db");
  return status;
}
