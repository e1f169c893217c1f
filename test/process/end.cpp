// A program that ends while globals of several kinds still hold clients. What it shows is that a sanitizer or valgrind,
// which it is to run under, finds nothing.

#include "process/globals.hpp"

#include <claudio/log.hpp>
#include <claudio/testing/fake_server.hpp>

#include <cstdlib>
#include <iostream>
#include <optional>

namespace {

holder* left_to_exit_handler = nullptr;

// Registered before whatever the library registers, so that it runs after that.
int const registered = std::atexit([] { delete left_to_exit_handler; });

std::optional<holder> filled_in_main;
thread_local std::optional<holder> of_the_thread;

} // namespace

int main() {
  claudio::set_log_level(claudio::log_level::debug);
  claudio::keep_log_lines(100, claudio::log_level::debug);
  claudio::testing::fake_server server;
  auto const options = server.provider();
  filled_in_main.emplace(options);
  of_the_thread.emplace(options);
  left_to_exit_handler = new holder(options);
  bool const used = registered == 0 && early_holder().use() && filled_in_main->use() && of_the_thread->use() &&
                    left_to_exit_handler->use();
  if (!used)
    std::cerr << "a call failed\n";
  return used ? 0 : 1;
}
