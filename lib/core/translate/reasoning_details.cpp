#include "core/translate/reasoning_details.hpp"

#include "core/json_access.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

namespace claudio {
namespace json = boost::json;

namespace {

class detail_block {
public:
  explicit detail_block(json::storage_ptr const& memory) : text(memory), signature(memory) {}

  std::size_t first = 0; // entry
  std::int64_t index = 0;
  bool is_encrypted = false;
  json::string text; // or data
  json::string signature;
};

class details_reader {
public:
  explicit details_reader(translation_context const& context) : context_(context) {}

  void read(json::object const& entry, std::size_t place) {
    bool const is_encrypted = find_string(entry, "type") == "reasoning.encrypted";
    auto const signature = is_encrypted ? std::string_view() : find_string(entry, "signature");
    auto text = find_string(entry, is_encrypted ? "data" : "text");
    if (text.empty() && !is_encrypted)
      text = find_string(entry, "summary");
    auto& block = find_block(find_integer(entry, "index"), is_encrypted, !text.empty(), signature, place);
    block.text.append(text);
    if (!signature.empty())
      block.signature = signature;
  }

  std::vector<detail_block> take() {
    std::stable_sort(blocks_.begin(), blocks_.end(),
                     [](detail_block const& a, detail_block const& b) { return a.index < b.index; });
    return std::move(blocks_);
  }

private:
  // The block that an entry goes on with, or a new one.
  detail_block& find_block(std::optional<std::int64_t> index, bool is_encrypted, bool has_text,
                           std::string_view signature, std::size_t place) {
    auto const [known, is_first] = place_of_.try_emplace({index, is_encrypted}, blocks_.size());
    if (!is_first) {
      auto& block = blocks_[known->second];
      bool const is_signed = !block.signature.empty();
      // Two whole blocks, which their maker did not tell apart.
      bool const is_another = index ? is_signed && has_text && !signature.empty() && signature != block.signature
                                    : is_signed || is_encrypted;
      if (!is_another)
        return block;
      known->second = blocks_.size();
    }
    auto& made = blocks_.emplace_back(context_.storage);
    made.first = place;
    made.is_encrypted = is_encrypted;
    made.index = index.value_or(highest_); // behind all before it
    highest_ = std::max(highest_, made.index);
    return made;
  }

  translation_context const& context_;
  std::vector<detail_block> blocks_;
  std::map<std::pair<std::optional<std::int64_t>, bool>, std::size_t> place_of_; // of the block that goes on
  std::int64_t highest_ = std::numeric_limits<std::int64_t>::min();
};

} // namespace

std::vector<std::pair<std::size_t, json::object>>
read_reasoning_details(json::array& list, json_path const& message_path, translation_context& context) {
  details_reader reader(context);
  for (std::size_t i = 0; i < list.size(); ++i) {
    json_path const path(message_path, "reasoning_details", i);
    auto const* entry = list[i].if_object();
    if (!entry) {
      context.report.reject(path, "expected an object, got " + describe_value(list[i]));
      continue;
    }
    auto const* format = find_given(*entry, "format");
    if (format && !(format->is_string() && std::string_view(format->get_string()).starts_with("anthropic-claude")))
      context.report.note(path, "left out, another maker's model thought it (format)");
    else
      reader.read(*entry, i);
  }
  std::vector<std::pair<std::size_t, json::object>> made;
  for (auto& block : reader.take()) {
    auto object = context.make_object(3);
    object.emplace("type", block.is_encrypted ? "redacted_thinking" : "thinking");
    object.emplace(block.is_encrypted ? "data" : "thinking", std::move(block.text));
    if (!block.signature.empty())
      object.emplace("signature", std::move(block.signature));
    made.emplace_back(block.first, std::move(object));
  }
  return made;
}

} // namespace claudio
