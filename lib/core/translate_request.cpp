#include "core/json_access.hpp"

#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::int64_t last_resort_max_tokens = 4096;

error reject(std::string param, std::string const& message) {
  error_details details;
  details.type = "invalid_request_error";
  details.message = param + ": " + message;
  details.param = std::move(param);
  return error(errc::transformation, 0, std::move(details));
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos; }

std::string element(std::string const& path, std::size_t index) { return path + "[" + std::to_string(index) + "]"; }

// A field that the request leaves out may stand in the defaults of the configured model.
json::value const* find_given(json::object const& object, std::string_view field) {
  auto const* value = object.if_contains(field);
  return value && !value->is_null() ? value : nullptr;
}

json::object text_block(std::string_view text) {
  json::object block;
  block.emplace("type", "text");
  block.emplace("text", json::string_view(text));
  return block;
}

class translation {
public:
  translation(json::object const& request, translation_target const& target) : request_(request), target_(target) {}

  result<translated_request> run() {
    if (auto done = check_fields(); !done)
      return done.error();
    if (auto done = read_messages(); !done)
      return done.error();
    json::object out;
    out.emplace("model", target_.model);
    if (system_.size() == 1)
      out.emplace("system", json::string_view(system_.front()));
    else if (!system_.empty())
      out.emplace("system", system_blocks());
    out.emplace("messages", std::move(turns_));
    if (auto done = write_max_tokens(out); !done)
      return done.error();
    if (auto done = write_sampling(out); !done)
      return done.error();
    if (auto done = write_stop(out); !done)
      return done.error();
    translated_request translated;
    translated.request = message_request(std::move(out));
    translated.warnings = std::move(warnings_);
    return translated;
  }

private:
  result<void> check_fields() const {
    constexpr std::array<std::string_view, 8> carried{"model",       "messages", "max_tokens", "max_completion_tokens",
                                                      "temperature", "top_p",    "top_k",      "stop"};
    for (auto const& [key, value] : request_) {
      std::string_view const field = key;
      if (value.is_null() || std::find(carried.begin(), carried.end(), field) != carried.end())
        continue;
      if (field == "stream" && value.is_bool()) {
        if (value.get_bool())
          return reject("stream", "this call gives one whole answer; remove the field");
        continue;
      }
      if (field == "n" && to_integer(value) == 1)
        continue;
      return reject(std::string(field), "can't be carried to Claude yet; remove the field");
    }
    if (auto const* model = find_given(request_, "model")) {
      if (!model->is_string())
        return reject("model", "expected a string, got " + describe_value(*model));
      if (std::string_view(model->get_string()) != target_.model) {
        error_details details;
        details.type = "invalid_request_error";
        details.param = "model";
        details.message = "model: the request names \"" + std::string(model->get_string()) +
                          "\", but this instance is \"" + target_.model +
                          "\"; remove the field or get the instance of that model";
        return error(errc::model_not_found, 0, std::move(details));
      }
    }
    return {};
  }

  result<void> read_messages() {
    auto const* messages = find_given(request_, "messages");
    if (!messages)
      return reject("messages", "missing: a chat request needs at least one message");
    if (!messages->is_array())
      return reject("messages", "expected an array, got " + describe_value(*messages));
    auto const& list = messages->get_array();
    for (std::size_t i = 0; i < list.size(); ++i)
      if (auto done = read_message(list[i], element("messages", i)); !done)
        return done.error();
    if (turns_.empty())
      return reject("messages", "no message of role user or assistant with any text");
    return finish_prefill(list.size());
  }

  result<void> read_message(json::value const& value, std::string const& path) {
    auto const* message = value.if_object();
    if (!message)
      return reject(path, "expected an object, got " + describe_value(value));
    std::string_view const role = find_string(*message, "role");
    bool const is_system = role == "system" || role == "developer";
    if (!is_system && role != "user" && role != "assistant") {
      if (role.empty())
        return reject(path + ".role", "expected \"system\", \"developer\", \"user\" or \"assistant\"");
      return reject(path + ".role", "role \"" + std::string(role) + "\" can't be carried to Claude yet");
    }
    for (auto const& [key, member] : *message) {
      std::string_view const field = key;
      bool const empty = member.is_null() || (member.is_array() && member.get_array().empty());
      if (field != "role" && field != "content" && !empty)
        return reject(path + "." + std::string(field), "can't be carried to Claude yet; remove the field");
    }
    auto const* content = find_given(*message, "content");
    if (!content)
      return role == "assistant" ? result<void>()
                                 : result<void>(reject(path + ".content", "expected a string or an array of parts"));
    return is_system ? read_system(*content, path + ".content") : read_turn(role, *content, path + ".content");
  }

  result<void> read_system(json::value const& content, std::string const& path) {
    auto texts = read_texts(content, path);
    if (!texts)
      return texts.error();
    if (!turns_.empty() && !texts->empty())
      warnings_.push_back(path + ": an instruction inside the conversation was moved to the system prompt");
    system_.insert(system_.end(), texts->begin(), texts->end());
    return {};
  }

  result<void> read_turn(std::string_view role, json::value const& content, std::string const& path) {
    auto texts = read_texts(content, path);
    if (!texts)
      return texts.error();
    // The API refuses empty text blocks and turns.
    if (texts->empty())
      return {};
    json::object turn;
    turn.emplace("role", json::string_view(role));
    if (content.is_string()) {
      turn.emplace("content", content);
    } else {
      json::array blocks;
      for (auto const text : *texts)
        blocks.emplace_back(text_block(text));
      turn.emplace("content", std::move(blocks));
    }
    turns_.emplace_back(std::move(turn));
    return {};
  }

  // The texts of a message that are not blank, in order.
  static result<std::vector<std::string_view>> read_texts(json::value const& content, std::string const& path) {
    std::vector<std::string_view> texts;
    auto const keep = [&](std::string_view text) {
      if (!is_blank(text))
        texts.push_back(text);
    };
    if (auto const* text = content.if_string()) {
      keep(*text);
      return texts;
    }
    auto const* parts = content.if_array();
    if (!parts)
      return reject(path, "expected a string or an array of parts, got " + describe_value(content));
    for (std::size_t i = 0; i < parts->size(); ++i) {
      std::string const part_path = element(path, i);
      auto const* part = (*parts)[i].if_object();
      if (!part)
        return reject(part_path, "expected an object, got " + describe_value((*parts)[i]));
      std::string_view const type = find_string(*part, "type");
      if (type != "text")
        return reject(part_path + ".type", "only parts of type \"text\" can be carried to Claude yet");
      auto const* text = part->if_contains("text");
      if (!text || !text->is_string())
        return reject(part_path + ".text", "expected a string");
      for (auto const& [key, member] : *part)
        if (key != "type" && key != "text" && !member.is_null())
          return reject(part_path + "." + std::string(key), "can't be carried to Claude yet; remove the field");
      keep(text->get_string());
    }
    return texts;
  }

  // A final assistant turn asks the model to go on from there; trailing white space in it is refused by the API.
  result<void> finish_prefill(std::size_t message_count) {
    auto& turn = turns_.back().get_object();
    if (find_string(turn, "role") != "assistant")
      return {};
    if (!target_.capabilities.prefill)
      return reject(element("messages", message_count - 1),
                    "\"" + target_.model + "\" does not continue an assistant message; end with a user message");
    auto& content = turn["content"];
    auto& text =
        content.is_string() ? content.get_string() : content.get_array().back().get_object()["text"].get_string();
    text.erase(std::string_view(text).find_last_not_of(" \t\r\n\f\v") + 1);
    return {};
  }

  json::array system_blocks() const {
    json::array blocks;
    for (auto const text : system_)
      blocks.emplace_back(text_block(text));
    return blocks;
  }

  result<void> write_max_tokens(json::object& out) {
    std::int64_t tokens = target_.max_tokens.value_or(last_resort_max_tokens);
    std::string_view field;
    json::value const* given = nullptr;
    for (auto const* source : {&request_, &target_.default_parameters})
      for (std::string_view const name : {"max_completion_tokens", "max_tokens"})
        if (!given && (given = find_given(*source, name)))
          field = name;
    if (given) {
      auto const* fraction = given->if_double();
      auto const whole = fraction && std::abs(*fraction) < 9.0e15 ? std::llround(*fraction) : to_integer(*given);
      if (!whole || *whole < 1)
        return reject(std::string(field), "expected an integer ≥ 1, got " + describe_value(*given));
      tokens = *whole;
    }
    if (tokens > target_.capabilities.max_output_tokens) {
      if (given)
        warnings_.push_back(std::string(field) + ": " + std::to_string(tokens) + " was lowered to " +
                            std::to_string(target_.capabilities.max_output_tokens) + ", the most that \"" +
                            target_.model + "\" gives");
      tokens = target_.capabilities.max_output_tokens;
    }
    out.emplace("max_tokens", tokens);
    return {};
  }

  result<void> write_sampling(json::object& out) {
    auto const temperature = read_number("temperature");
    auto const top_p = read_number("top_p");
    auto const top_k = read_number("top_k");
    for (auto const* number : {&temperature, &top_p, &top_k})
      if (!*number)
        return number->error();
    if (target_.capabilities.sampling == sampling_support::none) {
      if (*temperature || *top_p || *top_k)
        warnings_.push_back("temperature, top_p, top_k: left out, \"" + target_.model + "\" refuses them");
      return {};
    }
    bool with_temperature = temperature->has_value();
    bool with_top_p = top_p->has_value();
    if (with_temperature && with_top_p && target_.capabilities.sampling == sampling_support::exclusive) {
      bool const request_says_top_p_only = find_given(request_, "top_p") && !find_given(request_, "temperature");
      with_temperature = !request_says_top_p_only;
      with_top_p = request_says_top_p_only;
      if (find_given(request_, "top_p") && find_given(request_, "temperature"))
        warnings_.push_back("top_p: left out, \"" + target_.model + "\" takes temperature or top_p, not both");
    }
    if (with_temperature)
      write_clamped(out, "temperature", **temperature);
    if (with_top_p)
      write_clamped(out, "top_p", **top_p);
    if (*top_k) {
      auto const whole = to_integer(**top_k);
      if (!whole || *whole < 0)
        return reject("top_k", "expected an integer ≥ 0, got " + describe_value(**top_k));
      out.emplace("top_k", *whole);
    }
    return {};
  }

  result<std::optional<json::value>> read_number(std::string_view field) const {
    auto const* value = find_given(request_, field);
    if (!value)
      value = find_given(target_.default_parameters, field);
    if (!value)
      return std::optional<json::value>();
    if (!value->is_number() || !std::isfinite(value->to_number<double>()))
      return reject(std::string(field), "expected a number, got " + describe_value(*value));
    return std::optional<json::value>(*value);
  }

  void write_clamped(json::object& out, std::string_view field, json::value const& value) {
    double const number = value.to_number<double>();
    double const clamped = std::clamp(number, 0.0, 1.0);
    if (clamped == number) {
      out.emplace(field, value);
      return;
    }
    out.emplace(field, clamped);
    warnings_.push_back(std::string(field) + ": " + json::serialize(value) + " was set to " + (number < 0 ? "0" : "1") +
                        ", Claude's range is 0 to 1");
  }

  result<void> write_stop(json::object& out) {
    auto const* stop = find_given(request_, "stop");
    if (!stop)
      stop = find_given(target_.default_parameters, "stop");
    if (!stop)
      return {};
    json::array sequences;
    auto const keep = [&](json::string const& text) {
      if (is_blank(text))
        warnings_.push_back("stop: a sequence of white space only was left out, Claude refuses it");
      else
        sequences.emplace_back(text);
    };
    if (auto const* text = stop->if_string()) {
      keep(*text);
    } else if (auto const* list = stop->if_array()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        auto const* sequence = (*list)[i].if_string();
        if (!sequence)
          return reject(element("stop", i), "expected a string, got " + describe_value((*list)[i]));
        keep(*sequence);
      }
    } else {
      return reject("stop", "expected a string or an array of strings, got " + describe_value(*stop));
    }
    if (!sequences.empty())
      out.emplace("stop_sequences", std::move(sequences));
    return {};
  }

  json::object const& request_;
  translation_target const& target_;
  std::vector<std::string_view> system_;
  json::array turns_;
  std::vector<std::string> warnings_;
};

} // namespace

result<translated_request> to_anthropic(chat_request const& request, translation_target const& target) {
  return translation(request.json(), target).run();
}

} // namespace claudio
