#pragma once

#include <string_view>

namespace claudio {

/// Whether a header's name says that its value is a credential: it is then stored encrypted, may be looked up
/// elsewhere, and is taken out of what a server says.
bool names_credential(std::string_view header);

/// Whether a header carries a credential, by its name or by its value: an authorization scheme with a token
/// (RFC 9110 11.4), a JSON Web Token, or an Anthropic key. Such a header is for the endpoint that it was given for, and
/// for no other.
bool carries_credential(std::string_view header, std::string_view value);

} // namespace claudio
