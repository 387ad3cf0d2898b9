//! What stands between the products, row by row: its ceiling is the copying of the bytes that it reads and writes.

use modeldeploy::isa::Isa;
use modeldeploy::kernels::{
    Affine, LayerNorm, Lookup, Q8RowsMut, Rows, RowsMut, Table, activate, add, embed, l2_normalize, layer_norm,
    layer_norm_quantize, pool, quantize_rows, softmax_rows,
};
use modeldeploy_benches::machine::Work;
use modeldeploy_benches::part::Parts;
use modeldeploy_format::program::{Activation, Pooling, RowScale};

use crate::{noise, noise_i8};

const WIDTH: usize = 384;
const ROWS: usize = 16;
const VALUES: usize = ROWS * WIDTH;
/// So many entries of a table of embeddings.
const ENTRIES: usize = 4096;

/// Each of them on one instruction set.
pub(crate) fn all(parts: &mut Parts, isa: Isa) {
    let values = noise(VALUES);
    let x = Rows { values: &values, stride: WIDTH };
    norms(parts, isa, x);
    others(parts, isa, x);
    embeddings(parts, isa);
}

/// Bytes of so many f32 read and so many written.
fn floats(read: usize, written: usize) -> Work {
    Work::Copy(4 * (read + written) as u64)
}

fn name(kernel: &str) -> String {
    format!("{kernel}/{ROWS}x{WIDTH}")
}

fn norms(parts: &mut Parts, isa: Isa, x: Rows<'_>) {
    let (gamma, beta) = (noise(WIDTH), noise(WIDTH));
    let (mut out, mut codes, mut params) = (noise(VALUES), vec![0; VALUES], [RowScale::default(); ROWS]);
    let affine = Affine { gamma: &gamma, beta: &beta };
    let norm = LayerNorm { x: x.into(), residual: None, rows: ROWS, eps: 1e-12, affine };
    parts.bench("rows", isa, &name("layer_norm"), floats(VALUES, VALUES), || {
        layer_norm(isa, norm, RowsMut::new(&mut out, WIDTH));
    });
    let work = Work::Copy(9 * VALUES as u64);
    parts.bench("rows", isa, &name("layer_norm_quantize"), work, || {
        let codes = Q8RowsMut { codes: &mut codes, stride: WIDTH, params: &mut params };
        layer_norm_quantize(isa, norm, RowsMut::new(&mut out, WIDTH), affine, codes);
    });
    parts.bench("rows", isa, &name("quantize"), Work::Copy(5 * VALUES as u64), || {
        quantize_rows(isa, x, WIDTH, Q8RowsMut { codes: &mut codes, stride: WIDTH, params: &mut params });
    });
}

fn others(parts: &mut Parts, isa: Isa, x: Rows<'_>) {
    let mut out = vec![0.0; VALUES];
    for activation in Activation::ALL {
        let name = name(&format!("{activation:?}").to_lowercase());
        parts
            .bench("rows", isa, &name, floats(VALUES, VALUES), || activate(isa, activation, x.values.into(), &mut out));
    }
    parts.bench("rows", isa, &name("softmax"), floats(VALUES, VALUES), || {
        softmax_rows(isa, x.into(), ROWS, WIDTH, RowsMut::new(&mut out, WIDTH));
    });
    parts.bench("rows", isa, &name("l2_normalize"), floats(VALUES, VALUES), || {
        l2_normalize(isa, x.into(), ROWS, WIDTH, RowsMut::new(&mut out, WIDTH));
    });
    let y = noise(VALUES);
    parts.bench("rows", isa, &name("add"), floats(2 * VALUES, VALUES), || add(isa, x.values.into(), &y, &mut out));
    let segments = [0, ROWS as u32];
    for pooling in [Pooling::Mean, Pooling::Max] {
        let name = name(&format!("pool {pooling:?}").to_lowercase());
        parts.bench("rows", isa, &name, floats(VALUES, WIDTH), || {
            pool(isa, pooling, x, WIDTH, &segments, RowsMut::new(&mut out, WIDTH));
        });
    }
}

fn embeddings(parts: &mut Parts, isa: Isa) {
    let ids: Vec<u32> = (0..ROWS as u32).map(|row| row * 2_654_435 % ENTRIES as u32).collect();
    let (table, codes, scales) = (noise(ENTRIES * WIDTH), noise_i8(ENTRIES * WIDTH), noise(ENTRIES));
    let halves: Vec<u16> = table.iter().map(|w| (w.to_bits() >> 16) as u16).collect();
    let mut out = vec![0.0; VALUES];
    let kinds = [
        ("f32", 4, Table::F32(&table)),
        ("bf16", 2, Table::Bf16(&halves)),
        ("int8", 1, Table::I8 { codes: &codes, scales: &scales, offsets: None }),
    ];
    for (kind, bytes, table) in kinds {
        let lookups = [Lookup { table, ids: &ids }];
        parts.bench("rows", isa, &name(&format!("embed {kind}")), Work::Copy((VALUES * (bytes + 4)) as u64), || {
            embed(isa, &lookups, WIDTH, RowsMut::new(&mut out, WIDTH));
        });
    }
}
