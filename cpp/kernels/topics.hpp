// Entry points of the topic kernels, in the namespace of the instruction set they are compiled for.
#pragma once

#include "../kernels.hpp"

namespace vivace::VIVACE_ISA_NS {

std::size_t topic_stride_d(std::size_t topics);
std::size_t topic_stride_f(std::size_t topics);
std::size_t topic_scratch(std::size_t topics);  // bytes, enough for each kernel of this file but fold_in
void table_sizes_d(const TableSizes<double>&);
void table_sizes_f(const TableSizes<float>&);
void topic_table_d(const TopicTable<double>&);
void topic_table_f(const TopicTable<float>&);
void document_step_d(const DocumentStep<double>&);
void document_step_f(const DocumentStep<float>&);
void document_start_d(const DocumentStart<double>&);
void document_start_f(const DocumentStart<float>&);
void pack_rows_d(const PackedRows<double>&);
void pack_rows_f(const PackedRows<float>&);
std::size_t bits_between(const std::uint64_t* bits, std::size_t first, std::size_t last);
void sum_marks_d(const PackedSum<double>&);
void sum_marks_f(const PackedSum<float>&);
void packed_sum_d(const PackedSum<double>&);
void packed_sum_f(const PackedSum<float>&);
std::size_t fold_in_scratch(std::size_t topics);
void fold_in_d(const FoldIn<double>&);
void fold_in_f(const FoldIn<float>&);
void word_sums_d(const WordSums<double>&);
void word_sums_f(const WordSums<float>&);
void topic_terms_d(const TopicTerms<double>&);
void topic_terms_f(const TopicTerms<float>&);
void row_update_d(const RowUpdate<double>&);
void row_update_f(const RowUpdate<float>&);

}  // namespace vivace::VIVACE_ISA_NS
