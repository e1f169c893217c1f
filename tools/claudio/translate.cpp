#include "commands.hpp"
#include "core/translate/data_uri.hpp"

#include <claudio/stream_translator.hpp>
#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace claudio::tool {
namespace json = boost::json;

namespace {

error bad_line(std::string message, std::string param = std::string()) {
  error_details details;
  details.type = "invalid_request_error";
  details.message = std::move(message);
  details.param = std::move(param);
  return error(errc::transformation, 0, std::move(details));
}

result<json::object> member(json::object& line, std::string_view name) {
  auto* value = line.if_contains(name);
  if (!value || !value->is_object())
    return bad_line(std::string(name) + ": missing, or not an object", std::string(name));
  return std::move(value->get_object());
}

// How the lines' requests are translated.
class how {
public:
  translation_mode mode = translation_mode::lenient;
  system_placement system_messages = system_placement::hoist;
};

result<translated_request> translate(json::object&& given, how const& as) {
  chat_request request(std::move(given));
  translation_target target;
  target.model = std::string(request.model());
  target.mode = as.mode;
  target.system_messages = as.system_messages;
  if (target.model.empty())
    return bad_line("model: missing; expected the name of a model", "model");
  return to_anthropic(std::move(request), target);
}

json::object as_json(header_list const& headers) {
  json::object out;
  for (auto const& [name, value] : headers)
    out.insert_or_assign(name, value);
  return out;
}

result<json::object> translate_request(json::object& line, how const& as) {
  auto given = member(line, "openai_request");
  if (!given)
    return given.error();
  auto translated = translate(std::move(*given), as);
  if (!translated)
    return translated.error();
  json::array warnings;
  for (auto const& warning : translated->warnings)
    warnings.emplace_back(warning);
  json::object out;
  out.emplace("anthropic_request", std::move(translated->request).json());
  out.emplace("warnings", std::move(warnings));
  if (!translated->betas.empty()) {
    std::string betas;
    for (auto const& beta : translated->betas)
      betas += (betas.empty() ? "" : ",") + beta;
    out.emplace("headers", as_json({{"anthropic-beta", betas}}));
  }
  return out;
}

// An answer's translation undoes what the request's did, as far as a request is given.
result<answer_context> context_of(json::object& line) {
  auto request = member(line, "openai_request");
  if (!request || !request->contains("messages"))
    return answer_context();
  auto translated = translate(std::move(*request), how());
  if (!translated)
    return translated.error();
  return std::move(translated->answer);
}

void add_warnings(chat_response const& response, json::object& out) {
  if (response.warnings().empty())
    return;
  json::array warnings;
  for (auto const& warning : response.warnings())
    warnings.emplace_back(warning);
  out.emplace("warnings", std::move(warnings));
}

result<json::object> translate_response(json::object& line) {
  auto given = member(line, "anthropic_response");
  if (!given)
    return given.error();
  auto const* type = given->if_contains("type");
  if (!type || *type != "message")
    return bad_line("anthropic_response: expected an answer of the Messages API, of \"type\": \"message\"",
                    "anthropic_response");
  auto const context = context_of(line);
  if (!context)
    return context.error();
  auto const response = to_openai(message(std::move(*given)), *context, std::chrono::system_clock::now());
  json::object out;
  out.emplace("openai_response", response.json());
  add_warnings(response, out);
  return out;
}

// The reads of a connection, as they came, become the text that goes on.
result<json::object> translate_stream(json::object& line) {
  auto* reads = line.if_contains("reads");
  if (!reads || !reads->is_array())
    return bad_line("reads: missing, or not an array of base64 texts", "reads");
  auto context = context_of(line);
  if (!context)
    return context.error();
  stream_translator translator(std::move(*context), std::chrono::system_clock::now());
  std::string out;
  for (auto const& read : reads->get_array()) {
    auto const bytes = read.is_string() ? decode_base64(read.get_string()) : std::nullopt;
    if (!bytes)
      return bad_line("reads: not an array of base64 texts", "reads");
    translator.feed(*bytes, out);
  }
  translator.finish(out);
  json::object made;
  made.emplace("openai_sse", out);
  add_warnings(translator.response(), made);
  return made;
}

json::object error_line(openai_error&& translated, bool with_headers) {
  json::object inner;
  inner.emplace("status", translated.status);
  if (with_headers)
    inner.emplace("headers", as_json(translated.headers));
  inner.emplace("body", std::move(translated.body));
  json::object out;
  out.emplace("error", std::move(inner));
  return out;
}

result<json::object> translate_error(json::object& line) {
  auto const* status = line.if_contains("status");
  if (!status || !status->is_int64() || status->get_int64() < 100 || status->get_int64() > 599)
    return bad_line("status: expected an HTTP status", "status");
  header_list headers;
  if (auto given = member(line, "headers"))
    for (auto const& [name, value] : *given)
      if (value.is_string())
        headers.emplace_back(name, value.get_string());
  auto const* body = line.if_contains("body");
  std::string const text = !body               ? std::string()
                           : body->is_string() ? std::string(body->get_string())
                                               : json::serialize(*body);
  return error_line(
      to_openai_error(static_cast<int>(status->get_int64()), headers, text, std::chrono::system_clock::now()), true);
}

result<json::object> translate_line(std::string const& text, how const& as) {
  // Parsed as strictly as a request is: depth, duplicate keys, size.
  auto line = chat_request::parse(text);
  if (!line)
    return bad_line("the line is not a JSON object: " + line.error().message());
  auto object = std::move(*line).json();
  auto const* operation = object.if_contains("op");
  if (operation && *operation == "request")
    return translate_request(object, as);
  if (operation && *operation == "response")
    return translate_response(object);
  if (operation && *operation == "stream")
    return translate_stream(object);
  if (operation && *operation == "error")
    return translate_error(object);
  return bad_line("op: expected \"request\", \"response\", \"stream\" or \"error\"", "op");
}

int run_translate(how const& as) {
  for (std::string line; std::getline(std::cin, line);) {
    auto translated = translate_line(line, as);
    // Flushed, so that a program at the other end of two pipes can take turns.
    std::cout << json::serialize(translated ? *translated : error_line(to_openai_error(translated.error()), false))
              << std::endl;
    if (!std::cout) {
      std::cerr << "claudio translate: can't write to standard output\n";
      return work_failed;
    }
  }
  return success;
}

} // namespace

void add_translate(CLI::App& app, int& exit_status) {
  auto* command = app.add_subcommand(
      "translate", "Translates between OpenAI's and Anthropic's formats: JSON lines in, one answer line each out");
  auto as = std::make_shared<how>();
  command->add_flag_callback(
      "--strict", [as] { as->mode = translation_mode::strict; },
      "Refuse what can't be carried, instead of leaving it out with a warning");
  command
      ->add_option("--system-messages", as->system_messages,
                   "Instructions inside a conversation: hoist (to the system prompt), in_place (where the model takes "
                   "them there), user_turn (marked, as the user's)")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, system_placement>{{"hoist", system_placement::hoist},
                                                                          {"in_place", system_placement::in_place},
                                                                          {"user_turn", system_placement::user_turn}}));
  command->footer(
      "Lines in:\n"
      "  {\"op\":\"request\",\"openai_request\":{...}}\n"
      "      ->  {\"anthropic_request\":{...},\"warnings\":[...],\"headers\":{...}}, the headers only where some are "
      "needed\n"
      "  {\"op\":\"response\",\"anthropic_response\":{...},\"openai_request\":{...}}  ->  {\"openai_response\":{...}}\n"
      "  {\"op\":\"stream\",\"reads\":[\"BASE64\",...],\"openai_request\":{...}}  ->  {\"openai_sse\":\"data: ...\"}\n"
      "  {\"op\":\"error\",\"status\":429,\"headers\":{...},\"body\":\"...\"}\n"
      "      ->  {\"error\":{\"status\":429,\"headers\":{...},\"body\":{...}}}\n"
      "A line that can't be translated gives {\"error\":{\"status\":...,\"body\":{...}}}, and the rest goes on.");
  command->callback([as, &exit_status] { exit_status = run_translate(*as); });
}

} // namespace claudio::tool
