//! Any bytes as a pack: refused, or run without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy::session::{Batch, Capacity, Session};
use modeldeploy_format::Artifact;
use modeldeploy_format::pack::Aligned;

fuzz_target!(|bytes: &[u8]| {
    let pack = Aligned::copy(bytes);
    let Ok(artifact) = Artifact::parse(&pack) else { return };
    artifact.goldens();
    let program = artifact.program();
    let row_bytes = [modeldeploy_format::program::Rows::Tokens, modeldeploy_format::program::Rows::Texts]
        .map(|rows| program.row_bytes(rows));
    // Wide slots are right, but they make a run slow.
    if row_bytes.iter().sum::<u64>() > 1 << 20 {
        return;
    }
    let Ok(mut session) = Session::new(&artifact, Capacity { tokens: 16, texts: 4 }) else { return };
    for (ids, starts) in [(&[0, 1, 0, 1, 1][..], &[0, 2, 5][..]), (&[0], &[0, 1]), (&[u32::MAX], &[0, 1]), (&[], &[0])]
    {
        let types = vec![0; ids.len()];
        if let Ok(outputs) = session.run(&Batch { ids, types: &types, starts }) {
            assert_eq!(outputs.len(), (starts.len() - 1) * artifact.signature().outputs as usize);
        }
    }
});
