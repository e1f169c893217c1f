#pragma once

#include "core/translate/context.hpp"
#include "core/translate/request_fields.hpp"

#include <boost/json/object.hpp>

namespace claudio {

/// Goes through the fields of a request that have no counterpart: those that say what holds anyway pass, the others are
/// reported.
void report_other_fields(request_fields const& request, translation_context& context);

/// Moves Anthropic's own fields from a chat request into a Messages request, and notes the betas that they need.
void move_extensions(request_fields const& request, boost::json::object& out, translation_context& context);

/// `user`, `safety_identifier`, `metadata.user_id`: who the request is for.
void translate_user(request_fields const& request, boost::json::object& out, translation_context& context);

void translate_service_tier(request_fields const& request, boost::json::object& out, translation_context& context);

} // namespace claudio
