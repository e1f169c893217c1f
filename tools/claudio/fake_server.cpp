#include "commands.hpp"
#include "documentation.hpp"

#include <claudio/testing/fake_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>

namespace claudio::tool {
namespace asio = boost::asio;

namespace {

class fake_server_arguments {
public:
  fake_server_arguments() = default;

  std::string listen = "127.0.0.1:0";
  std::string ca_out;
  std::string script;
  unsigned latency_ms = 0;
  unsigned pace_ms = 0;
  rate_limits limits;
  bool plaintext = false;
};

bool split_address(std::string_view text, testing::fake_server_options& options) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return false;
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  std::string_view const port = text.substr(colon + 1);
  auto const [end, failure] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  options.address = address;
  return failure == std::errc{} && end == port.data() + port.size() && !port.empty() && !address.empty();
}

// The certificate authority as a file, which clients need; one that nobody has named goes with the server.
class authority_file {
public:
  authority_file(std::string path, std::string const& pem) : path_(std::move(path)) {
    if (pem.empty() && path_.empty())
      return;
    if (path_.empty()) {
      char const* const folder = std::getenv("TMPDIR");
      path_ = std::string(folder && *folder == '/' ? folder : "/tmp") + "/claudio-ca-XXXXXX.pem";
      int const file = ::mkstemps(path_.data(), 4);
      is_temporary_ = file >= 0;
      if (file >= 0)
        ::close(file);
    }
    std::ofstream out(path_);
    out << pem;
    is_written_ = static_cast<bool>(out.flush());
  }
  authority_file(authority_file const&) = delete;
  authority_file& operator=(authority_file const&) = delete;
  ~authority_file() {
    if (is_temporary_)
      ::unlink(path_.c_str());
  }

  std::string const& path() const noexcept { return path_; }
  bool is_written() const noexcept { return is_written_; }

private:
  std::string path_;
  bool is_temporary_ = false;
  bool is_written_ = true;
};

// For a shell from which claudio, or a program that uses Anthropic's SDK, is run against the server.
void show_variables(testing::fake_server const& server, authority_file const& authority) {
  auto base = server.api_base();
  if (base.ends_with("/v1"))
    base.resize(base.size() - 3);
  std::cout << "To use it, set in another terminal:\n"
            << "  export ANTHROPIC_API_KEY=sk-ant-fake-key\n"
            << "  export ANTHROPIC_BASE_URL=" << base << "\n";
  if (base.starts_with("https:")) {
    std::error_code failure;
    auto const path = std::filesystem::absolute(authority.path(), failure).string();
    std::cout << "  export SSL_CERT_FILE='" << path << "'  # node: NODE_EXTRA_CA_CERTS\n";
  }
  std::cout.flush();
}

// "200ms" becomes "200"; without a unit it may be either.
CLI::Validator time_with_unit() {
  auto const convert = [](std::string& text) {
    double number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view const unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    double const factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" || unit == "min" ? 60'000 : 0;
    if (failure == std::errc{} && unit.empty() && number != 0)
      return "\"" + text + "\" has no unit; write " + text + "ms or " + text + "s";
    if (failure != std::errc{} || (factor == 0 && !unit.empty()))
      return "expected a time such as 200ms or 1.5s, got \"" + text + "\"";
    double const milliseconds = std::round(number * factor);
    if (!(milliseconds >= 0 && milliseconds <= 86'400'000))
      return "expected a time of at most a day, got \"" + text + "\"";
    text = std::to_string(static_cast<unsigned>(milliseconds));
    return std::string();
  };
  return CLI::Validator(convert, "", "time");
}

int run_fake_server(fake_server_arguments const& arguments) {
  testing::fake_server_options options;
  options.tls = !arguments.plaintext;
  options.latency = std::chrono::milliseconds(arguments.latency_ms);
  options.pace = std::chrono::milliseconds(arguments.pace_ms);
  options.limits = arguments.limits;
  options.keep_requests = 0;
  if (!split_address(arguments.listen, options)) {
    std::cerr << "claudio fake-server: --listen: expected ADDRESS:PORT, e.g. 127.0.0.1:0\n";
    return usage_error;
  }
  asio::io_context context(1);
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { context.stop(); });
  std::unique_ptr<testing::fake_server> server;
  try {
    server = std::make_unique<testing::fake_server>(context.get_executor(), options);
  } catch (std::runtime_error const& failure) {
    std::cerr << "claudio fake-server: " << failure.what() << "\n";
    return work_failed;
  }
  if (!arguments.script.empty()) {
    std::ifstream in(arguments.script);
    std::string const text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    auto const taken = server->script(text);
    if (!in || !taken) {
      std::cerr << "claudio fake-server: --script: " << arguments.script << ": "
                << (in ? taken.error().message() : std::string("can't read the file")) << "\n";
      return usage_error;
    }
  }
  authority_file const authority(arguments.ca_out, options.tls ? server->ca_pem() : std::string());
  if (!authority.is_written()) {
    std::cerr << "claudio fake-server: --ca-out: can't write \"" << authority.path() << "\"\n";
    return work_failed;
  }
  std::cout << "listening on " << server->api_base() << std::endl;
  // Who names a file has a program read this, and not a person.
  if (arguments.ca_out.empty())
    show_variables(*server, authority);
  context.run();
  return success;
}

} // namespace

void add_fake_server(CLI::App& app, int& exit_status) {
  auto* command = app.add_subcommand(
      "fake-server", "A local server that behaves like the Messages API, for trying things without a key");
  auto arguments = std::make_shared<fake_server_arguments>();
  command->add_option("--listen", arguments->listen, "Where to listen; port 0 takes any free one")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  command
      ->add_option("--ca-out", arguments->ca_out,
                   "Where to write the certificate authority that clients have to trust (PEM)")
      ->type_name("FILE");
  auto const milliseconds = time_with_unit();
  command->add_option("--latency", arguments->latency_ms, "Time before each answer, e.g. 200ms or 1.5s")
      ->type_name("TIME")
      ->transform(milliseconds);
  command->add_option("--pace", arguments->pace_ms, "Time between the events of a streamed answer, e.g. 20ms")
      ->type_name("TIME")
      ->transform(milliseconds);
  auto const limit = CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000'000}).description("");
  command
      ->add_option("--rpm", arguments->limits.rpm,
                   "Requests a minute, for each key and model; what exceeds it gets a 429")
      ->type_name("N")
      ->check(limit);
  command
      ->add_option("--itpm", arguments->limits.itpm,
                   "Input tokens a minute, for each key and model; what exceeds it gets a 429")
      ->type_name("N")
      ->check(limit);
  command
      ->add_option("--otpm", arguments->limits.otpm,
                   "Output tokens a minute, for each key and model; what comes after they are used up gets a 429")
      ->type_name("N")
      ->check(limit);
  command
      ->add_option("--script", arguments->script, "Replies and faults for the first requests" + see_page("testing.md"))
      ->type_name("FILE");
  command->add_flag("--plaintext", arguments->plaintext, "Plain HTTP instead of TLS");
  command->callback([arguments, &exit_status] { exit_status = run_fake_server(*arguments); });
}

} // namespace claudio::tool
