#pragma once

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace claudio {

/// Addresses in the order to try them in (RFC 8305 section 4): the families by turns, the first one's first, each in
/// the order it had. `family_of` tells one family from another, of two.
template <class Address, class FamilyOf>
std::vector<Address> interleave_families(std::vector<Address> const& addresses, FamilyOf const& family_of) {
  std::vector<Address> first;
  std::vector<Address> second;
  for (auto const& address : addresses)
    (family_of(address) == family_of(addresses.front()) ? first : second).push_back(address);
  std::vector<Address> ordered;
  ordered.reserve(addresses.size());
  for (std::size_t i = 0; i < first.size() || i < second.size(); ++i) {
    if (i < first.size())
      ordered.push_back(first[i]);
    if (i < second.size())
      ordered.push_back(second[i]);
  }
  return ordered;
}

/// When which of several addresses is tried, and what comes of it (RFC 8305 section 5): the decisions of a race
/// without its I/O. An attempt begins when the one before has failed, or has had `attempt_delay`; the first to connect
/// wins. Attempts have the numbers of their addresses.
class connect_race {
public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds attempt_delay{250};

  explicit connect_race(std::size_t addresses) noexcept : addresses_(addresses) {}

  /// The attempt to begin now, if there is one.
  std::optional<std::size_t> begin_due(time_point now) noexcept {
    if (now < next_due())
      return std::nullopt;
    due_ = now + attempt_delay;
    ++running_;
    return begun_++;
  }
  /// When the next attempt has to begin, unless one succeeds before; `time_point::max()`: there is none.
  time_point next_due() const noexcept { return won_ || begun_ == addresses_ ? time_point::max() : due_; }

  void succeed() noexcept { won_ = true; }
  void fail(std::size_t attempt, boost::system::error_code why) noexcept {
    --running_;
    if (attempt + 1 == begun_)
      due_ = time_point::min();
    if (!failure_ || (is_unreachable(failure_) && !is_unreachable(why)))
      failure_ = why;
  }

  /// Nothing remains to be tried or waited for.
  bool over() const noexcept { return won_ || (running_ == 0 && begun_ == addresses_); }
  std::size_t begun() const noexcept { return begun_; }
  /// The first failure, but that there is no way to an address tells less than what was met at another: most often one
  /// of the families is not connected at all.
  boost::system::error_code failure() const noexcept { return failure_; }

private:
  static bool is_unreachable(boost::system::error_code why) noexcept {
    namespace errc = boost::system::errc;
    return why == errc::network_unreachable || why == errc::host_unreachable || why == errc::network_down ||
           why == errc::address_not_available || why == errc::address_family_not_supported;
  }

  std::size_t addresses_;
  std::size_t begun_ = 0;
  std::size_t running_ = 0;
  time_point due_ = time_point::min();
  boost::system::error_code failure_;
  bool won_ = false;
};

} // namespace claudio
