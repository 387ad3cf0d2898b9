//! A ranker's network with every step: a session through attention and a recurrent unit to a user, who stands beside candidates.

use super::{Builder, Built, Precision, SMALL, overlap};
use modeldeploy::format::features::{Feature, Features, Rule, Side, Takes};
use modeldeploy::format::golden::requests::GoldenRequest;
use modeldeploy::format::pack::NetworkContents;
use modeldeploy::format::program::{
    Activation, Bag, IdMask, Index, Lookup, Part, PartRange, Pooling, Program, Rows, SlotId, Step, Storage, TensorId,
    Triangle, View, Weights,
};
use modeldeploy::format::{Signature, Task};

/// Numbers and ids with each item, user and candidate, by kind of rows.
pub(crate) const NUMBERS: [u32; 3] = [1, 2, 3];
pub(crate) const IDS: [&[u32]; 3] = [&[9, 5], &[4, 6], &[11, 5, 5, 3]];
/// The most items of a session.
pub(crate) const MAX_ITEMS: u32 = SMALL.max_tokens;
/// Scores of a candidate.
pub(crate) const OUTPUTS: u32 = 3;

const WIDTH: u32 = SMALL.width;

/// A network without golden requests; its slots over one another if `overlapping`.
pub(crate) fn build(precision: Precision, overlapping: bool) -> Built {
    build_with(precision, overlapping, &[])
}

pub(crate) fn build_with(precision: Precision, overlapping: bool, goldens: &[GoldenRequest]) -> Built {
    let mut builder = Builder::new(SMALL, precision);
    let output = builder.network();
    let Builder { writer, logical, slots, steps, parts, .. } = builder;
    let mut program = Program { slots, steps, parts, output };
    if overlapping {
        overlap::plan(&mut program, true);
    }
    let features = features();
    let signature = Signature {
        task: Task::Rank,
        max_tokens: MAX_ITEMS,
        outputs: OUTPUTS,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    let contents = NetworkContents { signature: &signature, program: &program, features: &features, goldens };
    Built { pack: writer.finish_network(&contents).expect("a sound network"), logical }
}

fn features() -> Features {
    let mut list = vec![];
    for (side, rows) in [(Side::Session, 0), (Side::User, 1), (Side::Candidate, 2)] {
        for at in 0..NUMBERS[rows] {
            let rule = Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 };
            list.push(Feature {
                name: format!("{} number {at}", side.name()),
                side,
                repeated: false,
                takes: Takes::Number,
                rule,
            });
        }
        for (at, &size) in IDS[rows].iter().enumerate() {
            let rule = Rule::Id { size, unknown: Some(0) };
            list.push(Feature {
                name: format!("{} id {at}", side.name()),
                side,
                repeated: false,
                takes: Takes::Id,
                rule,
            });
        }
    }
    Features::new(list).expect("features")
}

fn whole(slot: SlotId, width: u32) -> Part {
    Part::View(View { slot, column: 0, width })
}

impl Builder {
    fn network(&mut self) -> SlotId {
        let user = self.user();
        let numbers = Part::Numbers { of: Rows::Candidates, column: 0, count: 3 };
        let brand = self.bag(Rows::Candidates, 1, 2, true, true);
        let item = self.bag(Rows::Candidates, 0, 1, false, false);
        let kind = self.bag(Rows::Candidates, 3, 1, false, true);
        let club = self.small_bag(Rows::Texts, 1, 1, false);
        let fields = self.concat(Rows::Candidates, &[whole(user, WIDTH), item, brand, kind, club]);
        let of_user = IdMask { of: Rows::Texts, column: 0, id: 1, equal: -0.5, other: 0.5 };
        let of_candidate = IdMask { of: Rows::Candidates, column: 2, id: 3, equal: 2.0, other: 0.0 };
        let lower = self.pairs(fields, 5, Triangle::Lower, false);
        let upper = self.pairs(fields, 5, Triangle::Upper, true);
        let sum = self.like(Rows::Candidates, WIDTH, |x, out| Step::Sum { x, fields: 5, out }, fields);
        let own = self.column(fields, WIDTH, WIDTH);
        let wide = self.step(Rows::Candidates, WIDTH, |out| Step::Mul { a: sum, b: own, out });
        let dot = self.step(Rows::Candidates, 1, |out| Step::Dot { a: wide, b: user, out });
        let one = self.step(Rows::Candidates, 1, |out| Step::Dot { a: wide, b: own, out });
        let scaled = self.step(Rows::Candidates, WIDTH, |out| Step::Mul { a: wide, b: dot, out });
        let (gamma, beta) = (self.plain("gamma", &[WIDTH], 1.5), self.plain("beta", &[WIDTH], 0.5));
        let scaled = self.step(Rows::Candidates, WIDTH, |out| Step::Affine { x: scaled, gamma, beta, out });
        let unit = self.step(Rows::Candidates, WIDTH, |out| Step::Normalize { x: scaled, out });
        let bent =
            self.step(Rows::Candidates, WIDTH, |out| Step::Activate { x: unit, activation: Activation::Silu, out });
        let both = self.step(Rows::Candidates, WIDTH, |out| Step::Add { a: bent, b: own, out });
        let age = Part::Numbers { of: Rows::Texts, column: 1, count: 1 };
        let masks = [of_user, of_candidate].map(Part::Mask);
        let parts = [whole(lower, 10), whole(both, WIDTH), whole(upper, 15), numbers, whole(one, 1), age];
        let joined = self.concat(Rows::Candidates, &[&parts[..], &masks].concat());
        let joined = self.quantize(joined, WIDTH + 32);
        let hidden = self.linear(joined, 37, WIDTH + 32, Activation::Relu, None);
        let hidden = self.quantize(hidden, 37);
        let out = self.linear(hidden, OUTPUTS, 37, Activation::Sigmoid, None);
        self.step(Rows::Candidates, OUTPUTS, |to| Step::Softmax { x: out, out: to })
    }

    /// From the session and what is known of the user.
    fn user(&mut self) -> SlotId {
        let mut seen = self.table("seen", IDS[0][0], Index::Id { column: 0 });
        let mut places = self.table("places", MAX_ITEMS + 1, Index::Position { offset: 1 });
        if self.precision == Precision::Int8 {
            seen.offsets = Some(self.plain("seen.offsets", &[IDS[0][0]], 0.5));
            let [table, scales, offsets] = self.nibbles("places", MAX_ITEMS + 1);
            places = Lookup { table, scales: Some(scales), offsets: Some(offsets), index: places.index };
        }
        let items = self.slot(Rows::Tokens, Storage::F32, WIDTH);
        self.steps.push(Step::Embed { lookups: [Some(seen), Some(places), None], out: items });
        let left = self.table("left", MAX_ITEMS, Index::FromEnd);
        let kept = self.slot(Rows::Tokens, Storage::F32, WIDTH);
        self.steps.push(Step::Embed { lookups: [Some(left), None, None], out: kept });
        let items = self.step(Rows::Tokens, WIDTH, |out| Step::Add { a: items, b: kept, out });
        let bought = self.bag(Rows::Tokens, 1, 1, false, true);
        let price = Part::Numbers { of: Rows::Tokens, column: 0, count: 1 };
        let joined = self.concat(Rows::Tokens, &[whole(items, WIDTH), price, bought]);
        let joined = self.quantize(joined, 2 * WIDTH + 1);
        let items = self.linear(joined, WIDTH, 2 * WIDTH + 1, Activation::Identity, None);
        let (x, quantized) = self.norm(items);
        let qkv = self.linear(quantized, 3 * WIDTH, WIDTH, Activation::Identity, None);
        let [q, k, v] = [0, 1, 2].map(|i| View { slot: qkv, column: i * WIDTH, width: WIDTH });
        let int8 = self.precision == Precision::Int8;
        let attention = |out| Step::Attention { q, k, v, heads: 4, scale: 0.447, bias: None, int8, causal: true, out };
        let mixed = self.step(Rows::Tokens, WIDTH, attention);
        // Keys of some ids are hidden in part.
        let keys = IdMask { of: Rows::Tokens, column: 0, id: 4, equal: -2.5, other: 0.5 };
        let mask = self.concat(Rows::Tokens, &[Part::Mask(keys)]);
        let masked =
            |out| Step::MaskedAttention { q, k, v, heads: 2, scale: 0.3, mask, causal: false, safe: true, out };
        let masked = self.step(Rows::Tokens, WIDTH, masked);
        let mixed = self.step(Rows::Tokens, WIDTH, |out| Step::Add { a: mixed, b: masked, out });
        let mixed = self.quantize(mixed, WIDTH);
        let attended = self.linear(mixed, WIDTH, WIDTH, Activation::Identity, Some(x));
        let read = self.quantize(attended, WIDTH);
        let gates = self.linear(read, 3 * WIDTH, WIDTH, Activation::Identity, None);
        let weights = self.state_weights(3);
        let bias = self.plain("gru.bias", &[3 * WIDTH], 0.3);
        let states = self.step(Rows::Tokens, WIDTH, |out| Step::Gru { x: gates, weights, bias, backward: false, out });
        let back = self.step(Rows::Tokens, WIDTH, |out| Step::Gru { x: gates, weights, bias, backward: true, out });
        let gates = self.linear(read, 4 * WIDTH, WIDTH, Activation::Identity, None);
        let weights = self.state_weights(4);
        let cells = self.step(Rows::Tokens, WIDTH, |out| Step::Lstm { x: gates, weights, backward: false, out });
        let cells_back = self.step(Rows::Tokens, WIDTH, |out| Step::Lstm { x: gates, weights, backward: true, out });
        let four = [states, back, cells, cells_back].map(|slot| whole(slot, WIDTH));
        let four = self.concat(Rows::Tokens, &four);
        let greatest = self.step(Rows::Tokens, WIDTH, |out| Step::Max { x: four, fields: 4, out });
        let mask = IdMask { of: Rows::Tokens, column: 1, id: 2, equal: 0.25, other: 1.5 };
        let mask = self.concat(Rows::Tokens, &[Part::Mask(mask)]);
        let states = self.step(Rows::Tokens, WIDTH, |out| Step::Mul { a: greatest, b: mask, out });
        let pool = |x, pooling| move |out| Step::Pool { x, pooling, out };
        let last = self.step(Rows::Texts, WIDTH, pool(states, Pooling::Last));
        let all = self.step(Rows::Texts, WIDTH, pool(attended, Pooling::Sum));
        let read = self.quantize(last, WIDTH);
        let query = self.linear(read, WIDTH, WIDTH, Activation::Identity, None);
        let q = View { slot: query, column: 0, width: WIDTH };
        let attention =
            |out| Step::Attention { q, k, v, heads: 2, scale: 0.3, bias: None, int8: false, causal: false, out };
        let looked = self.step(Rows::Texts, WIDTH, attention);
        let home = self.small_bag(Rows::Texts, 0, 1, true);
        let numbers = Part::Numbers { of: Rows::Texts, column: 0, count: 2 };
        let known =
            self.concat(Rows::Texts, &[numbers, whole(last, WIDTH), home, whole(all, WIDTH), whole(looked, WIDTH)]);
        let known = self.quantize(known, 4 * WIDTH + 2);
        self.linear(known, WIDTH, 4 * WIDTH + 2, Activation::Tanh, None)
    }

    /// The weights of a recurrent layer of so many gates.
    fn state_weights(&mut self, gates: u32) -> TensorId {
        let weights = self.floats(gates * WIDTH * WIDTH, 0.4);
        match self.float_weights(&weights, gates * WIDTH, WIDTH) {
            Weights::Float(weights) => weights,
            Weights::Int8 { .. } => unreachable!("a recurrent layer has weights of floats"),
        }
    }

    /// The output of a step, written by it.
    fn step(&mut self, rows: Rows, width: u32, step: impl FnOnce(SlotId) -> Step) -> SlotId {
        let out = self.slot(rows, Storage::F32, width);
        self.steps.push(step(out));
        out
    }

    fn like(&mut self, rows: Rows, width: u32, step: impl FnOnce(SlotId, SlotId) -> Step, x: SlotId) -> SlotId {
        self.step(rows, width, |out| step(x, out))
    }

    fn pairs(&mut self, x: SlotId, fields: u32, triangle: Triangle, diagonal: bool) -> SlotId {
        let width = Triangle::pairs(fields, diagonal) as u32;
        self.step(Rows::Candidates, width, |out| Step::Pairs { x, fields, triangle, diagonal, out })
    }

    /// Some columns of a slot as one of their own.
    fn column(&mut self, slot: SlotId, column: u32, width: u32) -> SlotId {
        let rows = self.slots[slot.0 as usize].rows;
        self.concat(rows, &[Part::View(View { slot, column, width })])
    }

    fn concat(&mut self, rows: Rows, parts: &[Part]) -> SlotId {
        let width = parts.iter().map(|part| match *part {
            Part::View(view) => view.width,
            Part::Numbers { count, .. } => count,
            Part::Bag(_) => WIDTH,
            Part::Mask(_) => 1,
        });
        let width = width.sum();
        let range = PartRange { first: self.parts.len() as u32, count: parts.len() as u32 };
        self.parts.extend_from_slice(parts);
        self.step(rows, width, |out| Step::Concat { parts: range, out })
    }

    /// A bag over a table as long as the least of its ids allows; with offsets where it has scales and they are asked for.
    fn bag(&mut self, of: Rows, column: u32, count: u32, mean: bool, offsets: bool) -> Part {
        let rows = Self::rows(of, column, count);
        let (table, scales) = self.stored("table", rows);
        let offsets = (offsets && scales.is_some()).then(|| self.plain("offsets", &[rows], 0.5));
        Part::Bag(Bag { table, scales, offsets, of, column, count, mean })
    }

    /// The same in 4 bits where the precision is int8, and without offsets where it is not.
    fn small_bag(&mut self, of: Rows, column: u32, count: u32, mean: bool) -> Part {
        if self.precision != Precision::Int8 {
            return self.bag(of, column, count, mean, false);
        }
        let [table, scales, offsets] = self.nibbles("nibbles", Self::rows(of, column, count));
        Part::Bag(Bag { table, scales: Some(scales), offsets: Some(offsets), of, column, count, mean })
    }

    fn rows(of: Rows, column: u32, count: u32) -> u32 {
        let ids = &IDS[of as usize][column as usize..][..count as usize];
        *ids.iter().min().expect("a bag of some ids")
    }
}
