//! An output lies over an input exactly and where its step works in place, or the program is refused.

use modeldeploy_format::pack::{Contents, PackError, Writer};
use modeldeploy_format::program::{
    Activation, Index, Lookup, Pooling, Program, Quantized, Rows, Slot, SlotId, Step, Storage, TensorId, View, Weights,
};
use modeldeploy_format::tensor::Layout;
use modeldeploy_format::{DType, Signature, Task};
use proptest::prelude::*;

const WIDTH: u32 = 16;
/// The bytes of an f32 slot's row.
const ROW: u64 = 64;

const TABLE: TensorId = TensorId(0);
const VECTOR: TensorId = TensorId(1);
const FLOATS: Weights = Weights::Float(TensorId(2));
const CODES: Weights = Weights::Int8 { codes: TensorId(3), scales: VECTOR, sums: TensorId(4) };

/// The rows of two embeddings, the first in 8 bit, the output of the step at hand, its 8-bit output, what is pooled.
const A: SlotId = SlotId(0);
const B: SlotId = SlotId(1);
const Q8: SlotId = SlotId(2);
const OUT: SlotId = SlotId(3);
const OUT_Q8: SlotId = SlotId(4);
const POOLED: SlotId = SlotId(5);

fn finish(slots: Vec<Slot>, steps: Vec<Step>) -> Result<(), PackError> {
    let mut writer = Writer::new();
    writer.tensor("words", DType::F32, Layout::Plain, &[1, WIDTH], &[0; 64]);
    writer.tensor("vector", DType::F32, Layout::Plain, &[WIDTH], &[0; 64]);
    writer.tensor("w", DType::F32, Layout::Panels, &[WIDTH, WIDTH], &[0; 1024]);
    writer.tensor("w8", DType::I8, Layout::QuadPanels, &[WIDTH, WIDTH], &[0; 256]);
    writer.tensor("w8.sums", DType::I32, Layout::Plain, &[WIDTH], &[0; 64]);
    let signature = Signature {
        task: Task::Embed,
        max_tokens: 8,
        outputs: WIDTH,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    };
    let program = Program { slots, steps, parts: vec![], output: POOLED };
    writer.finish(&Contents { signature, program, tokenizer: vec![], goldens: vec![] }).map(|_| ())
}

fn slot(rows: Rows, storage: Storage, offset: u64) -> Slot {
    Slot { rows, storage, width: WIDTH, offset }
}

/// `A` at 0 and `B` behind it, then the outputs as given, far from `Q8`.
fn slots(out: u64, out_q8: u64) -> Vec<Slot> {
    let tokens = |storage, offset| slot(Rows::Tokens, storage, offset);
    vec![
        tokens(Storage::F32, 0),
        tokens(Storage::F32, ROW),
        tokens(Storage::Q8, 10 * ROW),
        tokens(Storage::F32, out),
        tokens(Storage::Q8, out_q8),
        slot(Rows::Texts, Storage::F32, 0),
    ]
}

fn embed(out: SlotId) -> Step {
    Step::Embed {
        lookups: [Some(Lookup { table: TABLE, scales: None, offsets: None, index: Index::TokenId }), None, None],
        out,
    }
}

fn norm(x: SlotId, out: SlotId, quantized: Option<SlotId>) -> Step {
    let quantized = quantized.map(|out| Quantized { gamma: VECTOR, beta: VECTOR, out });
    Step::LayerNorm { x, gamma: VECTOR, beta: VECTOR, epsilon: 0.0, out, quantized }
}

fn linear(x: SlotId, weights: Weights, activation: Activation, residual: Option<SlotId>, out: SlotId) -> Step {
    Step::Linear { x, weights, bias: None, activation, residual, out }
}

fn attention(x: SlotId, out: SlotId) -> Step {
    let view = View { slot: x, column: 0, width: WIDTH };
    Step::Attention { q: view, k: view, v: view, heads: 2, scale: 1.0, bias: None, int8: false, causal: false, out }
}

/// `step` between what it may read and what reads `OUT`.
fn program(step: Step) -> Vec<Step> {
    let pool = Step::Pool { x: OUT, pooling: Pooling::Mean, out: POOLED };
    vec![embed(A), embed(B), Step::Quantize { x: A, out: Q8 }, step, pool]
}

#[test]
fn a_step_works_in_place_exactly_over_the_inputs_that_it_allows() {
    let plain = Activation::Identity;
    let cases: [(Step, &[SlotId]); 19] = [
        (Step::Add { a: A, b: B, out: OUT }, &[A, B]),
        (Step::Add { a: A, b: A, out: OUT }, &[]),
        (norm(A, OUT, None), &[A]),
        (norm(A, OUT, Some(OUT_Q8)), &[A]),
        (Step::Normalize { x: A, out: OUT }, &[A]),
        (Step::Activate { x: A, activation: Activation::Tanh, out: OUT }, &[A]),
        (Step::Softmax { x: B, out: OUT }, &[B]),
        (linear(A, FLOATS, plain, None, OUT), &[]),
        (linear(A, FLOATS, plain, Some(B), OUT), &[B]),
        (linear(A, FLOATS, plain, Some(A), OUT), &[]),
        (linear(A, FLOATS, Activation::Gelu, Some(B), OUT), &[]),
        (linear(Q8, CODES, plain, Some(A), OUT), &[A]),
        (linear(Q8, CODES, Activation::Gelu, Some(A), OUT), &[]),
        (attention(A, OUT), &[]),
        (Step::Mul { a: A, b: B, out: OUT }, &[A]),
        (Step::Mul { a: B, b: A, out: OUT }, &[B]),
        (Step::Mul { a: A, b: A, out: OUT }, &[]),
        (Step::Affine { x: B, gamma: VECTOR, beta: VECTOR, out: OUT }, &[B]),
        (Step::Sum { x: A, fields: 1, out: OUT }, &[]),
    ];
    for (step, allowed) in cases {
        let mut in_place = vec![];
        for offset in (0..=2 * ROW).step_by(4) {
            let slots = slots(offset, 20 * ROW);
            let out = slots[OUT.0 as usize];
            let over: Vec<SlotId> = step.own_inputs().filter(|id| out.overlaps(&slots[id.0 as usize])).collect();
            match finish(slots.clone(), program(step)) {
                Ok(()) if over.is_empty() => {}
                Ok(()) => {
                    assert!(over.len() == 1 && out == slots[over[0].0 as usize], "{step:?} at {offset} over {over:?}");
                    in_place.push(over[0]);
                }
                Err(error) => {
                    let lies_over = format!("{OUT} lies over ");
                    assert!(
                        !over.is_empty() && error.to_string().contains(&lies_over),
                        "{step:?} at {offset}: {error}"
                    );
                }
            }
        }
        assert_eq!(in_place, allowed, "{step:?}");
    }
}

#[test]
fn codes_lie_over_nothing_that_their_step_reads_or_writes() {
    let step = norm(A, OUT, Some(OUT_Q8));
    for (out, codes, message) in
        [(0, 0, "%4 lies over %0"), (4 * ROW, 0, "%4 lies over %0"), (4 * ROW, 4 * ROW, "%4 lies over %3")]
    {
        let error = finish(slots(out, codes), program(step)).expect_err("codes over rows").to_string();
        assert!(error.contains(message), "{error}");
    }
    let quantize = Step::Quantize { x: A, out: OUT_Q8 };
    let steps = [vec![embed(A), quantize], program(linear(OUT_Q8, CODES, Activation::Identity, None, OUT))].concat();
    let error = finish(slots(4 * ROW, 0), steps).expect_err("codes over rows").to_string();
    assert!(error.contains("step 1 (quantize): %4 lies over %0"), "{error}");
}

#[test]
fn what_was_written_over_is_read_no_more() {
    let read_again = Step::Add { a: A, b: OUT, out: B };
    let steps = [program(norm(A, OUT, None)), vec![read_again]].concat();
    finish(slots(4 * ROW, 20 * ROW), steps.clone()).expect("they lie apart");
    let error = finish(slots(0, 20 * ROW), steps).expect_err("the norm was in place").to_string();
    assert!(error.contains("step 5 (add): %0 is read before it is written, or after something was"), "{error}");
}

/// Runs the program over cells that know which slot was written there last: whether every step finds its inputs whole, and writes
/// over them exactly and where it works in place.
fn holds(slots: &[Slot], steps: &[Step]) -> bool {
    let cells = |id: SlotId| {
        let slot = &slots[id.0 as usize];
        // The texts' slots behind all the tokens'.
        let base = if slot.rows == Rows::Texts { 400 } else { 0 };
        base + slot.offset as usize / 4..base + slot.end() as usize / 4
    };
    let mut owners = vec![None; 800];
    steps.iter().all(|step| {
        let whole = step.own_inputs().all(|id| owners[cells(id)].iter().all(|&owner| owner == Some(id)));
        let mut apart = true;
        for (at, out) in step.outputs().enumerate() {
            let shared = |id: &SlotId| cells(out).any(|cell| cells(*id).contains(&cell));
            let in_place = |id: &SlotId| at == 0 && cells(*id) == cells(out) && step.in_place().any(|it| it == *id);
            apart &= step.own_inputs().filter(shared).all(|id| in_place(&id));
            apart &= !step.outputs().take(at).any(|id| shared(&id));
            owners[cells(out)].fill(Some(out));
        }
        whole && apart
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 4096 }, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_program_is_accepted_where_no_step_finds_its_inputs_written_over(
        // Whole rows, seldom between them.
        offsets in prop::collection::vec((0_u64..4, prop_oneof![9 => Just(0_u64), 1 => Just(4)]), 5),
        kinds in prop::collection::vec((0_usize..9, 0_usize..3, 0_usize..3, 0_usize..3), 0..6),
    ) {
        let storages = [Storage::F32, Storage::F32, Storage::Q8, Storage::F32, Storage::Q8];
        let mut slots: Vec<Slot> = offsets.iter().zip(storages)
            .map(|(&(row, odd), storage)| slot(Rows::Tokens, storage, row * ROW + odd)).collect();
        slots.push(slot(Rows::Texts, Storage::F32, 0));
        let plain = Activation::Identity;
        let step = |&(kind, a, b, out): &(usize, usize, usize, usize)| {
            let [a, b, out] = [a, b, out].map(|at| [A, B, OUT][at]);
            match kind {
                0 => embed(out),
                1 => Step::Add { a, b, out },
                2 => norm(a, out, None),
                3 => norm(a, out, Some(OUT_Q8)),
                4 => Step::Quantize { x: a, out: Q8 },
                5 => linear(a, FLOATS, plain, Some(b), out),
                6 => linear(Q8, CODES, plain, Some(b), out),
                7 => linear(OUT_Q8, CODES, plain, None, out),
                _ => Step::Softmax { x: a, out },
            }
        };
        let steps: Vec<Step> = [embed(A), embed(B)].into_iter().chain(kinds.iter().map(step))
            .chain([Step::Pool { x: OUT, pooling: Pooling::Mean, out: POOLED }]).collect();
        prop_assert_eq!(finish(slots.clone(), steps.clone()).is_ok(), holds(&slots, &steps), "{:?} {:?}", slots, steps);
    }
}
