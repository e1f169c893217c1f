#include "commands.hpp"

#include <claudio/translate.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <iostream>
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

result<json::object> translate_request(json::object& line) {
  auto given = member(line, "openai_request");
  if (!given)
    return given.error();
  chat_request const request(std::move(*given));
  translation_target target;
  target.model = std::string(request.model());
  if (target.model.empty())
    return bad_line("model: missing; expected the name of a model", "model");
  target.capabilities = capabilities_of(target.model);
  auto translated = to_anthropic(request, target);
  if (!translated)
    return translated.error();
  json::array warnings;
  for (auto const& warning : translated->warnings)
    warnings.emplace_back(warning);
  json::object out;
  out.emplace("anthropic_request", std::move(translated->request).json());
  out.emplace("warnings", std::move(warnings));
  return out;
}

result<json::object> translate_response(json::object& line) {
  auto given = member(line, "anthropic_response");
  if (!given)
    return given.error();
  auto const* type = given->if_contains("type");
  if (!type || *type != "message")
    return bad_line("anthropic_response: expected an answer of the Messages API, of \"type\": \"message\"",
                    "anthropic_response");
  json::object out;
  out.emplace("openai_response", to_openai(message(std::move(*given)), std::chrono::system_clock::now(), {}).json());
  return out;
}

result<json::object> translate_line(std::string const& text) {
  json::parse_options options;
  options.max_depth = 128;
  boost::system::error_code failure;
  auto line = json::parse(text, failure, {}, options);
  if (failure || !line.is_object())
    return bad_line("the line is not a JSON object" + (failure ? ": " + failure.message() : std::string()));
  auto& object = line.get_object();
  auto const* operation = object.if_contains("op");
  if (operation && *operation == "request")
    return translate_request(object);
  if (operation && *operation == "response")
    return translate_response(object);
  return bad_line("op: expected \"request\" or \"response\"", "op");
}

json::object error_line(error const& failure) {
  auto translated = to_openai_error(failure);
  json::object inner;
  inner.emplace("status", translated.status);
  inner.emplace("body", std::move(translated.body));
  json::object out;
  out.emplace("error", std::move(inner));
  return out;
}

int run_translate() {
  for (std::string line; std::getline(std::cin, line);) {
    auto translated = translate_line(line);
    // Flushed, so that a program at the other end of two pipes can take turns.
    std::cout << json::serialize(translated ? *translated : error_line(translated.error())) << std::endl;
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
  command->footer(
      "Lines in:\n"
      "  {\"op\":\"request\",\"openai_request\":{...}}        ->  {\"anthropic_request\":{...},\"warnings\":[...]}\n"
      "  {\"op\":\"response\",\"anthropic_response\":{...},\"openai_request\":{...}}  ->  {\"openai_response\":{...}}\n"
      "A line that can't be translated gives {\"error\":{\"status\":...,\"body\":{...}}}, and the rest goes on.");
  command->callback([&exit_status] { exit_status = run_translate(); });
}

} // namespace claudio::tool
