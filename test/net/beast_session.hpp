#pragma once

#include "net/session.hpp"

namespace claudio {

/// A session on Beast's stream and parser and `asio::ssl::stream`: what ours is compared with.
std::unique_ptr<session> make_beast_session(std::shared_ptr<session_environment const> environment);

} // namespace claudio
