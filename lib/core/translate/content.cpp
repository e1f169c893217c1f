#include "core/translate/content.hpp"

#include "core/json_access.hpp"
#include "core/lower_case.hpp"
#include "core/translate/cache_breakpoints.hpp"
#include "core/translate/data_uri.hpp"
#include "core/utf8.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace claudio {
namespace json = boost::json;

namespace {

// Anthropic's own blocks for user turns, and those for tools' results alone (Messages API, content blocks).
constexpr std::array<std::string_view, 4> native_types{"image", "document", "search_result", "container_upload"};
constexpr std::array<std::string_view, 2> native_types_of_results{"tool_reference", "browser_state"};

template <std::size_t N>
bool is_one_of(std::array<std::string_view, N> const& types, std::string_view type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

void lose_other_fields(json::object const& of, std::initializer_list<std::string_view> known, json_path const& path,
                       translation_context& context) {
  for (auto const& [key, value] : of)
    if (!value.is_null() && std::find(known.begin(), known.end(), std::string_view(key)) == known.end())
      context.report.lose(json_path(path, key), "Claude has no such field");
}

bool is_image_type(std::string_view type) {
  return type == "image/jpeg" || type == "image/png" || type == "image/gif" || type == "image/webp";
}

bool is_web_address(std::string_view url) {
  std::string const scheme = lower_case(url.substr(0, 8));
  return scheme.starts_with("http://") || scheme.starts_with("https://");
}

bool names_a_pdf(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  return url.size() >= 4 && lower_case(url.substr(url.size() - 4)) == ".pdf";
}

json::object block_of(std::string_view type, json::object&& source, translation_context const& context) {
  auto block = context.make_object(3);
  block.emplace("type", json::string_view(type));
  block.emplace("source", std::move(source));
  return block;
}

// Base64 as the API wants it: in one line, without the escapes that it may have in a URI.
void clean_base64(json::string& text) {
  if (text.find('%') != json::string::npos)
    if (auto const plain = decode_percent(text))
      text = *plain;
  text.resize(remove_white_space(text.data(), text.size()));
}

json::object base64_source(std::string_view media_type, json::string&& data, translation_context const& context) {
  auto source = context.make_object(3);
  source.emplace("type", "base64");
  source.emplace("media_type", json::string_view(media_type));
  source.emplace("data", std::move(data));
  return source;
}

std::optional<json::object> text_document(std::string_view data, bool base64, json_path const& path,
                                          translation_context& context) {
  auto text = base64 ? decode_base64(data) : decode_percent(data);
  if (!text || !is_utf8(*text)) {
    context.report.reject(path, base64 ? "not base64 of UTF-8 text" : "not percent-encoded UTF-8 text");
    return std::nullopt;
  }
  if (is_blank(*text))
    return std::nullopt;
  auto source = context.make_object(3);
  source.emplace("type", "text");
  source.emplace("media_type", "text/plain");
  source.emplace("data", *text);
  return block_of("document", std::move(source), context);
}

// An image or a document out of a `data:` URI; the URI's text is consumed.
std::optional<json::object> block_from_data(json::string& text, json_path const& path, translation_context& context) {
  auto const uri = data_uri::parse(text);
  if (!uri) {
    context.report.reject(path, "not a data URI: expected data:TYPE;base64,DATA");
    return std::nullopt;
  }
  std::string label = lower_case(uri->media_type);
  std::string_view const data = std::string_view(text).substr(uri->data_begin);
  if (label.starts_with("text/"))
    return text_document(data, uri->base64, path, context);
  if (!uri->base64) {
    context.report.reject(path, "only base64 data can be carried, as in data:image/png;base64,DATA");
    return std::nullopt;
  }
  if (label == "image/jpg")
    label = "image/jpeg";
  text.erase(0, uri->data_begin);
  clean_base64(text);
  auto const found = sniff_base64(text);
  if (!found.empty() && found != label) {
    context.report.note(path, "labelled " + label + ", but the bytes are " + std::string(found) + ": sent as that");
    label = found;
  }
  bool const is_pdf = label == "application/pdf";
  if (!is_pdf && !is_image_type(label)) {
    context.report.reject(path, "type " + label + " can't be carried; Claude takes JPEG, PNG, GIF, WebP, PDF and text");
    return std::nullopt;
  }
  return block_of(is_pdf ? "document" : "image", base64_source(label, std::move(text), context), context);
}

json::object block_from_address(json::string&& address, bool is_document, translation_context const& context) {
  auto source = context.make_object(2);
  source.emplace("type", "url");
  source.emplace("url", std::move(address));
  return block_of(is_document ? "document" : "image", std::move(source), context);
}

std::optional<json::object> translate_image(json::object& part, json_path const& path, translation_context& context) {
  auto* image = find_given(part, "image_url");
  json_path const image_path(path, "image_url");
  json_path const url_path(image_path, "url");
  // OpenAI's format has an object here; many clients send the bare address.
  json::value* url = image;
  if (auto* object = image ? image->if_object() : nullptr) {
    url = find_given(*object, "url");
    lose_other_fields(*object, {"url", "detail"}, image_path, context);
    if (auto const detail = find_string(*object, "detail"); !detail.empty() && detail != "auto")
      context.report.lose(json_path(image_path, "detail"), "Claude has no such choice");
  }
  auto* text = url ? url->if_string() : nullptr;
  if (!text) {
    context.report.reject(url_path, "expected a data URI or an http(s) address");
    return std::nullopt;
  }
  if (is_web_address(*text)) {
    bool const is_document = names_a_pdf(*text);
    return block_from_address(std::move(*text), is_document, context);
  }
  return block_from_data(*text, url_path, context);
}

std::optional<json::object> translate_file(json::object& part, json_path const& path, translation_context& context) {
  json_path const file_path(path, "file");
  auto* value = find_given(part, "file");
  auto* file = value ? value->if_object() : nullptr;
  if (!file) {
    context.report.reject(file_path, "expected an object with file_data or file_id");
    return std::nullopt;
  }
  lose_other_fields(*file, {"file_id", "file_data", "filename"}, file_path, context);
  std::optional<json::object> block;
  if (auto* id = find_given(*file, "file_id"); id && id->is_string()) {
    auto source = context.make_object(2);
    source.emplace("type", "file");
    source.emplace("file_id", std::move(*id));
    block = block_of("document", std::move(source), context);
    context.need_beta("files-api-2025-04-14");
  } else if (auto* data = find_given(*file, "file_data"); data && data->is_string()) {
    json_path const data_path(file_path, "file_data");
    auto& text = data->get_string();
    if (is_web_address(text)) {
      block = block_from_address(std::move(text), true, context);
    } else if (sniff_base64(text) == "application/pdf") {
      clean_base64(text);
      block = block_of("document", base64_source("application/pdf", std::move(text), context), context);
    } else {
      block = block_from_data(text, data_path, context);
    }
  } else {
    context.report.reject(file_path, "expected file_data (a data URI) or file_id");
  }
  auto* name = find_given(*file, "filename");
  if (block && (*block)["type"] == "document" && name && name->is_string() && !is_blank(name->get_string()))
    block->emplace("title", std::move(*name));
  return block;
}

// A block of Anthropic's own.
std::optional<json::object> carry_native(json::object&& block, json_path const& path, translation_context& context) {
  if (auto const* cache_control = block.if_contains("cache_control"); cache_control && cache_control->is_null())
    block.erase("cache_control");
  context.cache_breakpoints += count_cache_breakpoints(block);
  if (auto* source = find_given(block, "source"); source && source->is_object())
    if (auto* data = find_given(source->get_object(), "data");
        data && data->is_string() && find_string(source->get_object(), "type") == "base64")
      clean_base64(data->get_string());
  if (find_string(block, "type") == "tool_reference") {
    auto* name = find_given(block, "tool_name");
    if (!name || !name->is_string() || name->get_string().empty()) {
      context.report.reject(json_path(path, "tool_name"), "missing; expected the name of one of the tools");
      return std::nullopt;
    }
    std::string const wire_name(context.tool_names.of(name->get_string()));
    name->get_string() = wire_name;
  }
  return std::move(block);
}

} // namespace

std::optional<json::object> translate_text_part(json::object&& part, json_path const& path,
                                                translation_context& context) {
  auto* text = part.if_contains("text");
  if (!text || !text->is_string()) {
    context.report.reject(json_path(path, "text"), "expected a string");
    return std::nullopt;
  }
  if (is_blank(text->get_string()))
    return std::nullopt;
  auto* cache_control = part.if_contains("cache_control");
  std::size_t const carried = cache_control && !cache_control->is_null() ? 3 : 2;
  if (part.size() == carried) {
    context.cache_breakpoints += carried - 2;
    return std::move(part);
  }
  for (auto const& [key, value] : part)
    if (key != "type" && key != "text" && key != "cache_control" && !value.is_null())
      context.report.lose(json_path(path, key), "a text block has no such field");
  json::object block = context.make_text_block(std::move(text->get_string()));
  context.cache(block, cache_control);
  return block;
}

std::optional<json::object> translate_part(json::value&& value, json_path const& path, translation_context& context,
                                           bool in_result) {
  auto* part = value.if_object();
  if (!part) {
    context.report.reject(path, "expected an object, got " + describe_value(value));
    return std::nullopt;
  }
  auto const type = find_string(*part, "type");
  if (type == "text")
    return translate_text_part(std::move(*part), path, context);
  if (is_one_of(native_types, type) || (in_result && is_one_of(native_types_of_results, type)))
    return carry_native(std::move(*part), path, context);
  std::optional<json::object> block;
  if (type == "image_url") {
    lose_other_fields(*part, {"type", "image_url", "cache_control"}, path, context);
    block = translate_image(*part, path, context);
  } else if (type == "file") {
    lose_other_fields(*part, {"type", "file", "cache_control"}, path, context);
    block = translate_file(*part, path, context);
  } else if (type.empty()) {
    context.report.reject(json_path(path, "type"), "missing; expected \"text\", \"image_url\" or \"file\"");
  } else {
    context.report.lose(json_path(path, "type"), "Claude takes no part of type \"" + std::string(type) + "\"");
  }
  if (block)
    context.cache(*block, part->if_contains("cache_control"));
  return block;
}

} // namespace claudio
