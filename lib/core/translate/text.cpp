#include "core/json_access.hpp"
#include "core/thread_object.hpp"
#include "core/translate/translation.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <memory>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::size_t largest_text = 32 * 1024 * 1024; // Messages API, request size limits

// Memory for the JSON of one translation, where nothing is freed before its end. Each thread keeps a block of it for
// the next one, since fresh pages cost more than the translation.
class scratch_memory {
public:
  explicit scratch_memory(std::size_t text_size)
      : block_(take_kept(text_size)), resource_(block_->data(), block_->size()) {}
  scratch_memory(scratch_memory const&) = delete;
  scratch_memory& operator=(scratch_memory const&) = delete;
  ~scratch_memory() { kept() = std::move(block_); }

  json::storage_ptr storage() noexcept { return &resource_; }

private:
  using block = std::vector<unsigned char>;
  static constexpr std::size_t most_kept = 1024 * 1024;

  static std::unique_ptr<block>& kept() { return this_threads_object<std::unique_ptr<block>>(); }

  // What a request of this size takes, by experience, or what there is.
  static std::unique_ptr<block> take_kept(std::size_t text_size) {
    std::size_t const wanted = std::min(most_kept, 8 * 1024 + 6 * text_size);
    auto taken = std::move(kept());
    if (!taken || taken->size() < wanted)
      taken = std::make_unique<block>(wanted);
    return taken;
  }

  std::unique_ptr<block> block_;
  json::monotonic_resource resource_;
};

result<json::object> parse_object(std::string_view text, json::storage_ptr memory) {
  if (text.size() > largest_text)
    return error(errc::request_too_large, "more than 32 MiB, which is more than the Messages API takes");
  auto value = parse_json(text, nullptr, std::move(memory));
  if (!value)
    return value.error();
  if (!value->is_object())
    return error(errc::transformation, "expected a JSON object, got " + describe_value(*value));
  return std::move(value->get_object());
}

} // namespace

result<translated_text> to_anthropic_text(std::string_view request, translation_target const& target) {
  scratch_memory memory(request.size());
  auto parsed = parse_object(request, memory.storage());
  if (!parsed)
    return parsed.error();
  auto parts = translate_request(std::move(*parsed), target);
  if (!parts)
    return parts.error();
  translated_text translated;
  translated.text = json::serialize(parts->request);
  translated.warnings = std::move(parts->warnings);
  translated.betas = std::move(parts->betas);
  translated.answer = std::move(parts->answer);
  return translated;
}

result<std::string> to_openai_text(std::string_view answer, answer_context const& context,
                                   std::chrono::system_clock::time_point created, std::vector<std::string>& warnings) {
  scratch_memory memory(answer.size());
  auto parsed = parse_object(answer, memory.storage());
  if (!parsed)
    return parsed.error();
  if (find_string(*parsed, "type") != "message")
    return error(errc::transformation, "not an answer of the Messages API: no \"type\": \"message\"");
  return json::serialize(translate_answer(std::move(*parsed), context, created, warnings));
}

} // namespace claudio
