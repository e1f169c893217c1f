#include "core/sliced_json.hpp"

#include "core/document_handler.hpp"

#include <string>

namespace claudio {
namespace json = boost::json;

class sliced_json::state {
public:
  explicit state(std::string_view all) : text(all) {}

  std::string_view const text;
  std::size_t parsed = 0;
  boost::system::error_code failure;
  json::basic_parser<document_handler> parser{document_handler::options(), json::storage_ptr(), nullptr, 0u,
                                              json::storage_ptr(),         most_values};
};

sliced_json::sliced_json(std::string_view text) : state_(std::make_unique<state>(text)) {}

sliced_json::~sliced_json() = default;

bool sliced_json::parse_some(std::size_t bytes) {
  auto& now = *state_;
  auto const piece = now.text.substr(now.parsed, bytes);
  bool const more = now.parsed + piece.size() < now.text.size();
  auto const used = now.parser.write_some(more, piece.data(), piece.size(), now.failure);
  now.parsed += used;
  if (!now.failure && used != piece.size())
    now.failure = json::error::extra_data;
  return more && !now.failure;
}

result<json::value> sliced_json::take() {
  auto const& failure = state_->failure;
  if (failure == boost::system::errc::value_too_large)
    return error(errc::transformation,
                 "JSON with more than " + std::to_string(most_values) + " values, which is more than any answer has");
  if (failure)
    return error(errc::transformation,
                 "not valid JSON at byte " + std::to_string(state_->parsed) + ": " + failure.message());
  return state_->parser.handler().take();
}

std::size_t sliced_json::values() const noexcept { return state_->parser.handler().count; }

} // namespace claudio
