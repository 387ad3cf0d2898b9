//! Slots, steps and tensors of a network, one after the other.

use super::Stored;
use modeldeploy_format::features::{Feature, Features, Rule, Side, Takes};
use modeldeploy_format::pack::{Aligned, NetworkContents, Writer};
use modeldeploy_format::program::{
    Activation, Bag, Part, PartRange, Program, Rows, Slot, SlotId, Step, Storage, TensorId, Weights,
};
use modeldeploy_format::tensor::{Layout, PANEL, QUAD};
use modeldeploy_format::{DType, Signature, Task};

/// `count` numbers in ±`size`, the same for the same seed (splitmix64).
pub(super) fn weights(seed: u64, count: usize, size: f32) -> impl Iterator<Item = f32> {
    let start = seed << 32;
    (start..start + count as u64).map(move |at| {
        let z = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 40) as f32 / 8_388_608.0 - 1.0) * size
    })
}

pub(super) struct Builder {
    pub(super) stored: Stored,
    writer: Writer,
    slots: Vec<Slot>,
    pub(super) steps: Vec<Step>,
    parts: Vec<Part>,
    /// Where the next slot begins, by kind of rows.
    ends: [u64; 3],
    /// The seed of the next weights.
    seed: u64,
}

impl Builder {
    pub(super) fn new(stored: Stored) -> Builder {
        let (slots, steps, parts) = (vec![], vec![], vec![]);
        Builder { stored, writer: Writer::new(), slots, steps, parts, ends: [0; 3], seed: 0 }
    }

    /// The pack, of sessions of up to `max_tokens` items and one score a candidate.
    pub(super) fn finish(self, output: SlotId, features: Vec<Feature>, max_tokens: u32) -> Aligned {
        let features = Features::new(features).expect("features with names of their own");
        let Builder { writer, slots, steps, parts, .. } = self;
        let program = Program { slots, steps, parts, output };
        let signature = Signature {
            task: Task::Rank,
            max_tokens,
            outputs: 1,
            normalized: false,
            labels: vec![],
            prompts: vec![],
            default_prompt: None,
            features: features.facts(),
        };
        let contents = NetworkContents { signature: &signature, program: &program, features: &features, goldens: &[] };
        writer.finish_network(&contents).expect("a sound network")
    }

    pub(super) fn slot(&mut self, rows: Rows, storage: Storage, width: u32) -> SlotId {
        let end = &mut self.ends[rows as usize];
        let slot = Slot { rows, storage, width, offset: *end };
        *end = slot.end().next_multiple_of(64);
        self.slots.push(slot);
        SlotId(self.slots.len() as u32 - 1)
    }

    /// What the rows of a slot follow.
    pub(super) fn rows(&self, slot: SlotId) -> Rows {
        self.slots[slot.0 as usize].rows
    }

    /// The output of a step, written by it.
    pub(super) fn step(&mut self, rows: Rows, width: u32, step: impl FnOnce(SlotId) -> Step) -> SlotId {
        let out = self.slot(rows, Storage::F32, width);
        self.steps.push(step(out));
        out
    }

    pub(super) fn concat(&mut self, rows: Rows, width: u32, parts: &[Part]) -> SlotId {
        let range = PartRange { first: self.parts.len() as u32, count: parts.len() as u32 };
        self.parts.extend_from_slice(parts);
        self.step(rows, width, |out| Step::Concat { parts: range, out })
    }

    fn next(&mut self, count: usize, size: f32) -> Vec<f32> {
        self.seed += 1;
        weights(self.seed, count, size).collect()
    }

    pub(super) fn vector(&mut self, name: &str, width: u32, size: f32) -> TensorId {
        let values = self.next(width as usize, size);
        self.floats(name, Layout::Plain, &[width], &values)
    }

    /// A vector of ones.
    pub(super) fn ones(&mut self, name: &str, width: u32) -> TensorId {
        self.floats(name, Layout::Plain, &[width], &vec![1.0; width as usize])
    }

    fn floats(&mut self, name: &str, layout: Layout, dims: &[u32], values: &[f32]) -> TensorId {
        self.writer.tensor(name, DType::F32, layout, dims, bytemuck::cast_slice(values))
    }

    /// A table, and the scales of its rows where it has codes.
    pub(super) fn table(&mut self, name: &str, rows: u32, width: u32) -> (TensorId, Option<TensorId>) {
        let values = self.next((rows * width) as usize, 0.5);
        match self.stored {
            Stored::F32 => (self.floats(name, Layout::Plain, &[rows, width], &values), None),
            Stored::Int8 => {
                let (codes, scales) = codes(&values, width as usize);
                let bytes = bytemuck::cast_slice(&codes);
                let table = self.writer.tensor(name, DType::I8, Layout::Plain, &[rows, width], bytes);
                (table, Some(self.floats(&format!("{name}.scales"), Layout::Plain, &[rows], &scales)))
            }
        }
    }

    /// One id of a table of its own.
    pub(super) fn bag(&mut self, name: &str, of: Rows, column: u32, (rows, width): (u32, u32)) -> Part {
        let (table, scales) = self.table(name, rows, width);
        Part::Bag(Bag { table, scales, offsets: None, of, column, count: 1, mean: false })
    }

    /// `activation(x · wᵀ + bias) + residual`; what it reads as codes, is made so.
    pub(super) fn linear(
        &mut self,
        name: &str,
        x: SlotId,
        n: u32,
        activation: Activation,
        residual: Option<SlotId>,
    ) -> SlotId {
        let (rows, k) = (self.slots[x.0 as usize].rows, self.slots[x.0 as usize].width);
        let values = self.next((n * k) as usize, 1.7 / (k as f32).sqrt());
        let bias = Some(self.vector(&format!("{name}.bias"), n, 0.1));
        let dims = [n, k];
        let (x, weights) = match self.stored {
            Stored::F32 => {
                let panels = panels(&values, (n as usize, k as usize), 1);
                (x, Weights::Float(self.floats(name, Layout::Panels, &dims, &panels)))
            }
            Stored::Int8 => {
                let (codes, scales) = codes(&values, k as usize);
                let sum = |row: &[i8]| row.iter().map(|&code| i32::from(code)).sum();
                let sums: Vec<i32> = codes.chunks(k as usize).map(sum).collect();
                let panels = panels(&codes, (n as usize, k as usize), QUAD);
                let codes =
                    self.writer.tensor(name, DType::I8, Layout::QuadPanels, &dims, bytemuck::cast_slice(&panels));
                let scales = self.floats(&format!("{name}.scales"), Layout::Plain, &[n], &scales);
                let sums = bytemuck::cast_slice(&sums);
                let sums = self.writer.tensor(&format!("{name}.sums"), DType::I32, Layout::Plain, &[n], sums);
                (self.coded(x), Weights::Int8 { codes, scales, sums })
            }
        };
        self.step(rows, n, |out| Step::Linear { x, weights, bias, activation, residual, out })
    }

    /// The slot as codes. What a linear layer made last, it makes codes itself.
    fn coded(&mut self, x: SlotId) -> SlotId {
        let slot = self.slots[x.0 as usize];
        if slot.storage == Storage::Q8 {
            return x;
        }
        if matches!(self.steps.last(), Some(&Step::Linear { residual: None, out, .. }) if out == x) {
            let out = self.slot(slot.rows, Storage::Q8, slot.width);
            if let Some(Step::Linear { out: to, .. }) = self.steps.last_mut() {
                *to = out;
            }
            return out;
        }
        let out = self.slot(slot.rows, Storage::Q8, slot.width);
        self.steps.push(Step::Quantize { x, out });
        out
    }
}

/// A number as it is, with its name.
pub(super) fn number(name: String, side: Side) -> Feature {
    Feature {
        name,
        side,
        repeated: false,
        takes: Takes::Number,
        rule: Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 },
    }
}

/// An id below `size`.
pub(super) fn id(name: String, side: Side, size: u32) -> Feature {
    Feature { name, side, repeated: false, takes: Takes::Id, rule: Rule::Id { size, unknown: Some(0) } }
}

/// Codes within ±127 and a scale for each row.
fn codes(values: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    let rows = values.chunks(width);
    let scales: Vec<f32> = rows.clone().map(|row| row.iter().fold(0f32, |most, v| most.max(v.abs())) / 127.0).collect();
    let codes = rows.zip(&scales).flat_map(|(row, scale)| row.iter().map(move |v| (v / scale).round() as i8)).collect();
    (codes, scales)
}

/// `[n/16][k/unit][16][unit]`, filled up with zeros.
fn panels<T: Copy + Default>(values: &[T], (n, k): (usize, usize), unit: usize) -> Vec<T> {
    let mut out = vec![];
    for panel in 0..n.div_ceil(PANEL) {
        for (step, lane) in (0..k.div_ceil(unit)).flat_map(|step| (0..PANEL).map(move |lane| (step, lane))) {
            for i in 0..unit {
                let (row, column) = (panel * PANEL + lane, step * unit + i);
                out.push(if row < n && column < k { values[row * k + column] } else { T::default() });
            }
        }
    }
    out
}
