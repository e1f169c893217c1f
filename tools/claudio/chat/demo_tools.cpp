#include "demo_tools.hpp"

#include <boost/json/parse.hpp>

#include <ctime>

namespace claudio::tool {
namespace json = boost::json;

toolbox demo_tools() {
  toolbox tools;
  json::object no_arguments;
  no_arguments.emplace("type", "object");
  no_arguments.emplace("properties", json::object());
  tools.add("current_time", "The current date and time, in UTC.", no_arguments, [](json::object const&) {
    auto const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return std::string(text);
  });
  tools.add("add", "Adds numbers.",
            json::parse(R"({"type":"object","properties":{"numbers":{"type":"array","items":{"type":"number"}}},
                            "required":["numbers"]})")
                .as_object(),
            [](json::object const& arguments) {
              double sum = 0;
              for (auto const& number : arguments.at("numbers").as_array())
                sum += number.to_number<double>();
              return json::value(sum);
            });
  return tools;
}

} // namespace claudio::tool
