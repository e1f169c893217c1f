#pragma once

#include <claudio/tools.hpp>

namespace claudio::tool {

/// The tools of `--tools-demo`: the time, and a sum.
toolbox demo_tools();

} // namespace claudio::tool
