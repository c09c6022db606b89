// Several threads going through a sequence of steps together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "view.hpp"

namespace vivace {
namespace {

/// Steps that are each made of tasks; a step begins when all tasks of the one before are done.
///
/// A thread takes tasks until none is left, waits for those that others took, and goes on. It never waits for a task
/// that nobody has begun: one thread alone gets through, and others may join and leave at any time. `marks`, shared by
/// all, holds two counters a step, tasks begun and tasks done; all zero at first.
class Crew {
 public:
  explicit Crew(const View<std::int64_t>& counters) : marks(counters) {}

  template <class Work>
  void step(std::size_t number, std::int64_t tasks, Work&& work) const {
    const std::atomic_ref<std::int64_t> begun(marks[2 * number]), done(marks[2 * number + 1]);
    for (std::int64_t i; (i = begun.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
      work(static_cast<std::size_t>(i));
      done.fetch_add(1, std::memory_order_release);
    }
    for (int looks = 0; done.load(std::memory_order_acquire) < tasks; ++looks)
      if (looks > patience) std::this_thread::yield();
  }

 private:
  // Looks at a counter before the processor is offered to others: some microseconds.
  static constexpr int patience = 2000;
  View<std::int64_t> marks;
};

}  // namespace
}  // namespace vivace
