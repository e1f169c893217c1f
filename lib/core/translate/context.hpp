#pragma once

#include "core/translate/report.hpp"
#include "core/translate/wire_names.hpp"

#include <claudio/translate.hpp>

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// What the parts of a request's translation share.
class translation_context {
public:
  /// @param memory of all that the translation makes: the request's own, so that its parts can be moved
  translation_context(translation_target const& to, boost::json::storage_ptr memory)
      : target(to), storage(std::move(memory)), report(to.mode),
        model_(to.capabilities ? *to.capabilities : capabilities_of(to.model)) {}

  model_capabilities const& model() const noexcept { return model_; }

  /// The model's name in quotes, for messages.
  std::string quoted_model() const { return "\"" + target.model + "\""; }

  void need_beta(std::string_view name) {
    if (std::find(betas.begin(), betas.end(), name) == betas.end())
      betas.emplace_back(name);
  }

  /// Puts a part's `cache_control` on the block that it became; null is none. The API takes no more than four, which is
  /// seen to at the end.
  void cache(boost::json::object& block, boost::json::value* cache_control) {
    if (!cache_control || cache_control->is_null())
      return;
    block.insert_or_assign("cache_control", std::move(*cache_control));
    ++cache_breakpoints;
  }

  boost::json::object make_object(std::size_t members) const {
    boost::json::object made(storage);
    made.reserve(members);
    return made;
  }

  boost::json::object make_text_block(boost::json::string&& text) const;

  translation_target const& target;
  boost::json::storage_ptr storage;
  translation_report report;
  wire_names tool_names{128}; // Messages API: ^[a-zA-Z0-9_-]{1,128}$
  wire_names tool_ids{256};
  std::vector<std::string> betas;
  answer_context answer;
  std::size_t cache_breakpoints = 0; ///< that were read; some may be gone with what they stood on

private:
  model_capabilities const model_;
};

bool is_blank(std::string_view text) noexcept;

/// The member if it is there and not null.
boost::json::value* find_given(boost::json::object& object, std::string_view field) noexcept;
boost::json::value const* find_given(boost::json::object const& object, std::string_view field) noexcept;

} // namespace claudio
