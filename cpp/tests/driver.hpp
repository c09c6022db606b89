// What the drivers share: expectations that are counted, random numbers, memory as the bindings hand it out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <new>
#include <random>
#include <string>

namespace {

[[maybe_unused]] std::mt19937_64 generator(11);
int failures = 0;

[[maybe_unused]] void expect(bool condition, const std::string& what) {
  if (!condition) {
    std::printf("FAILED: %s\n", what.c_str());
    ++failures;
  }
}

[[maybe_unused]] double uniform() { return std::uniform_real_distribution<double>(0, 1)(generator); }

/// Scratch memory of a kernel, in the alignment that it may count on.
struct Scratch {
  std::byte* p;
  explicit Scratch(std::size_t bytes) : p(static_cast<std::byte*>(::operator new[](bytes, std::align_val_t(64)))) {
    std::fill(p, p + bytes, std::byte{0xff});  // kernels must not count on zeros: these are NaN
  }
  ~Scratch() { ::operator delete[](p, std::align_val_t(64)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

/// What main returns.
[[maybe_unused]] int outcome() { return failures == 0 ? 0 : 1; }

}  // namespace
