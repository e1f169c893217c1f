// However the blocks of a stream interleave, they are accumulated to the answer that they make, and translated to
// chunks that say the same; an event that does not fit is an error on both ways. The input: decisions of what comes
// next.
#include "support/interleaved_stream.hpp"

#include <cstdio>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  if (size < 2)
    return 0;
  claudio::fuzz::fuzz_input input(bytes + 1, size - 1);
  claudio::test::interleaved_stream const stream(input);
  auto const fault = claudio::test::find_disagreement(stream, 1u + bytes[0]);
  if (!fault.empty())
    std::fprintf(stderr, "%s\n", fault.c_str());
  claudio::fuzz::require(fault.empty());
  return 0;
}
