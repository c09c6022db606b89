// Entry points of the mixture kernels, in the namespace of the instruction set they are compiled for.
#pragma once

#include "../kernels.hpp"

namespace vivace::VIVACE_ISA_NS {

void mixture_step_dd(const MixtureStep<double>& a);
void mixture_step_df(const MixtureStep<double>& a);
void mixture_step_fd(const MixtureStep<float>& a);
void mixture_step_ff(const MixtureStep<float>& a);
std::size_t mixture_scratch(std::size_t d, std::size_t q, std::size_t k, Kind score, Kind stat, bool single,
                            std::size_t met_columns, std::size_t met_width);

void gather_scores(const GatherScores& a);
void gather_sums(const GatherSums& a);

void student_d(const StudentScore<double>& a);
void student_f(const StudentScore<float>& a);
void student_diag_d(const StudentDiagScore<double>& a);
void student_diag_f(const StudentDiagScore<float>& a);
std::size_t student_scratch(std::size_t d, std::size_t k, Kind score);

std::ptrdiff_t column_sums_d(const ColumnSums<double>& a);
std::ptrdiff_t column_sums_f(const ColumnSums<float>& a);

}  // namespace vivace::VIVACE_ISA_NS
