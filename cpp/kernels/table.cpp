// The table of this instruction set.
#include "cvb0.hpp"
#include "mixture.hpp"
#include "sampled.hpp"
#include "special.hpp"
#include "topics.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

#if defined(__x86_64__) && VIVACE_VECTOR_BYTES == 64
constexpr const char* name = "x86-64-v4";
#elif defined(__x86_64__) && VIVACE_VECTOR_BYTES == 32
constexpr const char* name = "x86-64-v3";
#elif defined(__x86_64__)
constexpr const char* name = "x86-64-v2";
#else
constexpr const char* name = "portable";
#endif

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {
    .isa = name,
    .special = special_functions<double>,
    .special_single = special_functions<float>,
    .mixture_step_dd = mixture_step_dd,
    .mixture_step_df = mixture_step_df,
    .mixture_step_fd = mixture_step_fd,
    .mixture_step_ff = mixture_step_ff,
    .mixture_scratch = mixture_scratch,
    .gather_scores = gather_scores,
    .gather_sums = gather_sums,
    .student_d = student_d,
    .student_f = student_f,
    .student_diag_d = student_diag_d,
    .student_diag_f = student_diag_f,
    .student_scratch = student_scratch,
    .column_sums_d = column_sums_d,
    .column_sums_f = column_sums_f,
    .topic_stride_d = topic_stride_d,
    .topic_stride_f = topic_stride_f,
    .topic_scratch = topic_scratch,
    .table_sizes_d = table_sizes_d,
    .table_sizes_f = table_sizes_f,
    .topic_table_d = topic_table_d,
    .topic_table_f = topic_table_f,
    .document_step_d = document_step_d,
    .document_step_f = document_step_f,
    .document_start_d = document_start_d,
    .document_start_f = document_start_f,
    .pack_rows_d = pack_rows_d,
    .pack_rows_f = pack_rows_f,
    .bits_between = bits_between,
    .sum_marks_d = sum_marks_d,
    .sum_marks_f = sum_marks_f,
    .packed_sum_d = packed_sum_d,
    .packed_sum_f = packed_sum_f,
    .fold_in_scratch = fold_in_scratch,
    .fold_in_d = fold_in_d,
    .fold_in_f = fold_in_f,
    .word_sums_d = word_sums_d,
    .word_sums_f = word_sums_f,
    .topic_terms_d = topic_terms_d,
    .topic_terms_f = topic_terms_f,
    .cvb0_scratch = cvb0_scratch,
    .cvb0_documents_d = cvb0_documents_d,
    .cvb0_documents_f = cvb0_documents_f,
    .cvb0_words_d = cvb0_words_d,
    .cvb0_words_f = cvb0_words_f,
    .cvb0_extrapolate_d = cvb0_extrapolate_d,
    .cvb0_extrapolate_f = cvb0_extrapolate_f,
    .sampled_scratch = sampled_scratch,
    .sampled_documents = sampled_documents,
    .sampled_counts = sampled_counts,
    .sampled_means_d = sampled_means_d,
    .sampled_means_f = sampled_means_f,
    .row_update_d = row_update_d,
    .row_update_f = row_update_f,
};

}  // namespace vivace::VIVACE_ISA_NS
