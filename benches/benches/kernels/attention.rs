//! Attention of one text, in f32 and in codes: scores and mixes beside as many multiply-accumulates in registers.

use modeldeploy::isa::Isa;
use modeldeploy::kernels::{
    Attention, Rows, RowsMut, attention, attention_i8, attention_i8_scratch, attention_scratch,
};
use modeldeploy_benches::machine::Work;
use modeldeploy_benches::part::Parts;

use crate::noise;

const WIDTH: usize = 384;

/// Both on one instruction set.
pub(crate) fn all(parts: &mut Parts, isa: Isa) {
    for len in [8, 16, 32, 128, 512] {
        let qkv = noise(len * 3 * WIDTH);
        let part = |i: usize| Rows { values: &qkv[i * WIDTH..], stride: 3 * WIDTH };
        let segments = [0, len as u32];
        let inputs = Attention {
            q: part(0),
            k: part(1),
            v: part(2),
            segments: &segments,
            heads: 12,
            head_dim: 32,
            scale: 0.176_776_7,
            relative_bias: None,
            mask: None,
            causal: false,
        };
        let scratch = attention_scratch(len, 32).max(attention_i8_scratch(len, 32));
        let (mut scratch, mut out) = (vec![0.0; scratch], vec![0.0; len * WIDTH]);
        let macs = (2 * len * len * WIDTH) as u64;
        parts.bench("attention", isa, &format!("f32/12x32/{len}"), Work::Float(macs), || {
            attention(isa, inputs, &mut scratch, RowsMut::new(&mut out, WIDTH));
        });
        parts.bench("attention", isa, &format!("int8/12x32/{len}"), Work::Int8(macs), || {
            attention_i8(isa, inputs, &mut scratch, RowsMut::new(&mut out, WIDTH));
        });
    }
}
