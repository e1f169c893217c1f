#pragma once

#include <string_view>

/// Kinds of content blocks of the Messages API, by their type.
namespace claudio {

constexpr bool is_thinking(std::string_view type) noexcept { return type == "thinking" || type == "redacted_thinking"; }

/// Blocks that Anthropic's side makes and wants back as they are, in their order: of tools that run there, and others
/// that have no place in OpenAI's format.
constexpr bool is_server_block(std::string_view type) noexcept {
  return type == "server_tool_use" || type == "mcp_tool_use" || type.ends_with("_tool_result") ||
         type == "container_upload" || type == "compaction" || type == "fallback" || type == "mcp_tool_listing";
}

} // namespace claudio
