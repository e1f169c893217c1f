#pragma once

#include <claudio/error.hpp>

#include <set>
#include <string>

/// The file in which the key-encryption keys of a local database lie. All changes are whole: nobody sees a half-written
/// file, and after a failure it is as it was. Errors: `errc::storage`.
namespace claudio::tool {

/// Makes the file with a new key, for its owner only; false when it is there already.
result<bool> make_key_file(std::string const& path);
/// Puts a new key in front, with which new secrets are then encrypted.
result<void> add_key(std::string const& path);
/// Takes out the keys behind the one with the id `current`, but for those `in_use`; comments stay.
result<void> forget_old_keys(std::string const& path, std::string const& current, std::set<std::string> const& in_use);

} // namespace claudio::tool
