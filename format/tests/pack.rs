//! Packs are read as they were written, and any other bytes are refused without a panic.

use modeldeploy_format::golden::Golden;
use modeldeploy_format::pack::{Aligned, Contents, Writer};
use modeldeploy_format::program::{
    Activation, Index, Lookup, Pooling, Program, Rows, Slot, SlotId, Step, Storage, TensorId, View, Weights,
};
use modeldeploy_format::tensor::Layout;
use modeldeploy_format::{Artifact, DType, Signature, Task};
use proptest::prelude::*;

const WIDTH: u32 = 20;

fn slot(rows: Rows, storage: Storage, offset: u64) -> Slot {
    Slot { rows, storage, width: WIDTH, offset }
}

/// ids → embed → quantize → int8 linear → attention → mean → unit length, in place; two tokens of vocabulary.
fn small() -> (Writer, Contents) {
    let mut writer = Writer::new();
    let table = writer.tensor("words", DType::F32, Layout::Plain, &[2, WIDTH], &[1; 160]);
    let codes = writer.tensor("w", DType::I8, Layout::QuadPanels, &[WIDTH, WIDTH], &[3; 32 * 20]);
    let scales = writer.tensor("w.scales", DType::F32, Layout::Plain, &[WIDTH], &[0; 80]);
    let sums = writer.tensor("w.sums", DType::I32, Layout::Plain, &[WIDTH], &[0; 80]);
    let [x, q8, y, z, pooled, unit] = [0, 1, 2, 3, 4, 5].map(SlotId);
    let view = View { slot: y, column: 0, width: WIDTH };
    let program = Program {
        slots: vec![
            slot(Rows::Tokens, Storage::F32, 0),
            slot(Rows::Tokens, Storage::Q8, 80),
            slot(Rows::Tokens, Storage::F32, 152),
            slot(Rows::Tokens, Storage::F32, 0),
            slot(Rows::Texts, Storage::F32, 0),
            slot(Rows::Texts, Storage::F32, 0),
        ],
        steps: vec![
            Step::Embed {
                lookups: [Some(Lookup { table, scales: None, offsets: None, index: Index::TokenId }), None, None],
                out: x,
            },
            Step::Quantize { x, out: q8 },
            Step::Linear {
                x: q8,
                weights: Weights::Int8 { codes, scales, sums },
                bias: None,
                activation: Activation::Gelu,
                residual: None,
                out: y,
            },
            Step::Attention {
                q: view,
                k: view,
                v: view,
                heads: 4,
                scale: 0.5,
                bias: None,
                int8: false,
                causal: false,
                out: z,
            },
            Step::Pool { x: z, pooling: Pooling::Mean, out: pooled },
            Step::Normalize { x: pooled, out: unit },
        ],
        parts: vec![],
        output: unit,
    };
    let signature = Signature {
        task: Task::Embed,
        max_tokens: 8,
        outputs: WIDTH,
        normalized: true,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    };
    let golden =
        Golden { text: "a".into(), pair: None, reference: vec![0.5; WIDTH as usize], got: vec![0.25; WIDTH as usize] };
    (writer, Contents { signature, program, tokenizer: vec![1, 2, 3], goldens: vec![golden] })
}

#[test]
fn what_is_written_is_read() {
    let (writer, contents) = small();
    let pack = writer.finish(&contents).expect("a pack");
    let artifact = Artifact::parse(&pack).expect("the same pack");
    assert_eq!(artifact.program(), &contents.program);
    assert_eq!(artifact.signature(), &contents.signature);
    assert_eq!(artifact.tokenizer(), contents.tokenizer);
    assert_eq!(artifact.goldens(), contents.goldens);
    assert_eq!(artifact.values::<i8>(TensorId(1)), [3; 32 * 20]);
    assert_eq!(artifact.values::<f32>(TensorId(0)), [f32::from_le_bytes([1; 4]); 40]);
    assert!(artifact.values::<f32>(TensorId(2)).as_ptr().addr().is_multiple_of(64));
}

#[test]
fn the_same_contents_give_the_same_bytes() {
    let packs = [small(), small()].map(|(writer, contents)| writer.finish(&contents).expect("a pack").to_vec());
    assert_eq!(packs[0], packs[1]);
}

#[test]
fn a_wrong_program_is_refused_with_its_step() {
    type Change = fn(&mut Contents);
    let cases: [(&str, Change); 14] = [
        ("step 1 (quantize): slot %9 does not exist", |c| {
            c.program.steps[1] = Step::Quantize { x: SlotId(9), out: SlotId(1) }
        }),
        ("step 0 (quantize): %0 is read before", |c| {
            c.program.steps.remove(0);
        }),
        ("%2 lies over %1", |c| c.program.slots[2].offset = 100),
        ("step 5 (normalize): %5 lies over %4", |c| c.program.slots[5].offset = 4),
        ("step 6 (normalize): %4 is read before it is written, or after something was written over it", |c| {
            c.program.steps.push(Step::Normalize { x: SlotId(4), out: SlotId(5) });
        }),
        ("step 5 (pool): %3 is read before it is written", |c| {
            c.program.steps.insert(4, Step::Add { a: SlotId(2), b: SlotId(2), out: SlotId(0) });
        }),
        ("20 columns are not 3 heads", |c| {
            if let Step::Attention { heads, .. } = &mut c.program.steps[3] {
                *heads = 3;
            }
        }),
        ("one query a text has no bias, no codes and no place", |c| {
            if let Step::Attention { int8, out, .. } = &mut c.program.steps[3] {
                (*int8, *out) = (true, SlotId(4));
            }
        }),
        ("step 3 (attention): Tokens do not stand beside Texts", |c| {
            if let Step::Attention { out, .. } = &mut c.program.steps[3] {
                *out = SlotId(4);
            }
        }),
        ("the output is not 21 values", |c| {
            c.signature.outputs = 21;
            c.goldens.clear();
        }),
        ("a residual is added to rows of f32 alone", |c| {
            c.program.slots[2].storage = Storage::Q8;
            if let Step::Linear { residual, .. } = &mut c.program.steps[2] {
                *residual = Some(SlotId(0));
            }
        }),
        ("which is no multiple of 4", |c| c.program.slots[2].offset = 153),
        ("wide, which is not in", |c| c.program.slots[2].width = 0),
        ("golden vector 0", |c| c.goldens[0].got.truncate(1)),
    ];
    for (message, change) in cases {
        let (writer, mut contents) = small();
        change(&mut contents);
        let error = writer.finish(&contents).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(message), "{message}: {error:?}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let (writer, contents) = small();
    let pack = writer.finish(&contents).expect("a pack");
    for len in 0..pack.len() {
        assert!(Artifact::parse(&Aligned::copy(&pack[..len])).is_err(), "{len} bytes");
    }
}

/// Whatever parses can be walked: every tensor read, every slot looked up.
fn walk(artifact: &Artifact<'_>) {
    for (id, tensor) in artifact.tensors().iter().enumerate() {
        let id = TensorId(id as u32);
        let bytes = match tensor.dtype {
            DType::F32 => size_of_val(artifact.values::<f32>(id)),
            DType::Bf16 => size_of_val(artifact.values::<u16>(id)),
            DType::I8 => size_of_val(artifact.values::<i8>(id)),
            DType::U4 => size_of_val(artifact.values::<u8>(id)),
            _ => size_of_val(artifact.values::<i32>(id)),
        };
        assert_eq!(Some(bytes as u64), tensor.bytes());
    }
    for step in &artifact.program().steps {
        let inputs: Vec<SlotId> = artifact.program().inputs(step).collect();
        inputs.iter().copied().chain(step.outputs()).for_each(|id| assert!(artifact.program().slot(id).width > 0));
        for (input, output) in inputs.into_iter().flat_map(|input| step.outputs().map(move |output| (input, output))) {
            let (over, slot) = (artifact.program().slot(input), artifact.program().slot(output));
            assert!(!slot.overlaps(over) || (slot == over && step.in_place().any(|id| id == input)), "{step:?}");
        }
        artifact.program().tensors(step).into_iter().for_each(|id| assert!(artifact.tensor(id).bytes().is_some()));
    }
    artifact.goldens();
}

#[test]
fn a_changed_byte_is_refused_or_harmless() {
    let (writer, contents) = small();
    let pack = writer.finish(&contents).expect("a pack");
    let data = pack.len() - 40 * 20;
    for at in 0..data {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = pack.clone().to_vec();
            bytes[at] ^= change;
            if let Ok(artifact) = Artifact::parse(&Aligned::copy(&bytes)) {
                walk(&artifact);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_changes_are_refused_or_harmless(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (writer, contents) = small();
        let mut bytes = writer.finish(&contents).expect("a pack").to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(artifact) = Artifact::parse(&Aligned::copy(&bytes)) {
            walk(&artifact);
        }
    }
}
