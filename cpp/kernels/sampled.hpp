// Entry points of the kernels of collapsed Gibbs sampling, in the namespace of their instruction set.
#pragma once

#include "../kernels.hpp"

namespace vivace::VIVACE_ISA_NS {

std::size_t sampled_scratch(std::size_t topics);  // bytes
void sampled_documents(const SampledDocuments&);
void sampled_counts(const SampledCounts&);
void sampled_means_d(const SampledMeans<double>&);
void sampled_means_f(const SampledMeans<float>&);

}  // namespace vivace::VIVACE_ISA_NS
