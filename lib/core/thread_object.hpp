#pragma once

#include <utility>

namespace claudio {

/// The current thread's object of a type, made when it is first asked for and freed with the thread. One that is asked
/// for after that, by a destructor at the end of the thread or of the process, is made once more and stays.
template <class T>
T& this_threads_object() {
  class owner {
  public:
    explicit owner(T*& object) noexcept : object_(object) {}
    owner(owner const&) = delete;
    owner& operator=(owner const&) = delete;
    ~owner() { delete std::exchange(object_, nullptr); }

  private:
    T*& object_;
  };
  thread_local T* object = nullptr;
  if (!object) {
    object = new T;
    thread_local owner const freed_with_thread(object);
  }
  return *object;
}

} // namespace claudio
