// Which instruction set this process uses.
#pragma once

#include <string>
#include <vector>

#include "kernels.hpp"

namespace vivace {

/// Names of the instruction sets that this build has and this processor can run, the best last.
std::vector<std::string> available_isas();

/// The table of `name`; throws std::invalid_argument with the choice where it is not available.
const Kernels& kernels_for(const std::string& name);

/// The table in use: the best, or the one that the environment variable VIVACE_ISA names. Chosen at the first call.
const Kernels& active_kernels();

}  // namespace vivace
