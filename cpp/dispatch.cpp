#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

namespace vivace {
namespace {

std::vector<const Kernels*> available_tables() {
  std::vector<const Kernels*> tables;
#ifdef VIVACE_X86_64
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")) tables.push_back(&isa_v2::kernels);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
      __builtin_cpu_supports("bmi2"))
    tables.push_back(&isa_v3::kernels);
  if (!tables.empty() && tables.back() == &isa_v3::kernels && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    tables.push_back(&isa_v4::kernels);
#else
  tables.push_back(&isa_portable::kernels);
#endif
  if (tables.empty()) throw std::runtime_error("vivace needs a processor with SSE4.2 and POPCNT (x86-64-v2)");
  return tables;
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Kernels* table : available_tables()) names.emplace_back(table->isa);
  return names;
}

const Kernels& kernels_for(const std::string& name) {
  std::string choice;
  for (const Kernels* table : available_tables()) {
    if (name == table->isa) return *table;
    choice += (choice.empty() ? "" : ", ") + std::string(table->isa);
  }
  throw std::invalid_argument("VIVACE_ISA is '" + name + "', but this build on this processor has: " + choice +
                              "; unset VIVACE_ISA or name one of these");
}

const Kernels& active_kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* forced = std::getenv("VIVACE_ISA");
    return forced && *forced ? kernels_for(forced) : *available_tables().back();
  }();
  return chosen;
}

}  // namespace vivace
