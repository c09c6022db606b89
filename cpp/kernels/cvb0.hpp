// Entry points of the kernels of collapsed variational Bayes, in the namespace of their instruction set.
#pragma once

#include "../kernels.hpp"

namespace vivace::VIVACE_ISA_NS {

std::size_t cvb0_scratch(std::size_t topics);  // bytes
void cvb0_documents_d(const Cvb0Documents<double>&);
void cvb0_documents_f(const Cvb0Documents<float>&);
void cvb0_words_d(const Cvb0Words<double>&);
void cvb0_words_f(const Cvb0Words<float>&);
void cvb0_extrapolate_d(const Cvb0Extrapolation<double>&);
void cvb0_extrapolate_f(const Cvb0Extrapolation<float>&);

}  // namespace vivace::VIVACE_ISA_NS
