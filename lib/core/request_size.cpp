#include "core/request_size.hpp"

#include "core/json_access.hpp"

#include <algorithm>
#include <charconv>

namespace claudio {
namespace {

constexpr std::size_t longest_word = 1024;          // beyond it a text without white space is base64
constexpr std::size_t usual_image_bytes = 1600 * 4; // about 1,600 tokens (Anthropic API, vision)

// The end of the string that begins at `begin`, which is behind its opening quotation mark.
std::size_t end_of_string(std::string_view json, std::size_t begin) noexcept {
  for (auto end = json.find('"', begin); end != std::string_view::npos; end = json.find('"', end + 1)) {
    auto first = end;
    while (first > begin && json[first - 1] == '\\')
      --first;
    if ((end - first) % 2 == 0)
      return end;
  }
  return json.size();
}

// Base64, in either alphabet (RFC 4648); JSON may escape its slashes.
bool is_encoded_data(std::string_view text) noexcept {
  auto const begin = text.substr(0, longest_word);
  return text.size() > usual_image_bytes && std::all_of(begin.begin(), begin.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
                  c == '=' || c == '-' || c == '_' || c == '\\';
         });
}

std::string_view without_white_space(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

// The value after a member's name: a string's text, or what follows.
std::string_view member_value(std::string_view behind_name) noexcept {
  behind_name = without_white_space(behind_name);
  if (!behind_name.starts_with(':'))
    return {};
  behind_name = without_white_space(behind_name.substr(1));
  if (!behind_name.starts_with('"'))
    return behind_name;
  return behind_name.substr(1, end_of_string(behind_name, 1) - 1);
}

// How much longer the encoded data of content blocks is than what it counts as. Results of tools have blocks of their
// own.
std::size_t encoded_bytes(boost::json::array const& blocks) {
  std::size_t sum = 0;
  for (auto const& block : blocks) {
    auto const* const object = block.if_object();
    auto const* const source = object ? find_object(*object, "source") : nullptr;
    if (auto const data = source ? find_string(*source, "data") : std::string_view(); is_encoded_data(data))
      sum += data.size() - usual_image_bytes;
    if (auto const* const nested = object ? find_array(*object, "content") : nullptr)
      sum += encoded_bytes(*nested);
  }
  return sum;
}

} // namespace

request_size measure_request(std::string_view json, std::optional<std::size_t> text_bytes) noexcept {
  request_size size;
  size.bytes = text_bytes.value_or(json.size());
  int depth = 0;
  // An image or a document would not fit into a short one.
  bool const may_hold_data = !text_bytes && json.size() > usual_image_bytes;
  for (std::size_t at = 0; at < json.size() && (may_hold_data || size.model.empty() || !size.max_tokens); ++at) {
    if (json[at] == '{')
      ++depth;
    else if (json[at] == '}')
      --depth;
    if (json[at] != '"')
      continue;
    auto const end = end_of_string(json, at + 1);
    auto const text = json.substr(at + 1, end - at - 1);
    auto const behind = json.substr(std::min(end + 1, json.size()));
    at = end;
    if (depth == 1 && text == "model" && size.model.empty()) {
      size.model = member_value(behind);
    } else if (depth == 1 && text == "max_tokens") {
      auto const digits = member_value(behind);
      std::uint64_t tokens = 0;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), tokens).ec == std::errc{})
        size.max_tokens = tokens;
    } else if (is_encoded_data(text)) {
      size.bytes -= text.size() - usual_image_bytes;
    }
  }
  return size;
}

std::size_t measure_text(boost::json::object const& request, std::size_t serialized_bytes) {
  // An image or a document would not fit into a short one.
  auto const* const messages = serialized_bytes > usual_image_bytes ? find_array(request, "messages") : nullptr;
  return messages ? serialized_bytes - std::min(encoded_bytes(*messages), serialized_bytes) : serialized_bytes;
}

} // namespace claudio
