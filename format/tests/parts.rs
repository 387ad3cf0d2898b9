//! Packs in parts: read as they are in one piece, and divided where others have the same bytes.

#![cfg(feature = "digest")]

use modeldeploy_format::golden::Golden;
use modeldeploy_format::pack::{ALIGN, Aligned, Contents, Division, MARK, Writer, among, divide, gather};
use modeldeploy_format::program::{Index, Lookup, Pooling, Program, Rows, Slot, SlotId, Step, Storage, TensorId};
use modeldeploy_format::tensor::Layout;
use modeldeploy_format::{Artifact, DType, Digest, Signature, Task};
use std::collections::BTreeSet;

const WIDTH: u32 = 16;
/// A table of these has 160,000 bytes.
const WORDS: u32 = 2500;

/// A model that adds three tables, of which `last` is another for each version; `goldens` change its head alone.
fn pack(tables: [u8; 3], tokenizer: u8, goldens: usize) -> Aligned {
    let mut writer = Writer::new();
    let mut tables = tables.into_iter().enumerate().map(|(at, seed)| {
        let bytes: Vec<u8> = (0..WORDS * WIDTH).flat_map(|i| (f32::from(seed) + i as f32).to_le_bytes()).collect();
        let table = writer.tensor(&format!("table{at}"), DType::F32, Layout::Plain, &[WORDS, WIDTH], &bytes);
        Some(Lookup { table, scales: None, offsets: None, index: Index::TokenId })
    });
    let lookups = [(); 3].map(|()| tables.next().expect("three"));
    drop(tables);
    let slot = |rows, offset| Slot { rows, storage: Storage::F32, width: WIDTH, offset };
    let [x, pooled] = [0, 1].map(SlotId);
    let program = Program {
        slots: vec![slot(Rows::Tokens, 0), slot(Rows::Texts, 0)],
        steps: vec![Step::Embed { lookups, out: x }, Step::Pool { x, pooling: Pooling::Mean, out: pooled }],
        parts: vec![],
        output: pooled,
    };
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
    let golden = Golden { text: "a".into(), pair: None, reference: vec![0.5; 16], got: vec![0.25; 16] };
    let contents = Contents { signature, program, tokenizer: vec![tokenizer; 100_003], goldens: vec![golden; goldens] };
    writer.finish(&contents).expect("a pack")
}

/// The parts of a pack, where they lie in it.
fn slices<'p>(pack: &'p [u8], division: &Division) -> Vec<&'p [u8]> {
    let mut rest = pack;
    let mut next = |size: u64| {
        let (part, after) = rest.split_at(size as usize);
        rest = after;
        part
    };
    let parts = division.parts().iter().map(|part| next(part.size)).collect();
    assert!(rest.is_empty());
    parts
}

#[test]
fn a_pack_in_parts_is_read_as_in_one_piece() {
    let whole = pack([1, 2, 3], 4, 1);
    let artifact = Artifact::parse(&whole).expect("a pack");
    let table = |at: usize| artifact.tensors()[at].offset as usize;
    // Before each table, and each part at an address of its own.
    let cuts = [0, table(0), table(1), table(2), whole.len()];
    let copies: Vec<Aligned> = cuts.windows(2).map(|cut| Aligned::copy(&whole[cut[0]..cut[1]])).collect();
    let parts: Vec<&[u8]> = copies.iter().map(|copy| &copy[..]).collect();
    let divided = Artifact::parse_parts(&parts).expect("a pack");
    for id in (0..3).map(TensorId) {
        assert!(divided.values::<f32>(id) == artifact.values::<f32>(id), "{id}");
    }
    assert_eq!(divided.tokenizer(), artifact.tokenizer());
    assert_eq!((divided.goldens(), divided.signature()), (artifact.goldens(), artifact.signature()));
    assert_eq!(Digest::of_parts(divided.parts()), Digest::of(&whole));
}

#[test]
fn parts_that_cut_what_must_be_whole_are_refused() {
    let whole = pack([1, 2, 3], 4, 1);
    let at = |cut: usize| {
        let (a, b) = whole.split_at(cut);
        Artifact::parse_parts(&[a, b]).map(drop).map_err(|error| error.to_string())
    };
    let artifact = Artifact::parse(&whole).expect("a pack");
    let table = artifact.tensors()[1].offset as usize;
    assert_eq!(at(table), Ok(()));
    for (cut, message) in [
        (table + ALIGN, "tensor `table1` lies in two parts"),
        (table + 1, "does not lie at a multiple of 64"),
        (ALIGN, "the header ends early"),
        (artifact.tensors()[0].offset as usize - 1024, "does not lie at a multiple of 64"),
    ] {
        let cut = if message.starts_with("does not") { cut + 1 } else { cut };
        let error = at(cut).expect_err(message);
        assert!(error.contains(message), "{cut}: {error}");
    }
    // In the middle of the tokenizer.
    let tokenizer = artifact.tokenizer().as_ptr().addr() - whole.as_ptr().addr();
    let error = at(tokenizer + ALIGN).expect_err("two parts");
    assert!(error.contains("the section Tokenizer lies in two parts"), "{error}");
    let short = Artifact::parse_parts(&[&whole[..table]]).map(drop).expect_err("the rest is gone").to_string();
    assert!(short.contains("it was cut off"), "{short}");
    assert!(Artifact::parse_parts(&[]).is_err());
}

#[test]
fn versions_have_their_common_bytes_in_parts_of_one_digest() {
    let (old, new, other) = (pack([1, 2, 3], 4, 1), pack([1, 2, 9], 4, 2), pack([5, 6, 7], 8, 1));
    let divisions = divide(&[&old, &new, &other]).expect("packs");
    for (pack, division) in [&old, &new, &other].into_iter().zip(&divisions) {
        let parts = slices(pack, division);
        for (bytes, part) in parts.iter().zip(division.parts()) {
            assert_eq!(Digest::of(bytes), part.digest);
        }
        assert_eq!((parts.concat(), Digest::of_parts(parts.iter().copied())), (pack.to_vec(), Digest::of(pack)));
        Artifact::parse_parts(&parts).expect("a pack");
        assert_eq!(division.to_string().parse(), Ok(division.clone()));
        assert_eq!(division.among(), among(&[Digest::of(&other), Digest::of(&new), Digest::of(&old)]));
    }
    let digests = |at: usize| divisions[at].parts().iter().map(|part| part.digest).collect::<BTreeSet<_>>();
    let common: BTreeSet<Digest> = digests(0).intersection(&digests(1)).copied().collect();
    let sizes = divisions[0].parts().iter().filter(|part| common.contains(&part.digest)).map(|part| part.size);
    // The tokenizer, and the first two tables in one piece.
    assert_eq!(sizes.collect::<Vec<_>>(), [100_003_u64.next_multiple_of(64), 2 * 4 * u64::from(WORDS * WIDTH)]);
    // What has nothing in common with another is not divided.
    assert_eq!(divisions[2].parts().len(), 1);
    assert!(divide(&[&old, &old]).expect("packs").iter().all(|division| division.parts().len() == 1));
    assert!(divide(&[&old, b"no pack"]).is_err());
}

#[test]
fn a_division_that_is_none_is_refused() {
    let digest = Digest::of(b"");
    let one = format!("among {digest}\n64 {digest}\n3 {digest}\n");
    assert_eq!(one.parse::<Division>().map(|division| division.size()), Ok(67));
    for (text, message) in [
        (String::new(), "its first line"),
        (format!("64 {digest}\n"), "its first line"),
        (format!("among {digest}\n"), "it has no parts"),
        (format!("among {digest}\n3 {digest}\n64 {digest}\n"), "line 2 is no length"),
        (format!("among {digest}\n0 {digest}\n"), "line 2 is no length"),
        (format!("among {digest}\n-64 {digest}\n"), "line 2 is no length"),
        (format!("among {digest}\n64 sha256:00\n"), "line 2 is no length"),
        (format!("among {digest}\n18446744073709551615 {digest}\n"), "line 2 is no length"),
    ] {
        assert!(text.parse::<Division>().is_err_and(|error| error.contains(message)), "{text}");
    }
}

#[test]
fn packs_are_gathered_from_a_program_by_their_records() {
    // Parts before and after a table, which says how far they are.
    let table = |parts: &[(i64, u64)]| {
        let mut bytes = [&MARK[..], &(parts.len() as u64).to_le_bytes()].concat();
        for (distance, size) in parts {
            bytes.extend([distance.to_le_bytes(), size.to_le_bytes()].concat());
        }
        bytes
    };
    // The first distance stands 16 bytes after the table's begin, the second 32.
    let program = [b"code head.".as_slice(), &table(&[(-21, 5), (16, 4)]), b"tail rest"].concat();
    assert_eq!(gather(&program), [b"head.tail".to_vec()]);
    for wrong in [
        table(&[(i64::MIN, 5)]),
        table(&[(0, u64::MAX)]),
        table(&[(-16, 1000)]),
        MARK.to_vec(),
        [&MARK[..], &u64::MAX.to_le_bytes()].concat(),
    ] {
        assert!(gather(&wrong).is_empty(), "{wrong:?}");
    }
}
