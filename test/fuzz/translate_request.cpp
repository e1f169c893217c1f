// Whatever a chat request holds, translating it ends with an answer or an error that names a field, and what comes out
// is a Messages request in its outline. The input: a byte that chooses model and mode, then the request.
#include <claudio/translate.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>
#include <set>

namespace json = boost::json;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

std::size_t breakpoints_in(json::value const& value) {
  std::size_t count = 0;
  if (auto const* list = value.if_array())
    for (auto const& each : *list)
      count += breakpoints_in(each);
  auto const* object = value.if_object();
  if (!object)
    return count;
  auto const* given = object->if_contains("cache_control");
  count += given && !given->is_null() ? 1 : 0;
  for (auto const* inner : {"content", "source"})
    if (auto const* found = object->if_contains(inner))
      count += breakpoints_in(*found);
  return count;
}

std::size_t breakpoints_of(json::object const& request) {
  std::size_t count = request.contains("cache_control") ? 1 : 0;
  for (auto const* field : {"tools", "system", "messages"})
    if (auto const* found = request.if_contains(field))
      count += breakpoints_in(*found);
  return count;
}

void check_outline(claudio::translated_request const& translated) {
  auto const& request = translated.request.json();
  auto const text = json::serialize(request);
  // Numbers that JSON can't hold would show here.
  boost::system::error_code failure;
  json::parse_options options;
  options.max_depth = 512;
  auto const again = json::parse(text, failure, {}, options);
  require(!failure && again.is_object());
  require(request.at("max_tokens").as_int64() >= 1);
  require(translated.warnings.size() <= 101);

  // Beyond these limits the API refuses a request.
  std::size_t strict = 0;
  if (auto const* tools = request.if_contains("tools"))
    for (auto const& tool : tools->as_array())
      if (auto const* flag = tool.as_object().if_contains("strict"))
        strict += *flag == true ? 1 : 0;
  require(strict <= 20);

  require(breakpoints_of(request) <= 4);
  std::set<std::string_view> ids;
  std::string_view last_role;
  auto const& turns = request.at("messages").as_array();
  require(!turns.empty());
  for (auto const& turn : turns) {
    std::string_view const role = turn.at("role").as_string();
    require(role != last_role || role == "system");
    last_role = role;
    auto const& content = turn.at("content");
    if (content.is_string()) {
      require(!content.as_string().empty());
      continue;
    }
    require(!content.as_array().empty());
    std::string_view last_type;
    for (auto const& block : content.as_array()) {
      std::string_view const type = last_type = block.at("type").as_string();
      if (type == "tool_use")
        require(ids.insert(block.at("id").as_string()).second);
    }
    require(role != "assistant" || (last_type != "thinking" && last_type != "redacted_thinking"));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  auto request = claudio::chat_request::parse({reinterpret_cast<char const*>(bytes) + 1, size - 1});
  if (!request)
    return 0;
  auto const models = claudio::model_catalogue();
  claudio::translation_target target;
  target.system_messages = static_cast<claudio::system_placement>(bytes[0] % 3);
  auto const& entry = models[(bytes[0] / 3) % models.size()];
  target.model = std::string(request->model().empty() ? entry.name : request->model());
  target.capabilities = entry.capabilities;
  auto const lenient = claudio::to_anthropic(*request, target);
  if (lenient)
    check_outline(*lenient);
  else
    require(!lenient.error().param().empty());

  // Strict translation refuses more, and changes nothing else.
  target.mode = claudio::translation_mode::strict;
  auto const strict = claudio::to_anthropic(*request, target);
  if (strict)
    require(lenient && strict->request.json() == lenient->request.json());
  return 0;
}
