#pragma once

#include "core/translate/context.hpp"
#include "core/translate/turn.hpp"

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
/// turn, tool results are matched with their calls however late they come, what is blank disappears.
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
  bool has_thinking() const;
  /// Whether the last assistant turn that calls tools begins with thinking, as the API wants it of models that think by
  /// a budget. True when there is none.
  bool last_calls_have_thinking() const;

  /// How many cache breakpoints there are in what has been read.
  std::size_t count_cache_breakpoints() const;
  /// Takes the first `excess` of them away, and counts down by those.
  void drop_cache_breakpoints(std::size_t& excess);
  /// Whether an instruction from inside the conversation went to the system prompt.
  bool hoisted() const noexcept { return hoisted_; }
  /// Null when there is none, a string when it is one plain text, else blocks.
  boost::json::value take_system();
  boost::json::array take_turns();

private:
  // A tool call that a result may still come for.
  class call {
  public:
    std::string id; // the caller's
    std::size_t turn = 0;
    std::size_t block = 0; // its place in the turn
    std::size_t message = 0;
    std::size_t index = 0;
    std::size_t result = json_path::no_index; // its place among the results
  };

  // What the parts of a message may be.
  enum class holds : std::uint8_t { instructions, a_users_turn, a_result };

  void read_message(boost::json::value&& value, json_path const& path, std::size_t index);
  void read_instruction(boost::json::object& message, json_path const& path, std::size_t index);
  bool take_plain_text(boost::json::object& message, turn::role who, std::size_t index);
  void read_user(boost::json::object& message, json_path const& path, std::size_t index);
  void read_assistant(boost::json::object& message, json_path const& path, std::size_t index);
  void read_result(boost::json::object& message, std::string_view id, json_path const& id_path, json_path const& path,
                   std::size_t index);
  void read_part_of_result(boost::json::object& part, json_path const& path, std::size_t index);
  boost::json::object translate_result(boost::json::object& message, call const& answered, json_path const& path,
                                       std::size_t index);
  boost::json::array read_content(boost::json::object& message, json_path const& path, std::size_t index, holds what);
  void lose_other_fields(boost::json::object const& message, json_path const& path) const;

  turn& open(turn::role who, std::size_t index);
  bool end_answer(std::size_t index);
  bool add_call(boost::json::object& block, std::size_t message, std::size_t index);
  boost::json::object make_result(call const& answered) const;
  turn& turn_of_results(call const& of);
  void close_calls();
  void finish_prefill(bool continues);
  void complete_documents(turn& of);

  translation_context& context_;
  boost::json::array messages_;
  boost::json::array system_;
  std::vector<turn> turns_;
  std::vector<call> calls_;
  boost::unordered_flat_map<std::string, std::size_t, text_hash, std::equal_to<>> call_of_id_; // the latest, in calls_
  bool prefix_ = false; // the final message's text begins the answer
  bool hoisted_ = false;
};

} // namespace claudio
