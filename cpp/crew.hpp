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
/// that nobody has begun: one thread alone gets through, and others may join and leave at any time. Some threads take
/// the first task that is left, others the last one (`from_behind`): where neighbours work on the same memory it stays
/// with one of two threads. `marks`, shared by all, holds two counters a step, tasks begun (from behind: in the upper
/// half) and tasks done; all zero at first. A step has fewer than 2^31 tasks.
class Crew {
 public:
  Crew(const View<std::int64_t>& counters, bool from_behind) : marks(counters), behind(from_behind) {}

  template <class Work>
  void step(std::size_t number, std::int64_t tasks, Work&& work) const {
    const std::atomic_ref<std::int64_t> begun(marks[2 * number]), done(marks[2 * number + 1]);
    for (;;) {
      const std::int64_t taken = begun.fetch_add(behind ? one_behind : 1, std::memory_order_relaxed);
      const std::int64_t first = taken % one_behind, last = tasks - 1 - taken / one_behind;
      if (first > last) break;
      work(static_cast<std::size_t>(behind ? last : first));
      done.fetch_add(1, std::memory_order_release);
    }
    for (int looks = 0; done.load(std::memory_order_acquire) < tasks; ++looks)
      if (looks > patience) std::this_thread::yield();
  }

 private:
  // Looks at a counter before the processor is offered to others: some microseconds.
  static constexpr int patience = 2000;
  static constexpr std::int64_t one_behind = std::int64_t{1} << 32;
  View<std::int64_t> marks;
  bool behind;
};

}  // namespace
}  // namespace vivace
