//! Any bytes as a pack: refused, or run without a panic; as a program that holds packs in parts; and a pack in two parts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy::isa::Isa;
use modeldeploy::rank::Engine;
use modeldeploy::session::{Batch, Capacity, Session};
use modeldeploy_format::Artifact;
use modeldeploy_format::pack::{Aligned, gather};

fuzz_target!(|bytes: &[u8]| {
    gather(bytes);
    let pack = Aligned::copy(bytes);
    let Ok(artifact) = Artifact::parse(&pack) else { return };
    if let Some(tensor) = artifact.tensors().first() {
        let (head, tail) = pack.split_at(tensor.offset as usize);
        if let Ok(divided) = Artifact::parse_parts(&[head, tail]) {
            assert_eq!(divided.goldens(), artifact.goldens());
        }
    }
    if let Some(ranker) = artifact.ranker() {
        let (features, outputs) = (ranker.forest.features(), ranker.forest.outputs());
        if features + outputs + ranker.forest.columns() < 1 << 12 {
            let engine = Engine::with_isa("the pack", &pack, Isa::detect()).expect("a ranker that was read");
            engine.run_numbers(&vec![f64::NAN; 7 * features], &mut vec![0.0; 7 * outputs]).expect("scores");
            let _ = engine.self_test();
        }
        return;
    }
    let program = artifact.program();
    let row_bytes = [modeldeploy_format::program::Rows::Tokens, modeldeploy_format::program::Rows::Texts]
        .map(|rows| program.row_bytes(rows));
    // Wide slots are right, but they make a run slow.
    if row_bytes.iter().sum::<u64>() > 1 << 20 {
        return;
    }
    let Ok(mut session) = Session::new(&artifact, Capacity::new(16, 4)) else { return };
    for (ids, starts) in [(&[0, 1, 0, 1, 1][..], &[0, 2, 5][..]), (&[0], &[0, 1]), (&[u32::MAX], &[0, 1]), (&[], &[0])]
    {
        let types = vec![0; ids.len()];
        if let Ok(outputs) = session.run(&Batch { ids, types: &types, starts }) {
            assert_eq!(outputs.len(), (starts.len() - 1) * artifact.signature().outputs as usize);
        }
    }
});
