// Never compiled: claudio_check_coroutines() finds both statements.
#include <claudio/claudio.hpp>

boost::asio::awaitable<void> ask(claudio::model claude, bool first) {
  auto chosen = co_await claude.invoke(claudio::chat_request().user(first ? "a" : "b"));
  auto listed = co_await claude.invoke(claudio::chat_request().user("c").set("tool_choice", {{"type", "auto"}}));
}
