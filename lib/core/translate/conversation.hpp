#pragma once

#include "core/translate/context.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace claudio {

/// Builds the system prompt and the turns of a Messages request out of chat messages: neighbours of one role become one
/// turn, tool results are matched with their calls, what is blank disappears.
class conversation {
public:
  explicit conversation(translation_context& context)
      : context_(context), messages_(context.storage), system_(context.storage) {}

  /// Takes the messages in, in order.
  void read(boost::json::array&& messages);
  /// Ends the last turn. `continues` says whether the model goes on from a final assistant turn.
  void finish(bool continues);
  /// Takes away what can't stand beside an answer that is held to a schema: its beginning, and documents that are
  /// cited.
  void fit_to_format();
  /// Adds an instruction of ours at the system prompt's end.
  void add_instruction(std::string_view text);

  /// The names of the tools that were called, as sent, in order of their first call.
  std::vector<std::string> called_tools() const;
  bool has_thinking() const noexcept { return has_thinking_; }
  /// Whether the last assistant turn that calls tools begins with thinking, as the API wants it of models that think by
  /// a budget.
  bool last_calls_have_thinking() const noexcept { return last_calls_have_thinking_; }

  /// Keeps the first `most` cache breakpoints of what has been read, and takes the others away.
  void keep_cache_breakpoints(std::size_t most);
  /// Null when there is none, a string when it is one plain text, else blocks.
  boost::json::value take_system();
  boost::json::array take_turns();

private:
  enum class role : std::uint8_t { system, user, assistant };

  class turn {
  public:
    turn(role r, std::size_t message, boost::json::storage_ptr const& memory)
        : who(r), first_message(message), plain(memory), results(memory), blocks(memory) {}

    role who;
    std::size_t first_message;
    boost::json::object plain;  // the whole turn, when it is one plain text
    boost::json::array results; // of tools; the API wants them before all else
    boost::json::array blocks;
    bool results_moved = false;
  };

  // A tool call of the last assistant turn that has any.
  class call {
  public:
    std::string id; // the caller's
    std::size_t message = 0;
    std::size_t index = 0;
    std::size_t result = json_path::no_index; // its place among the results
  };

  void read_message(boost::json::value&& value, json_path const& path, std::size_t index);
  void read_instruction(boost::json::object& message, json_path const& path, std::size_t index);
  bool take_plain_text(boost::json::object& message, role who, std::size_t index);
  void read_user(boost::json::object& message, json_path const& path, std::size_t index);
  void read_assistant(boost::json::object& message, json_path const& path, std::size_t index);
  void read_result(boost::json::object& message, std::string id, json_path const& id_path, json_path const& path,
                   std::size_t index);
  boost::json::array read_content(boost::json::object& message, json_path const& path, bool text_only);
  void lose_other_fields(boost::json::object const& message, json_path const& path) const;

  turn& open(role who, std::size_t index);
  static boost::json::string_view role_name(role who);
  boost::json::object make_plain(role who, boost::json::string&& text) const;
  void spread(turn& of) const;
  void add_call(boost::json::object& block, std::size_t message, std::size_t index);
  void close_calls();
  turn& turn_of_results();
  bool may_stand(std::size_t index) const noexcept;
  void finish_prefill(bool continues);
  void complete_documents(turn& of);

  translation_context& context_;
  boost::json::array messages_;
  boost::json::array system_;
  std::vector<turn> turns_;
  std::vector<call> calls_;
  std::size_t calling_turn_ = 0;
  boost::unordered_flat_map<std::string, std::size_t, text_hash, std::equal_to<>> call_of_id_; // places in calls_
  bool prefix_ = false; // the final message's text begins the answer
  bool has_calls_ = false;
  bool has_thinking_ = false;
  bool last_calls_have_thinking_ = true;
};

} // namespace claudio
