#pragma once

#include "core/translate/context.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace claudio {

/// A turn of a Messages request in the making.
class turn {
public:
  enum class role : std::uint8_t { system, user, assistant };

  turn(role r, std::size_t message, boost::json::storage_ptr const& memory)
      : who(r), first_message(message), plain(memory), results(memory), blocks(memory) {}

  bool empty() const noexcept { return plain.empty() && results.empty() && blocks.empty(); }
  /// Makes a turn of one plain text one of blocks.
  void spread(translation_context const& context);

  role who;
  std::size_t first_message;
  boost::json::object plain;  ///< the whole turn, when it is one plain text
  boost::json::array results; ///< of tools; the API wants them before all else
  boost::json::array blocks;
  bool results_moved = false;
  bool said_nothing = false; ///< a user's message was here of which nothing is left
  bool as_given = false;     ///< an answer that goes back as it was: a paused one, if the conversation ends with it
};

/// One plain text as a turn of that role.
boost::json::object make_plain_turn(turn::role who, boost::json::string&& text, translation_context const& context);

/// Makes turns ones that the API takes. No assistant's turn ends with thinking, and one that only thought is gone; what
/// is empty is gone, but for a user's last turn, without which the answer before it would be gone on from. A system
/// turn that can't stand where it is becomes the user's, marked (`mark_instruction`). Neighbours of one role become one
/// turn.
void settle_turns(std::vector<turn>& turns, translation_context& context);

/// Marks a text block as an instruction, for a user's turn.
void mark_instruction(boost::json::object& block, translation_context const& context);
/// Says that an instruction could not stay an instruction where it stands.
void note_marked(json_path const& where, translation_context& context);

/// The finished `messages`.
boost::json::array take_messages(std::vector<turn>& turns, translation_context const& context);

} // namespace claudio
