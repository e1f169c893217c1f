#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>

namespace claudio {

/// How many cache breakpoints a block or a tool has, with those of the blocks inside it.
std::size_t count_cache_breakpoints(boost::json::object const& block);
std::size_t count_cache_breakpoints(boost::json::array const& blocks);

/// Takes the first `excess` breakpoints away, and counts down by those.
void drop_cache_breakpoints(boost::json::array& blocks, std::size_t& excess);

} // namespace claudio
