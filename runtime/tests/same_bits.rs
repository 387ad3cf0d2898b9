//! Every instruction set of this machine gives the same bits, and what they are is printed, as digests: `.ci/aarch64` runs this
//! on two architectures and compares the two.

#[path = "packs/mod.rs"]
mod packs;

use modeldeploy::format::program::Activation;
use modeldeploy::format::{Artifact, Digest};
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{Operand, Rows, RowsMut, activate, softmax_rows};
use modeldeploy::model::{Engine, Input};
use modeldeploy::session::{Capacity, Columns, Request, Session};
use packs::network::{self, IDS, NUMBERS};
use packs::{Head, Precision, Random};

/// Says the digest of what every instruction set computes alike.
#[track_caller]
fn check(what: &str, compute: impl Fn(Isa) -> Vec<f32>) {
    let digest = |isa| {
        let values = compute(isa);
        assert!(!values.is_empty() && values.iter().all(|value| !value.is_nan()), "{what} on {isa}: {values:?}");
        Digest::of(&values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect::<Vec<_>>())
    };
    let expected = digest(Isa::SCALAR);
    for isa in Isa::available() {
        assert_eq!(digest(isa), expected, "{what} on {isa}");
    }
    // A line of its own, whatever the harness wrote before.
    println!("\nbits {what}: {expected}");
}

#[test]
fn models() {
    let texts: Vec<String> = (0..200).map(|i| "wireless headphones"[i % 13..][..i % 7].repeat(1 + i % 2)).collect();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        for head in [Head::Embed, Head::Classify, Head::Score] {
            let pack = packs::build(precision, head, vec![]).pack;
            check(&format!("model, {precision:?} {head:?}"), |isa| {
                let engine = Engine::with_isa("a test", &pack, isa).expect("an engine");
                let mut got = vec![];
                let inputs = texts.iter().map(|text| Input { text, ..Input::default() });
                engine.run(inputs, |row| got.extend_from_slice(row)).expect("these texts can be run");
                got
            });
        }
    }
}

#[test]
fn networks() {
    let mut random = Random(31);
    let (starts, candidates) = ([0, 9, 10, 16], [0, 50, 50, 83]);
    let rows = [16, 3, 83];
    let numbers = [0, 1, 2].map(|of| (0..rows[of] * NUMBERS[of]).map(|_| random.float(1.5)).collect::<Vec<f32>>());
    let ids = [0, 1, 2].map(|of| {
        let rows = (0..rows[of]).flat_map(|_| IDS[of]);
        rows.map(|&size| random.below(size)).collect::<Vec<u32>>()
    });
    let [session, user, candidate] = [0, 1, 2].map(|of| Columns { numbers: &numbers[of], ids: &ids[of] });
    let request = Request { session, starts: &starts, user, candidate, candidates: &candidates };
    let capacity = Capacity { tokens: 16, texts: 3, candidates: 83 };
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let pack = network::build(precision, true).pack;
        let artifact = Artifact::parse(&pack).expect("a pack");
        check(&format!("network, {precision:?}"), |isa| {
            let mut session = Session::with_isa(&artifact, capacity, isa).expect("a session");
            session.score(&request).expect("a sound request").to_vec()
        });
    }
}

/// Finite numbers of every size and both signs.
fn sweep() -> Vec<f32> {
    let bits = (0..u32::MAX).step_by(120_011).map(f32::from_bits).filter(|x| x.is_finite());
    let fine = (-12_000..=12_000).map(|i| i as f32 / 1000.0);
    bits.chain(fine).chain([0.0, -0.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN]).collect()
}

#[test]
fn activations() {
    let x = sweep();
    for activation in Activation::ALL {
        check(&format!("{activation:?}"), |isa| {
            let mut out = vec![0.0; x.len()];
            activate(isa, activation, Operand::Apart(&x), &mut out);
            out
        });
    }
}

#[test]
fn softmax() {
    let x: Vec<f32> = sweep().into_iter().filter(|x| x.abs() < 1e30).collect();
    for width in [1, 15, 16, 17, 384] {
        let rows = x.len() / width;
        check(&format!("softmax of {width}"), |isa| {
            let mut out = vec![0.0; rows * width];
            let (x, stride) = (Rows { values: &x, stride: width }, width);
            softmax_rows(isa, x.into(), rows, width, RowsMut::new(&mut out, stride));
            out
        });
    }
}
