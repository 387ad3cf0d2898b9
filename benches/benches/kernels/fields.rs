//! What rankers' networks are made of beside products: rows of tables, pairs of fields, products with the user, a recurrent unit.

use modeldeploy::isa::Isa;
use modeldeploy::kernels::{
    Bag, Beside, F32Panels, Fields, Gru, Rows, RowsMut, StateWeights, Table, bag, concat, gru, gru_scratch, pairs,
    row_dot,
};
use modeldeploy_benches::machine::Work;
use modeldeploy_benches::part::Parts;
use modeldeploy_format::program::Triangle;

use crate::{noise, noise_i8};

const WIDTH: usize = 64;
const ROWS: usize = 128;
/// DLRM's.
const FIELDS: usize = 27;
/// So many rows of a table that the caches do not hold it.
const ENTRIES: usize = 1 << 20;

/// Each of them on one instruction set.
pub(crate) fn all(parts: &mut Parts, isa: Isa) {
    bags(parts, isa);
    beside(parts, isa);
    for rows in [1, ROWS] {
        let (x, fields) = (noise(rows * FIELDS * WIDTH), FIELDS * WIDTH);
        let shape = Fields { count: FIELDS, width: WIDTH, triangle: Triangle::Lower, diagonal: false };
        let count = FIELDS * (FIELDS - 1) / 2;
        let mut out = vec![0.0; rows * count];
        let work = Work::Float((rows * count * WIDTH) as u64);
        parts.bench("pairs", isa, &format!("{rows}x{FIELDS}x{WIDTH}"), work, || {
            pairs(isa, Rows { values: &x, stride: fields }, rows, shape, RowsMut::new(&mut out, count));
        });
    }
    for texts in [1, 8] {
        recurrent(parts, isa, texts);
    }
}

fn bags(parts: &mut Parts, isa: Isa) {
    let (codes, scales) = (noise_i8(ENTRIES * WIDTH), noise(ENTRIES));
    let table = Table::I8 { codes: &codes, scales: &scales, offsets: None };
    // Others each time, so that no row is still in a cache.
    let ids: Vec<u32> = (0..64 * ROWS as u32).map(|at| at.wrapping_mul(2_654_435_769) >> 12).collect();
    let mut out = vec![0.0; ROWS * WIDTH];
    let mut at = 0;
    let work = Work::Read((ROWS * (WIDTH + 4)) as u64);
    parts.bench("bag", isa, &format!("int8/{ROWS}x{WIDTH}"), work, || {
        at = (at + ROWS) % ids.len();
        let bag_of = Bag { table, ids: &ids[at..], stride: 1, count: 1, mean: false, of: None };
        bag(isa, bag_of, ROWS, WIDTH, RowsMut::new(&mut out, WIDTH));
    });
}

fn beside(parts: &mut Parts, isa: Isa) {
    let (user, rows, of) = (noise(WIDTH), noise(ROWS * WIDTH), [0; ROWS]);
    let user = Beside { rows: Rows { values: &user, stride: WIDTH }, of: Some(&of) };
    let mut out = vec![0.0; ROWS * 2 * WIDTH];
    let work = Work::Copy((2 * 4 * ROWS * WIDTH) as u64);
    parts.bench("concat", isa, &format!("user/{ROWS}x{WIDTH}"), work, || {
        concat(isa, user, ROWS, WIDTH, RowsMut::new(&mut out, 2 * WIDTH));
    });
    let (mut scores, work) = (vec![0.0; ROWS], Work::Read((4 * ROWS * WIDTH) as u64));
    parts.bench("row_dot", isa, &format!("user/{ROWS}x{WIDTH}"), work, || {
        let rows = Rows { values: &rows, stride: WIDTH };
        row_dot(isa, rows, user, ROWS, WIDTH, RowsMut::new(&mut scores, 1));
    });
}

/// Sessions of 20 items.
fn recurrent(parts: &mut Parts, isa: Isa, texts: u32) {
    const ITEMS: u32 = 20;
    let rows = (texts * ITEMS) as usize;
    let (x, panels, bias) = (noise(rows * 3 * WIDTH), noise(3 * WIDTH * WIDTH), noise(3 * WIDTH));
    let segments: Vec<u32> = (0..=texts).map(|text| text * ITEMS).collect();
    let weights = StateWeights::F32(F32Panels { values: &panels, n: 3 * WIDTH, k: WIDTH });
    let x = Rows { values: &x, stride: 3 * WIDTH };
    let inputs = Gru { x, weights, bias: &bias, backward: false, segments: &segments };
    let (mut scratch, mut out) = (vec![0.0; gru_scratch(WIDTH)], vec![0.0; rows * WIDTH]);
    let work = Work::Float((rows * 3 * WIDTH * WIDTH) as u64);
    parts.bench("gru", isa, &format!("{texts}x{ITEMS}x{WIDTH}"), work, || {
        gru(isa, inputs, &mut scratch, RowsMut::new(&mut out, WIDTH));
    });
}
