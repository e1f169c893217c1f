#include "net/socket_poller.hpp"

#include "async/descriptors.hpp"
#include "core/process_id.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace claudio {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Of changes that are taken at once. Between two lots the executor's other work gets its turn.
constexpr int lot = 64;

error_code last_error() { return error_code(errno, boost::system::system_category()); }

} // namespace

// What the executor calls next. If it is destroyed instead, with its context, those who wait have to go as well.
class socket_poller::turn {
public:
  explicit turn(std::shared_ptr<socket_poller> poller) noexcept : poller_(std::move(poller)) {}
  turn(turn&&) noexcept = default;
  turn& operator=(turn&&) noexcept = default;
  ~turn() {
    if (poller_)
      poller_->abandon();
  }

  void operator()(error_code) {
    auto const poller = std::move(poller_);
    poller->armed_ = false;
    if (poller->is_shared_with_parent())
      poller->leave_parents_set();
    else if (poller->set_.is_open())
      poller->look();
    poller->take_turn();
  }
  void operator()() {
    auto const poller = std::move(poller_);
    poller->posted_ = false;
    poller->take_turn();
  }

private:
  std::shared_ptr<socket_poller> poller_;
};

socket_poller::socket_poller(asio::any_io_executor executor)
    : executor_(std::move(executor)), set_(executor_), process_(process_id()) {}

// Taken out of Asio's epoll set before it is closed, because a child process may hold a copy.
socket_poller::~socket_poller() {
  if (!set_.is_open())
    return;
  if (is_shared_with_parent())
    leave_to_parent(set_.native_handle());
  ::close(set_.release());
}

bool socket_poller::is_shared_with_parent() const noexcept { return process_ != process_id(); }

// A number for the kernel: the slot, and above it the use of the slot.
polled_socket* socket_poller::find(std::uint64_t number) const noexcept {
  auto const& known = slots_[static_cast<std::uint32_t>(number)];
  return known.use == static_cast<std::uint32_t>(number >> 32) ? known.socket : nullptr;
}

error_code socket_poller::open_set() {
  int const made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0)
    return last_error();
  error_code failure;
  set_.assign(made, failure);
  if (failure)
    ::close(made);
  return failure;
}

error_code socket_poller::add(polled_socket& socket) {
  if (is_shared_with_parent())
    leave_parents_set();
  if (!set_.is_open())
    if (auto const failure = open_set())
      return failure;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
    free_slots_.reserve(slots_.size()); // remove() must not allocate
  }
  auto const place = free_slots_.back();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = std::uint64_t{slots_[place].use} << 32 | place;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, socket.descriptor_, &event) != 0)
    return last_error();
  free_slots_.pop_back();
  slots_[place].socket = &socket;
  socket.slot_ = place;
  return {};
}

// A descriptor that is only closed stays in the set while a child process holds a copy.
void socket_poller::remove(polled_socket& socket) noexcept {
  forget(socket);
  auto& freed = slots_[socket.slot_];
  freed.socket = nullptr;
  ++freed.use;
  free_slots_.push_back(socket.slot_);
  // In a child the set that the socket is in is the parent's.
  if (!socket.belongs_to_parent())
    ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, socket.descriptor_, nullptr);
}

void socket_poller::leave_parents_set() {
  process_ = process_id();
  if (set_.is_open()) {
    leave_to_parent(set_.native_handle());
    error_code ignored;
    set_.close(ignored);
  }
  while (!waiting_.empty())
    cancel(*waiting_.back());
}

void socket_poller::look_since(clock::time_point time) {
  if (is_shared_with_parent())
    leave_parents_set();
  if (looked_ >= time || !set_.is_open())
    return;
  while (looked_ < time)
    look();
  if (ready_.size() > next_ready_ && !resuming_ && !posted_) {
    posted_ = true;
    asio::post(executor_, turn(shared_from_this()));
  }
}

// Notes what has changed, and who can go on.
void socket_poller::look() {
  epoll_event events[lot];
  int const count = ::epoll_wait(set_.native_handle(), events, lot, 0);
  for (int i = 0; i < count; ++i) {
    auto* const found = find(events[i].data.u64);
    if (!found)
      continue;
    auto& socket = *found;
    auto const changes = events[i].events;
    bool const ended = (changes & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    socket.ended_ = socket.ended_ || ended;
    socket.readable_ = socket.readable_ || ended || (changes & EPOLLIN) != 0;
    socket.writable_ = socket.writable_ || ended || (changes & EPOLLOUT) != 0;
    if (socket.resume_ && !socket.queued_ && socket.awaited_is_ready()) {
      socket.queued_ = true;
      ready_.push_back(&socket);
    }
  }
  // A full lot was not all.
  if (count < lot)
    looked_ = clock::now();
}

void socket_poller::take_turn() {
  // What a caller throws goes to whoever runs the executor; the others have to be resumed all the same.
  class always_go_on {
  public:
    explicit always_go_on(socket_poller& poller) : poller_(poller) { poller_.resuming_ = true; }
    always_go_on(always_go_on const&) = delete;
    always_go_on& operator=(always_go_on const&) = delete;
    ~always_go_on() {
      poller_.resuming_ = false;
      poller_.arm();
    }

  private:
    socket_poller& poller_;
  };
  always_go_on const guard(*this);
  resume_ready();
}

void socket_poller::resume_ready() {
  for (auto const last = ready_.size(); next_ready_ < last;) {
    auto* const socket = ready_[next_ready_++];
    if (!socket)
      continue;
    auto resume = std::move(socket->resume_);
    socket->queued_ = false; // already taken off
    forget(*socket);
    std::move(resume)(polled_socket::outcome::ready);
  }
}

// Arranges for the next turn, if there is anybody to take it for.
void socket_poller::arm() {
  if (next_ready_ == ready_.size()) {
    ready_.clear();
    next_ready_ = 0;
  } else if (!posted_) {
    posted_ = true;
    asio::post(executor_, turn(shared_from_this()));
  }
  if (waiting_.empty()) {
    disarm();
  } else if (!armed_) {
    armed_ = true;
    set_.async_wait(asio::posix::stream_descriptor::wait_read, turn(shared_from_this()));
  }
}

// Leaves no work behind.
void socket_poller::disarm() {
  if (!armed_)
    return;
  error_code ignored;
  set_.cancel(ignored);
}

void socket_poller::await(polled_socket& socket) {
  socket.place_ = waiting_.size();
  waiting_.push_back(&socket);
  if (!resuming_ && !armed_)
    arm();
}

// Takes a socket off the lists.
void socket_poller::forget(polled_socket& socket) noexcept {
  if (socket.place_ == polled_socket::nowhere)
    return;
  waiting_[socket.place_] = waiting_.back();
  waiting_[socket.place_]->place_ = socket.place_;
  waiting_.pop_back();
  socket.place_ = polled_socket::nowhere;
  if (!std::exchange(socket.queued_, false))
    return;
  for (auto at = next_ready_; at < ready_.size(); ++at)
    if (ready_[at] == &socket)
      ready_[at] = nullptr;
}

void socket_poller::cancel(polled_socket& socket) {
  auto resume = std::move(socket.resume_);
  forget(socket);
  if (waiting_.empty())
    disarm();
  // Not from within whoever cancels.
  asio::post(executor_,
             [resume = std::move(resume)]() mutable { std::move(resume)(polled_socket::outcome::cancelled); });
}

void socket_poller::abandon() noexcept {
  while (!waiting_.empty()) {
    auto& socket = *waiting_.back();
    auto const resume = std::move(socket.resume_);
    forget(socket);
  }
}

error_code polled_socket::open(int descriptor) {
  close();
  descriptor_ = descriptor;
  process_ = process_id();
  auto const failure = poller_->add(*this);
  if (failure)
    ::close(std::exchange(descriptor_, -1));
  return failure;
}

void polled_socket::close() noexcept {
  if (descriptor_ < 0)
    return;
  poller_->remove(*this);
  // The peer learns of the end even while a child process holds a copy of the descriptor.
  if (!belongs_to_parent())
    ::shutdown(descriptor_, SHUT_RDWR);
  ::close(std::exchange(descriptor_, -1));
}

bool polled_socket::belongs_to_parent() const noexcept { return process_ != process_id(); }

std::chrono::nanoseconds polled_socket::round_trip() const noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return std::chrono::nanoseconds(0);
  return std::chrono::microseconds(info.tcpi_rtt);
}

std::size_t polled_socket::receive(std::span<char> into, error_code& failure) noexcept {
  if (belongs_to_parent()) {
    failure = asio::error::operation_aborted;
    return 0;
  }
  ssize_t got = 0;
  do
    got = ::recv(descriptor_, into.data(), into.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got < 0) {
    readable_ = readable_ && errno != EAGAIN && errno != EWOULDBLOCK;
    failure = last_error();
    return 0;
  }
  // Less than there was room for is all there was (epoll(7)); what comes behind it is reported anew, but for the end.
  if (got == 0) {
    ended_ = true;
    failure = asio::error::eof;
  }
  if (static_cast<std::size_t>(got) < into.size())
    readable_ = ended_;
  return static_cast<std::size_t>(got);
}

std::size_t polled_socket::send(std::string_view bytes, error_code& failure) noexcept {
  if (belongs_to_parent()) {
    failure = asio::error::operation_aborted;
    return 0;
  }
  ssize_t sent = 0;
  do
    sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    writable_ = writable_ && errno != EAGAIN && errno != EWOULDBLOCK;
    failure = last_error();
    return 0;
  }
  return static_cast<std::size_t>(sent);
}

bool polled_socket::awaited_is_ready() const noexcept {
  switch (awaited_) {
  case direction::read:
    return readable_;
  case direction::write:
    return writable_;
  case direction::either:
    return readable_ || writable_;
  case direction::next_turn:
    break;
  }
  return true;
}

void polled_socket::begin_wait(direction what, resumption resume) {
  awaited_ = what;
  resume_ = std::move(resume);
  if (belongs_to_parent()) {
    poller_->cancel(*this);
    return;
  }
  poller_->await(*this);
  if (!awaited_is_ready() || queued_)
    return;
  // Reported before it was asked for.
  queued_ = true;
  poller_->ready_.push_back(this);
  if (!poller_->resuming_)
    poller_->arm();
}

void polled_socket::cancel() {
  if (resume_)
    poller_->cancel(*this);
}

} // namespace claudio
