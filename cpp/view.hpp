// Non-owning row-major views. Span checks are compiled in when VIVACE_CHECKED is defined (debug and sanitizer builds).
#pragma once

#include <cstddef>

#ifdef VIVACE_CHECKED
#include <cstdio>
#include <cstdlib>
#define VIVACE_ASSERT(condition)                                                         \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (0)
#else
#define VIVACE_ASSERT(condition) ((void)0)
#endif

// Never emitted out of line: a weak symbol could come from the object of another instruction set.
#define VIVACE_MEMBER __attribute__((always_inline)) inline
#define VIVACE_LAMBDA __attribute__((always_inline))

namespace vivace {

/// A row-major matrix (or, with one column, a vector) that somebody else owns. May be null: `if (view)`.
template <class T>
struct View {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;

  VIVACE_MEMBER explicit operator bool() const { return data != nullptr; }
  VIVACE_MEMBER T* row(std::size_t i) const {
    VIVACE_ASSERT(i < rows);
    return data + i * cols;
  }
  VIVACE_MEMBER T& operator()(std::size_t i, std::size_t j) const {
    VIVACE_ASSERT(i < rows && j < cols);
    return data[i * cols + j];
  }
  VIVACE_MEMBER T& operator[](std::size_t i) const {
    VIVACE_ASSERT(i < rows * cols);
    return data[i];
  }
};

}  // namespace vivace
