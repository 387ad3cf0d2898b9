//! What a session computes with: one file a kernel, each one body for every instruction set.
//!
//! A kernel allocates nothing, checks its shapes once at its entry and gives the same bits on every
//! [`Isa`](crate::isa::Isa). A row's result depends on no other row, so a text's does not depend on its batch.

mod activate;
mod add;
mod affine;
mod attention;
mod attention_i8;
mod attention_of_one;
mod bag;
mod beside;
mod concat;
mod dot;
mod embed;
mod epilogue;
mod fields;
mod forest;
mod gemm_f32;
mod gemm_i8;
mod gru;
mod id_mask;
mod l2_normalize;
mod layer_norm;
mod lstm;
mod mul;
mod operand;
mod pairs;
mod pool;
mod quantize;
mod relative_bias;
mod row_dot;
mod rows;
mod softmax;
mod state_weights;
mod table;
mod tile;
mod topk;

pub use activate::activate;
pub use add::add;
pub use affine::affine;
pub use attention::{Attention, KeyMask, attention, attention_scratch};
pub use attention_i8::{ATTENTION_I8_MAX_LEN, attention_i8, attention_i8_scratch};
pub use attention_of_one::{attention_of_one, attention_of_one_scratch};
pub(crate) use bag::Ahead;
pub use bag::{Bag, bag};
pub use beside::Beside;
pub use concat::concat;
pub use dot::{dot_f32, scan_f32};
pub use embed::{Lookup, embed};
pub use epilogue::Epilogue;
pub use fields::{max_fields, sum_fields};
pub use forest::{ForestScratch, forest};
pub use gemm_f32::{Bf16Panels, F32Panels, gemm_bf16, gemm_f32};
pub use gemm_i8::{I8Panels, gemm_i8};
pub use gru::{Gru, gru, gru_scratch};
pub use id_mask::{Ids, id_mask};
pub use l2_normalize::l2_normalize;
pub use layer_norm::{Affine, LayerNorm, layer_norm, layer_norm_quantize};
pub use lstm::{Lstm, lstm, lstm_scratch};
pub use mul::mul;
pub use operand::Operand;
pub use pairs::{Fields, pairs};
pub use pool::pool;
pub use quantize::{Q8Rows, Q8RowsMut, quantize_rows};
pub use relative_bias::{Buckets, RelativeBias};
pub use row_dot::row_dot;
pub use rows::{Rows, RowsMut};
pub use softmax::softmax_rows;
pub use state_weights::StateWeights;
pub(crate) use table::AHEAD;
pub use table::Table;
pub use topk::{Hit, TopK, topk};

#[cfg(test)]
pub(crate) mod testing;
