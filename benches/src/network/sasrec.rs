//! SASRec: two blocks of causal self-attention, 64 wide, over a session of 50 items; the last state by each candidate's embedding.

use super::Stored;
use super::builder::{Builder, id};
use modeldeploy_format::features::Side;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::program::{
    Activation, Bag, Index, Lookup, Part, Pooling, Quantized, Rows, SlotId, Step, Storage, View,
};

/// Items that there are.
pub const ITEMS: u32 = 50_000;
/// Items of a session.
pub const SESSION: u32 = 50;

const WIDTH: u32 = 64;

/// The pack. A block is `x + attention(norm(x))`, then `x + dense(relu(dense(norm(x))))`.
pub fn sasrec(stored: Stored) -> Aligned {
    let mut b = Builder::new(stored);
    let (table, scales) = b.table("items", ITEMS, WIDTH);
    let (places, place_scales) = b.table("places", SESSION, WIDTH);
    let lookups = [
        Some(Lookup { table, scales, offsets: None, index: Index::Id { column: 0 } }),
        Some(Lookup { table: places, scales: place_scales, offsets: None, index: Index::Position { offset: 0 } }),
        None,
    ];
    let mut x = b.step(Rows::Tokens, WIDTH, |out| Step::Embed { lookups, out });
    for block in 0..2 {
        let name = |part: &str| format!("block.{block}.{part}");
        let (normed, read) = norm(&mut b, &name("norm.0"), x);
        let view = |slot, at| View { slot, column: at * WIDTH, width: WIDTH };
        let mixed = if block == 0 {
            let qkv = b.linear(&name("qkv"), read, 3 * WIDTH, Activation::Identity, None);
            let [q, k, v] = [0, 1, 2].map(|at| view(qkv, at));
            attention(&mut b, Rows::Tokens, [q, k, v])
        } else {
            // Of the last block the last row alone is read: the compiler's pass `early`.
            let row = last(&mut b, normed);
            let q = b.linear(&name("q"), row, WIDTH, Activation::Identity, None);
            let kv = b.linear(&name("kv"), read, 2 * WIDTH, Activation::Identity, None);
            x = last(&mut b, x);
            attention(&mut b, Rows::Texts, [view(q, 0), view(kv, 0), view(kv, 1)])
        };
        x = b.linear(&name("out"), mixed, WIDTH, Activation::Identity, Some(x));
        let (_, read) = norm(&mut b, &name("norm.1"), x);
        let hidden = b.linear(&name("dense.0"), read, WIDTH, Activation::Relu, None);
        x = b.linear(&name("dense.1"), hidden, WIDTH, Activation::Identity, Some(x));
    }
    let (gamma, beta) = (b.ones("last.gamma", WIDTH), b.vector("last.beta", WIDTH, 0.1));
    let user =
        b.step(Rows::Texts, WIDTH, |out| Step::LayerNorm { x, gamma, beta, epsilon: 1e-8, out, quantized: None });
    let item = Part::Bag(Bag { table, scales, offsets: None, of: Rows::Candidates, column: 0, count: 1, mean: false });
    let item = b.concat(Rows::Candidates, WIDTH, &[item]);
    let out = b.step(Rows::Candidates, 1, |out| Step::Dot { a: item, b: user, out });
    let features = vec![id("seen".into(), Side::Session, ITEMS), id("item".into(), Side::Candidate, ITEMS)];
    b.finish(out, features, SESSION)
}

/// Attention of one head, of all tokens to those before them or of one query a session to all.
fn attention(b: &mut Builder, rows: Rows, [q, k, v]: [View; 3]) -> SlotId {
    let all = rows == Rows::Tokens;
    let (int8, causal) = (all && b.stored == Stored::Int8, all);
    b.step(rows, WIDTH, |out| Step::Attention { q, k, v, heads: 1, scale: 0.125, bias: None, int8, causal, out })
}

/// The last row of each session.
fn last(b: &mut Builder, x: SlotId) -> SlotId {
    b.step(Rows::Texts, WIDTH, |out| Step::Pool { x, pooling: Pooling::Last, out })
}

/// The normalized rows, and those that a linear layer reads.
fn norm(b: &mut Builder, name: &str, x: SlotId) -> (SlotId, SlotId) {
    let (gamma, beta) = (b.ones(&format!("{name}.gamma"), WIDTH), b.vector(&format!("{name}.beta"), WIDTH, 0.1));
    let rows = b.rows(x);
    let codes = (b.stored == Stored::Int8).then(|| b.slot(rows, Storage::Q8, WIDTH));
    let quantized = codes.map(|out| Quantized { gamma, beta, out });
    let out = b.step(rows, WIDTH, |out| Step::LayerNorm { x, gamma, beta, epsilon: 1e-8, out, quantized });
    (out, codes.unwrap_or(out))
}
