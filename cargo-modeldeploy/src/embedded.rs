//! The packs inside a finished program, compared with the lock.
//!
//! Cargo does not notice a lock that was replaced by one with an older time stamp, so a build that it calls fresh may hold another
//! model than the lock pins. Only a look into the program can tell.

use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::{ALIGN, Aligned};
use modeldeploy_format::{Artifact, Digest};
use std::path::Path;

/// A program with a model inside that the lock does not pin.
pub(crate) const OTHER: Code = Code("MD0906");

/// The first bytes of every pack, and where its length stands after them.
const MAGIC: &[u8] = b"MDPACK\r\n";
const LENGTH_AT: usize = 16;

/// The digests of the packs that lie in `program`, in their order.
pub(crate) fn packs(program: &[u8]) -> Vec<Digest> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(next) = program[at..].windows(MAGIC.len()).position(|bytes| bytes == MAGIC) {
        let start = at + next;
        at = start + MAGIC.len();
        let length = program.get(start + LENGTH_AT..start + LENGTH_AT + 8);
        let length = length.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
        let Some(pack) = end.and_then(|end| program.get(start..end)) else { continue };
        // The magic also stands in the code that looks for it; only a whole pack counts.
        if pack.len() >= ALIGN && Artifact::parse(&Aligned::copy(pack)).is_ok() {
            found.push(Digest::of(pack));
            at = start + pack.len();
        }
    }
    found
}

/// Refuses a program with a pack that the lock does not pin.
pub(crate) fn check(path: &Path, lock: &Lock) -> Result<usize, Diagnostic> {
    let shown = path.display().to_string();
    let program = std::fs::read(path)
        .map_err(|error| Diagnostic::new(OTHER, format!("the program cannot be read: {error}")).at(&shown))?;
    let inside = packs(&program);
    let locked: Vec<Digest> = lock.models.iter().flat_map(|model| &model.packs).map(|pack| pack.digest).collect();
    match inside.iter().find(|digest| !locked.contains(digest)) {
        Some(digest) => {
            Err(Diagnostic::new(OTHER, format!("the program holds the pack {digest}, which the lock does not pin"))
                .at(shown)
                .help("cargo took an older build for a fresh one: `cargo clean -p` the package and build again"))
        }
        None => Ok(inside.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::pack::{Contents, Writer};
    use modeldeploy_format::program::{Index, Lookup, Pooling, Program, Rows, Slot, SlotId, Step, Storage};
    use modeldeploy_format::tensor::Layout;
    use modeldeploy_format::{DType, Signature, Task};

    fn pack(byte: u8) -> Vec<u8> {
        let mut writer = Writer::new();
        let table = writer.tensor("words", DType::F32, Layout::Plain, &[2, 16], &[byte; 128]);
        let slot = |rows, offset| Slot { rows, storage: Storage::F32, width: 16, offset };
        let [x, pooled] = [0, 1].map(SlotId);
        let program = Program {
            slots: vec![slot(Rows::Tokens, 0), slot(Rows::Texts, 0)],
            steps: vec![
                Step::Embed {
                    lookups: [Some(Lookup { table, scales: None, index: Index::TokenId }), None, None],
                    out: x,
                },
                Step::Pool { x, pooling: Pooling::Mean, out: pooled },
            ],
            output: pooled,
        };
        let signature = Signature {
            task: Task::Embed,
            max_tokens: 8,
            outputs: 16,
            normalized: false,
            labels: vec![],
            prompts: vec![],
            default_prompt: None,
        };
        let contents = Contents { signature, program, tokenizer: vec![], goldens: vec![] };
        writer.finish(&contents).expect("a pack").to_vec()
    }

    #[test]
    fn whole_packs_are_found_wherever_they_lie() {
        let (a, b) = (pack(1), pack(2));
        let program = [b"code MDPACK\r\n more code".as_slice(), &a, b"between", &b, b"MDPACK\r\n"].concat();
        assert_eq!(packs(&program), [Digest::of(&a), Digest::of(&b)]);
        assert_eq!(packs(&program[..program.len() - 200]), [Digest::of(&a)]);
        assert_eq!(packs(b""), []);
    }

    #[test]
    fn a_program_with_another_pack_than_the_locks_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("shop");
        std::fs::write(&path, pack(1)).expect("a program");
        let error = check(&path, &Lock::default()).expect_err("another").to_string();
        assert!(error.contains("MD0906") && error.contains("the lock does not pin"), "{error}");
        std::fs::write(&path, b"no model inside").expect("a program");
        assert_eq!(check(&path, &Lock::default()), Ok(0));
    }
}
