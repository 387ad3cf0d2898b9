//! Small transformers packed by hand, with the numbers that each of their tensors stands for.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod feed;
pub(crate) mod means;
pub(crate) mod nearby;
pub(crate) mod network;
mod overlap;
pub(crate) mod shelf;

use modeldeploy::format::golden::Golden;
use modeldeploy::format::pack::{Aligned, Contents, Writer};
use modeldeploy::format::program::{
    self, Activation, Index, Lookup, Pooling, Program, Quantized, RelativeBias, Rows, Slot, SlotId, Step, Storage,
    TensorId, View, Weights,
};
use modeldeploy::format::tensor::{Layout, PANEL, QUAD};
use modeldeploy::format::tokenizer::{self, Added, Bpe, Classes, Part, Splitter, Template, Trim, Truncation};
use modeldeploy::format::{DType, Signature, Task};

pub(crate) const VOCABULARY: u32 = 13;
pub(crate) const TYPES: u32 = 2;
pub(crate) const MAX_TOKENS: u32 = SMALL.max_tokens;
const POSITION_OFFSET: u32 = 2;

/// The size of a transformer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) layers: u32,
    pub(crate) width: u32,
    pub(crate) hidden: u32,
    pub(crate) heads: u32,
    pub(crate) max_tokens: u32,
}

/// Its widths are not a multiple of any vector length, so that every kernel meets its tail.
pub(crate) const SMALL: Size = Size { layers: 1, width: 20, hidden: 37, heads: 4, max_tokens: 9 };

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Precision {
    F32,
    Bf16,
    Int8,
}

/// What stands after the transformer's layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Head {
    /// Mean pooling to unit length, and a relative bias in attention.
    Embed,
    /// The first token's row through a dense layer with tanh to the probabilities of three labels.
    Classify,
    /// The first token's row through a dense layer to one number.
    Score,
}

/// A pack and what the stored numbers of each tensor stand for, row-major, by tensor.
pub(crate) struct Built {
    pub(crate) pack: Aligned,
    pub(crate) logical: Vec<Vec<f64>>,
}

/// A seeded generator (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u32) -> u32 {
        ((self.bits() >> 32) % u64::from(end)) as u32
    }

    pub(crate) fn float(&mut self, size: f32) -> f32 {
        ((self.bits() >> 40) as f32 / 8_388_608.0 - 1.0) * size
    }
}

pub(crate) fn build(precision: Precision, head: Head, goldens: Vec<Golden>) -> Built {
    build_planned(SMALL, precision, head, goldens, |_| {})
}

/// A model of that size.
pub(crate) fn build_sized(size: Size, precision: Precision, head: Head) -> Built {
    build_planned(size, precision, head, vec![], |program| overlap::plan(program, true))
}

/// The same model, its slots over one another wherever their lives allow it; `in_place`, an output also over an input that ends.
pub(crate) fn build_overlapping(precision: Precision, head: Head, in_place: bool) -> Built {
    build_planned(SMALL, precision, head, vec![], |program| overlap::plan(program, in_place))
}

fn build_planned(
    size: Size,
    precision: Precision,
    head: Head,
    goldens: Vec<Golden>,
    plan: impl Fn(&mut Program),
) -> Built {
    let mut builder = Builder::new(size, precision);
    let output = builder.model(head);
    let Builder { writer, logical, slots, steps, .. } = builder;
    let mut program = Program { slots, steps, parts: vec![], output };
    plan(&mut program);
    let (task, outputs, labels) = match head {
        Head::Embed => (Task::Embed, size.width, vec![]),
        Head::Classify => (Task::Classify, 3, ["bad", "fair", "good"].map(str::to_owned).to_vec()),
        Head::Score => (Task::Score, 1, vec![]),
    };
    let signature = Signature {
        task,
        max_tokens: size.max_tokens,
        outputs,
        normalized: head == Head::Embed,
        labels,
        prompts: vec![("query".to_owned(), "q: ".to_owned())],
        default_prompt: None,
        features: vec![],
    };
    let contents = Contents { signature, program, tokenizer: bytes_as_tokens(), goldens };
    Built { pack: writer.finish(&contents).expect("a sound pack"), logical }
}

struct Builder {
    size: Size,
    precision: Precision,
    random: Random,
    writer: Writer,
    logical: Vec<Vec<f64>>,
    slots: Vec<Slot>,
    steps: Vec<Step>,
    /// Where the next slot begins, by kind of rows.
    ends: [u64; 3],
    parts: Vec<program::Part>,
}

impl Builder {
    fn new(size: Size, precision: Precision) -> Builder {
        let (writer, random) = (Writer::new(), Random(42));
        Builder {
            size,
            precision,
            random,
            writer,
            logical: vec![],
            slots: vec![],
            steps: vec![],
            ends: [0; 3],
            parts: vec![],
        }
    }

    fn model(&mut self, head: Head) -> SlotId {
        let Size { layers, width, hidden: hidden_width, heads, max_tokens } = self.size;
        // A token that random texts have often.
        let positions = match head {
            Head::Embed => Index::Position { offset: POSITION_OFFSET },
            _ => Index::Counted { padding: 3 },
        };
        let lookups = [
            Some(self.table("words", VOCABULARY, Index::TokenId)),
            Some(self.table("positions", max_tokens + POSITION_OFFSET, positions)),
            Some(self.table("types", TYPES, Index::TokenType)),
        ];
        let embedded = self.slot(Rows::Tokens, Storage::F32, width);
        self.steps.push(Step::Embed { lookups, out: embedded });
        let mut y = embedded;
        for _ in 0..layers {
            let (x, quantized) = self.norm(y);
            let qkv = self.linear(quantized, 3 * width, width, Activation::Identity, None);
            let [q, k, v] = [0, 1, 2].map(|i| View { slot: qkv, column: i * width, width });
            let bias = (head == Head::Embed)
                .then(|| RelativeBias { table: self.plain("bias", &[8, heads], 0.5), max_distance: 6 });
            let mixed = self.slot(Rows::Tokens, Storage::F32, width);
            self.steps.push(Step::Attention {
                q,
                k,
                v,
                heads,
                scale: 0.447,
                bias,
                int8: self.precision == Precision::Int8,
                causal: false,
                out: mixed,
            });
            let mixed = self.quantize(mixed, width);
            let attended = self.linear(mixed, width, width, Activation::Identity, Some(x));
            let (x, quantized) = self.norm(attended);
            let hidden = self.linear(quantized, hidden_width, width, Activation::Gelu, None);
            let hidden = self.quantize(hidden, hidden_width);
            y = self.linear(hidden, width, hidden_width, Activation::Identity, Some(x));
        }
        let doubled = self.slot(Rows::Tokens, Storage::F32, width);
        self.steps.push(Step::Add { a: y, b: y, out: doubled });
        let bent = self.slot(Rows::Tokens, Storage::F32, width);
        self.steps.push(Step::Activate { x: doubled, activation: Activation::Tanh, out: bent });
        let sum = self.slot(Rows::Tokens, Storage::F32, width);
        let (a, b) = if head == Head::Embed { (bent, y) } else { (y, bent) };
        self.steps.push(Step::Add { a, b, out: sum });
        let pooled = self.slot(Rows::Texts, Storage::F32, width);
        let pooling = if head == Head::Embed { Pooling::Mean } else { Pooling::Cls };
        self.steps.push(Step::Pool { x: sum, pooling, out: pooled });
        if head == Head::Embed {
            let out = self.slot(Rows::Texts, Storage::F32, width);
            self.steps.push(Step::Normalize { x: pooled, out });
            return out;
        }
        let pooled = self.quantize(pooled, width);
        if head == Head::Score {
            return self.linear(pooled, 1, width, Activation::Sigmoid, None);
        }
        let dense = self.linear(pooled, width, width, Activation::Identity, None);
        let squashed = self.slot(Rows::Texts, Storage::F32, width);
        self.steps.push(Step::Activate { x: dense, activation: Activation::Tanh, out: squashed });
        let squashed = self.quantize(squashed, width);
        let logits = self.linear(squashed, 3, width, Activation::Identity, None);
        let out = self.slot(Rows::Texts, Storage::F32, 3);
        self.steps.push(Step::Softmax { x: logits, out });
        out
    }

    /// Slots one after the other: no two overlap.
    fn slot(&mut self, rows: Rows, storage: Storage, width: u32) -> SlotId {
        let end = &mut self.ends[rows as usize];
        let slot = Slot { rows, storage, width, offset: *end };
        *end = slot.end();
        self.slots.push(slot);
        SlotId(self.slots.len() as u32 - 1)
    }

    fn floats(&mut self, count: u32, size: f32) -> Vec<f32> {
        (0..count).map(|_| self.random.float(size)).collect()
    }

    fn plain(&mut self, name: &str, dims: &[u32], size: f32) -> TensorId {
        let values = self.floats(dims.iter().product(), size);
        self.push_floats(name, dims, &values)
    }

    fn push_floats(&mut self, name: &str, dims: &[u32], values: &[f32]) -> TensorId {
        self.push(
            name,
            DType::F32,
            Layout::Plain,
            dims,
            bytes(values, |v| v.to_le_bytes()),
            values.iter().map(|&v| v.into()).collect(),
        )
    }

    fn push(
        &mut self,
        name: &str,
        dtype: DType,
        layout: Layout,
        dims: &[u32],
        stored: Vec<u8>,
        logical: Vec<f64>,
    ) -> TensorId {
        self.logical.push(logical);
        self.writer.tensor(name, dtype, layout, dims, &stored)
    }

    fn table(&mut self, name: &str, rows: u32, index: Index) -> Lookup {
        let (table, scales) = self.stored(name, rows);
        Lookup { table, scales, offsets: None, index }
    }

    /// A table as wide as the model, two codes a byte in the pack, with the scales and offsets of its rows.
    fn nibbles(&mut self, name: &str, rows: u32) -> [TensorId; 3] {
        let width = self.size.width as usize;
        let codes: Vec<u8> = (0..rows as usize * width).map(|_| (self.random.float(8.0) + 8.0) as u8).collect();
        let (scales, offsets) = (self.floats(rows, 0.1), self.floats(rows, 1.0));
        let worth = |(at, &code): (usize, &u8)| f64::from(code) * f64::from(scales[at / width]);
        let logical = codes.iter().enumerate().map(worth).collect();
        let pair = |pair: &[u8]| pair[0] | pair.get(1).map_or(0, |second| second << 4);
        let stored = codes.chunks(width).flat_map(|row| row.chunks(2).map(pair)).collect();
        let table = self.push(name, DType::U4, Layout::Plain, &[rows, width as u32], stored, logical);
        [table, self.push_floats("scales", &[rows], &scales), self.push_floats("offsets", &[rows], &offsets)]
    }

    /// A table as wide as the model, and the scales of its rows.
    fn stored(&mut self, name: &str, rows: u32) -> (TensorId, Option<TensorId>) {
        let width = self.size.width;
        let dims = [rows, width];
        let values = self.floats(rows * width, 1.0);
        match self.precision {
            Precision::F32 => (self.push_floats(name, &dims, &values), None),
            Precision::Bf16 => {
                let halves: Vec<u16> = values.iter().map(|&v| bf16(v)).collect();
                let logical = halves.iter().map(|&half| from_bf16(half)).collect();
                let table =
                    self.push(name, DType::Bf16, Layout::Plain, &dims, bytes(&halves, |v| v.to_le_bytes()), logical);
                (table, None)
            }
            Precision::Int8 => {
                let (codes, scales) = by_row(&values, width);
                let logical = dequantized(&codes, &scales, width);
                let table =
                    self.push(name, DType::I8, Layout::Plain, &dims, bytes(&codes, |v| v.to_le_bytes()), logical);
                let scales = self.push_floats("scales", &[rows], &scales);
                (table, Some(scales))
            }
        }
    }

    /// The normalized rows, and what a linear layer reads of them: for int8 the second, smoothed output.
    fn norm(&mut self, x: SlotId) -> (SlotId, SlotId) {
        let width = self.size.width;
        let (gamma, beta) = (self.plain("gamma", &[width], 1.5), self.plain("beta", &[width], 0.5));
        let out = self.slot(Rows::Tokens, Storage::F32, width);
        let quantized = (self.precision == Precision::Int8).then(|| Quantized {
            gamma: self.plain("gamma2", &[width], 1.0),
            beta: self.plain("beta2", &[width], 0.3),
            out: self.slot(Rows::Tokens, Storage::Q8, width),
        });
        self.steps.push(Step::LayerNorm { x, gamma, beta, epsilon: 1e-5, out, quantized });
        (out, quantized.map_or(out, |quantized| quantized.out))
    }

    /// The slot that a linear layer of this precision can read.
    fn quantize(&mut self, x: SlotId, width: u32) -> SlotId {
        if self.precision != Precision::Int8 {
            return x;
        }
        // What a linear layer made last, it can quantize itself.
        if matches!(self.steps.last(), Some(&Step::Linear { residual: None, out, .. }) if out == x) {
            self.slots[x.0 as usize].storage = Storage::Q8;
            return x;
        }
        let out = self.slot(self.slots[x.0 as usize].rows, Storage::Q8, width);
        self.steps.push(Step::Quantize { x, out });
        out
    }

    fn linear(&mut self, x: SlotId, n: u32, k: u32, activation: Activation, residual: Option<SlotId>) -> SlotId {
        let values = self.floats(n * k, 0.4);
        let weights = self.weights(&values, n, k);
        let bias = Some(self.plain("bias", &[n], 0.2));
        let out = self.slot(self.slots[x.0 as usize].rows, Storage::F32, n);
        self.steps.push(Step::Linear { x, weights, bias, activation, residual, out });
        out
    }

    /// As the precision has them, or as f32 where it has codes.
    fn float_weights(&mut self, values: &[f32], n: u32, k: u32) -> Weights {
        let precision = self.precision;
        if precision == Precision::Int8 {
            self.precision = Precision::F32;
        }
        let weights = self.weights(values, n, k);
        self.precision = precision;
        weights
    }

    fn weights(&mut self, values: &[f32], n: u32, k: u32) -> Weights {
        let dims = [n, k];
        let panels = |at: &dyn Fn(usize) -> u32, unit: usize| panels(at, n as usize, k as usize, unit);
        match self.precision {
            Precision::F32 => {
                let stored: Vec<u8> =
                    panels(&|i| values[i].to_bits(), 1).iter().flat_map(|bits| bits.to_le_bytes()).collect();
                let logical = values.iter().map(|&v| v.into()).collect();
                Weights::Float(self.push("w", DType::F32, Layout::Panels, &dims, stored, logical))
            }
            Precision::Bf16 => {
                let stored: Vec<u8> = panels(&|i| bf16(values[i]).into(), 1)
                    .iter()
                    .flat_map(|&bits| (bits as u16).to_le_bytes())
                    .collect();
                let logical = values.iter().map(|&v| from_bf16(bf16(v))).collect();
                Weights::Float(self.push("w", DType::Bf16, Layout::Panels, &dims, stored, logical))
            }
            Precision::Int8 => {
                let (codes, scales) = by_row(values, k);
                let stored: Vec<u8> =
                    panels(&|i| (codes[i] as u8).into(), QUAD).iter().map(|&bits| bits as u8).collect();
                let logical = dequantized(&codes, &scales, k);
                let sums: Vec<i32> =
                    codes.chunks(k as usize).map(|row| row.iter().map(|&c| i32::from(c)).sum()).collect();
                let codes = self.push("w", DType::I8, Layout::QuadPanels, &dims, stored, logical);
                let scales = self.push_floats("w.scales", &[n], &scales);
                let sums_logical = sums.iter().map(|&sum| sum.into()).collect();
                let sums = self.push(
                    "w.sums",
                    DType::I32,
                    Layout::Plain,
                    &[n],
                    bytes(&sums, |v| v.to_le_bytes()),
                    sums_logical,
                );
                Weights::Int8 { codes, scales, sums }
            }
        }
    }
}

/// A tokenizer that gives each byte of a text the id `2 + byte % 11`, between 0 and 1; of a pair, the second text and the 1
/// after it are of type 1.
fn bytes_as_tokens() -> Vec<u8> {
    let pieces: Vec<String> = (0..VOCABULARY).map(|id| format!("piece {id}")).collect();
    let mut writer = tokenizer::begin(&pieces);
    Classes::write(&mut writer, &vec![0; 0x11_0000]);
    // A normalizer of no steps.
    writer.u32(0);
    writer.u32(0);
    Splitter::Whole.write(&mut writer);
    Bpe::write(&mut writer, &std::array::from_fn(|byte| token_of(byte as u8)), None, &[]);
    let no_keys = [0; 512];
    Added::write(&mut writer, &[], &no_keys, &no_keys);
    let [begin, end, end_of_pair] = [(0, 0), (1, 0), (1, 1)].map(|(id, type_id)| Part::Special { id, type_id });
    Template::write(&mut writer, &[begin, Part::First { type_id: 0 }, end]);
    Template::write(&mut writer, &[begin, Part::First { type_id: 0 }, end, Part::Second { type_id: 1 }, end_of_pair]);
    Trim::Off.write(&mut writer);
    Truncation::NONE.write(&mut writer);
    writer.into_bytes()
}

/// The id of a byte.
pub(crate) fn token_of(byte: u8) -> u32 {
    2 + u32::from(byte) % (VOCABULARY - 2)
}

/// `[n/16][k/unit][16][unit]`, filled up with zeros, of what `at` gives for the row-major place in `[n, k]`.
fn panels(at: &dyn Fn(usize) -> u32, n: usize, k: usize, unit: usize) -> Vec<u32> {
    let mut out = vec![];
    for panel in 0..n.div_ceil(PANEL) {
        for step in 0..k.div_ceil(unit) {
            for lane in 0..PANEL {
                for i in 0..unit {
                    let (row, column) = (panel * PANEL + lane, step * unit + i);
                    out.push(if row < n && column < k { at(row * k + column) } else { 0 });
                }
            }
        }
    }
    out
}

fn bytes<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| to_bytes(value)).collect()
}

/// The upper half, rounded to even.
fn bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

fn from_bf16(half: u16) -> f64 {
    f32::from_bits(u32::from(half) << 16).into()
}

/// Codes within ±127 and a scale for each row.
fn by_row(values: &[f32], width: u32) -> (Vec<i8>, Vec<f32>) {
    let rows = values.chunks(width as usize);
    let scales: Vec<f32> = rows.clone().map(|row| row.iter().fold(0f32, |most, v| most.max(v.abs())) / 127.0).collect();
    let codes = rows.zip(&scales).flat_map(|(row, scale)| row.iter().map(move |v| (v / scale).round() as i8)).collect();
    (codes, scales)
}

fn dequantized(codes: &[i8], scales: &[f32], width: u32) -> Vec<f64> {
    let rows = codes.chunks(width as usize).zip(scales);
    rows.flat_map(|(row, &scale)| row.iter().map(move |&code| f64::from(code) * f64::from(scale))).collect()
}
