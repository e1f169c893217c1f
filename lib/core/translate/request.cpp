#include "core/json_access.hpp"
#include "core/translate/conversation.hpp"
#include "core/translate/fields.hpp"
#include "core/translate/output_format.hpp"
#include "core/translate/thinking.hpp"
#include "core/translate/tools.hpp"
#include "core/translate/translation.hpp"

#include <cmath>

namespace claudio {
namespace json = boost::json;

namespace {

constexpr std::int64_t last_resort_max_tokens = 4096;
constexpr std::int64_t last_resort_of_thinkers = 32'000; // what they think comes first, and counts
constexpr std::size_t most_cache_breakpoints = 4;        // Messages API, prompt caching

class request_translation {
public:
  request_translation(json::object&& request, translation_target const& target)
      : request_(std::move(request)), fields_(request_), context_(target, request_.storage()), messages_(context_),
        tools_(context_), thinking_(context_) {}

  result<request_parts> run() {
    check_model();
    report_other_fields(fields_, context_);
    std::int64_t const max_tokens = read_max_tokens();
    tools_.read(fields_);
    thinking_.read(fields_);
    read_messages();
    thinking_.settle(max_tokens);
    if (thinking_.by_budget() && !messages_.last_calls_have_thinking() && !messages_.has_thinking())
      thinking_.drop_budget();
    if (auto* format = fields_[request_field::response_format])
      translate_response_format(*format, messages_, tools_, thinking_, context_);
    else
      translate_native_format(messages_, tools_, thinking_, context_);
    settle_schemas();
    if (tools_.empty())
      tools_.add_missing(messages_.called_tools());
    tools_.settle(thinking_.thinks());
    messages_.finish(context_.model().prefill && !thinking_.thinks());
    keep_cache_breakpoints();
    json::object out = write(max_tokens);
    if (context_.report.failed())
      return context_.report.fault();
    return finish(std::move(out));
  }

private:
  void check_model() {
    auto const* model = fields_[request_field::model];
    if (!model)
      return;
    if (!model->is_string()) {
      context_.report.reject(json_path("model"), "expected a string, got " + describe_value(*model));
      return;
    }
    std::string_view const name = model->get_string();
    if (name == context_.target.model)
      return;
    error_details details;
    details.type = "invalid_request_error";
    details.param = "model";
    details.message = "model: the request names \"" + std::string(name) + "\", but this instance is " +
                      context_.quoted_model() + "; remove the field or get the instance of that model";
    context_.report.fail(error(errc::model_not_found, 0, std::move(details)));
  }

  void read_messages() {
    json_path const path("messages");
    auto* messages = fields_[request_field::messages];
    if (!messages)
      context_.report.reject(path, "missing: a chat request needs at least one message");
    else if (!messages->is_array())
      context_.report.reject(path, "expected an array, got " + describe_value(*messages));
    else
      messages_.read(std::move(messages->get_array()));
  }

  // A field that the request leaves out may stand in the defaults of the configured model.
  json::value const* find_or_default(request_field field) const {
    auto const* value = fields_[field];
    auto const& defaults = context_.target.default_parameters;
    return value || defaults.empty() ? value : find_given(defaults, request_fields::name(field));
  }

  std::int64_t read_max_tokens() {
    std::int64_t const most = context_.model().max_output_tokens;
    auto field = request_field::max_completion_tokens;
    json::value const* given = fields_[field];
    if (!given && fields_[request_field::max_tokens])
      given = fields_[field = request_field::max_tokens];
    if (!given && !(given = find_or_default(field)))
      given = find_or_default(field = request_field::max_tokens);
    json_path const path(request_fields::name(field));
    if (!given) {
      auto const last_resort = context_.model().thinking_by_default ? last_resort_of_thinkers : last_resort_max_tokens;
      return std::min(context_.target.max_tokens.value_or(last_resort), most);
    }
    auto const* fraction = given->if_double();
    auto const tokens = fraction && std::abs(*fraction) < 9.0e15 ? std::llround(*fraction) : to_integer(*given);
    if (!tokens || *tokens < 1) {
      context_.report.reject(path, "expected an integer ≥ 1, got " + describe_value(*given));
      return most;
    }
    if (*tokens > most)
      context_.report.note(path, std::to_string(*tokens) + " was lowered to " + std::to_string(most) +
                                     ", the most that " + context_.quoted_model() + " gives");
    return std::min<std::int64_t>(*tokens, most);
  }

  // What has to be held to a schema, and what can't stand beside that.
  void settle_schemas() {
    auto const* format = find_object(thinking_.output_config(), "format");
    auto const* schema = format ? find_object(*format, "schema") : nullptr;
    if (format) {
      messages_.fit_to_format();
      tools_.drop_citations();
    }
    tools_.settle_strictness(schema ? cost_of_schema(*schema) : schema_cost());
  }

  // The last ones stay: they are those that a growing conversation is read from next time.
  void keep_cache_breakpoints() {
    std::size_t const at_top = fields_[request_field::cache_control] ? 1 : 0;
    std::size_t const read = context_.cache_breakpoints + at_top;
    if (read > 0 && messages_.hoisted())
      context_.report.note(json_path("messages"),
                           "an instruction that moves to the system prompt makes the prompt cache useless for all that "
                           "follows; system_messages \"in_place\" or \"user_turn\" leaves it where it is");
    if (read <= most_cache_breakpoints)
      return;
    std::size_t const left = tools_.count_cache_breakpoints() + messages_.count_cache_breakpoints() + at_top;
    if (left <= most_cache_breakpoints)
      return;
    context_.report.note(json_path("cache_control"), "the last four breakpoints were kept, Claude takes no more");
    std::size_t excess = left - most_cache_breakpoints;
    tools_.drop_cache_breakpoints(excess);
    messages_.drop_cache_breakpoints(excess);
  }

  json::object write(std::int64_t max_tokens) {
    auto out = context_.make_object(12);
    out.emplace("model", context_.target.model);
    if (auto system = messages_.take_system(); !system.is_null())
      out.emplace("system", std::move(system));
    out.emplace("messages", messages_.take_turns());
    out.emplace("max_tokens", max_tokens);
    write_sampling(out);
    write_stop(out);
    tools_.write(out);
    thinking_.write(out);
    translate_user(fields_, out, context_);
    translate_service_tier(fields_, out, context_);
    write_stream(out);
    move_extensions(fields_, out, context_);
    return out;
  }

  void write_sampling(json::object& out) {
    auto const* temperature = read_number(request_field::temperature);
    auto const* top_p = read_number(request_field::top_p);
    auto const* top_k = read_number(request_field::top_k);
    if (!temperature && !top_p && !top_k)
      return;
    if (context_.model().sampling == sampling_support::none || thinking_.thinks()) {
      for (auto const field : {request_field::temperature, request_field::top_p, request_field::top_k})
        lose_if_asked(field, thinking_.thinks() ? std::string("it can't be set while the model thinks")
                                                : context_.quoted_model() + " refuses it");
      return;
    }
    if (temperature && top_p && context_.model().sampling == sampling_support::exclusive) {
      bool const wants_top_p =
          fields_[request_field::top_p] && !is_default(request_field::top_p, *top_p) &&
          (!fields_[request_field::temperature] || is_default(request_field::temperature, *temperature));
      if (!wants_top_p)
        lose_if_asked(request_field::top_p, context_.quoted_model() + " takes temperature or top_p, not both");
      (wants_top_p ? temperature : top_p) = nullptr;
    }
    write_clamped(out, request_field::temperature, temperature);
    write_clamped(out, request_field::top_p, top_p);
    if (!top_k)
      return;
    auto const whole = to_integer(*top_k);
    if (!whole || *whole < 0)
      context_.report.reject(json_path("top_k"), "expected an integer ≥ 0, got " + describe_value(*top_k));
    else
      out.emplace("top_k", *whole);
  }

  // What holds where nobody says anything (OpenAI's and Anthropic's API; top_k is off).
  static bool is_default(request_field field, json::value const& value) {
    return value.is_number() && value.to_number<double>() == (field == request_field::top_k ? 0 : 1);
  }

  // A default of the configuration gives way without a word, and so does what changes nothing.
  void lose_if_asked(request_field field, std::string const& message) {
    auto const* asked = fields_[field];
    if (asked && !is_default(field, *asked))
      context_.report.lose(json_path(request_fields::name(field)), message);
  }

  json::value const* read_number(request_field field) {
    auto const* value = find_or_default(field);
    if (value && (!value->is_number() || !std::isfinite(value->to_number<double>()))) {
      context_.report.reject(json_path(request_fields::name(field)),
                             "expected a number, got " + describe_value(*value));
      return nullptr;
    }
    return value;
  }

  void write_clamped(json::object& out, request_field field, json::value const* value) {
    if (!value)
      return;
    auto const name = request_fields::name(field);
    auto const number = value->to_number<double>();
    double const clamped = std::clamp(number, 0.0, 1.0);
    if (clamped == number) {
      out.emplace(name, *value);
      return;
    }
    out.emplace(name, clamped);
    context_.report.lose(json_path(name), "Claude's range is 0 to 1, got " + describe_value(*value),
                         number < 0 ? "set to 0" : "set to 1");
  }

  void write_stop(json::object& out) {
    auto const* stop = find_or_default(request_field::stop);
    if (!stop)
      stop = fields_[request_field::stop_sequences];
    if (!stop)
      return;
    json::array sequences(context_.storage);
    auto const keep = [&](json::string const& text, json_path const& path) {
      if (is_blank(text))
        context_.report.lose(path, "Claude refuses a sequence of white space only");
      else
        sequences.emplace_back(text);
    };
    if (auto const* text = stop->if_string()) {
      keep(*text, json_path("stop"));
    } else if (auto const* list = stop->if_array()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        json_path const path("stop", i);
        if (auto const* sequence = (*list)[i].if_string())
          keep(*sequence, path);
        else
          context_.report.reject(path, "expected a string, got " + describe_value((*list)[i]));
      }
    } else {
      context_.report.reject(json_path("stop"),
                             "expected a string or an array of strings, got " + describe_value(*stop));
    }
    if (!sequences.empty())
      out.emplace("stop_sequences", std::move(sequences));
  }

  void write_stream(json::object& out) {
    if (auto const* options = fields_[request_field::stream_options]; options && options->is_object()) {
      auto const* usage = options->get_object().if_contains("include_usage");
      context_.answer.usage_in_stream = usage && *usage == true;
    }
    auto const* stream = fields_[request_field::stream];
    if (!stream)
      return;
    if (!stream->is_bool())
      context_.report.reject(json_path("stream"), "expected true or false, got " + describe_value(*stream));
    else if (stream->get_bool())
      out.emplace("stream", true);
  }

  request_parts finish(json::object&& out) {
    request_parts translated(std::move(out));
    translated.warnings = context_.report.take_warnings();
    translated.betas = std::move(context_.betas);
    translated.answer = std::move(context_.answer);
    context_.tool_names.for_each_changed([&](std::string const& name, std::string const& spelled) {
      if (spelled != translated.answer.json_tool)
        translated.answer.tool_names.emplace_back(spelled, name);
    });
    return translated;
  }

  json::object request_;
  request_fields fields_;
  translation_context context_;
  conversation messages_;
  toolset tools_;
  thinking_plan thinking_;
};

} // namespace

result<request_parts> translate_request(json::object&& request, translation_target const& target) {
  return request_translation(std::move(request), target).run();
}

result<translated_request> to_anthropic(chat_request request, translation_target const& target) {
  auto parts = translate_request(std::move(request).json(), target);
  if (!parts)
    return parts.error();
  translated_request translated;
  translated.request = message_request(std::move(parts->request));
  translated.warnings = std::move(parts->warnings);
  translated.betas = std::move(parts->betas);
  translated.answer = std::move(parts->answer);
  return translated;
}

} // namespace claudio
