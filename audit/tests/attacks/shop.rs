//! A program with a model: its four sections as the macro and the build make them.

use super::elf::{Section, X86_64, elf};
use auditable_serde::VersionInfo;
use modeldeploy_audit::{Bill, Toolchain, crates_section};
use modeldeploy_format::lock::{Lock, LockedModel, LockedPack, VERSION};
use modeldeploy_format::pack::MARK;
use modeldeploy_format::{Digest, Signature, Task};

/// Where the sections lie in memory.
pub(crate) const DATA: u64 = 0x20_0000;
pub(crate) const PLACES: u64 = 0x10_0000;
pub(crate) const BILL: u64 = 0x10_1000;
pub(crate) const CRATES: u64 = 0x10_4000;

/// What a program is put together from.
pub(crate) struct Shop {
    pub(crate) packs: Vec<Vec<u8>>,
    pub(crate) data: Vec<u8>,
    pub(crate) places: Vec<u8>,
    pub(crate) bill: Vec<u8>,
    pub(crate) crates: Vec<u8>,
}

impl Shop {
    /// Two packs, the second at a page of its own, with nothing between.
    pub(crate) fn new() -> Shop {
        Shop::of(vec![vec![1; 100], (0..200).collect()])
    }

    /// With two packs of at most a page.
    pub(crate) fn of(packs: Vec<Vec<u8>>) -> Shop {
        let mut data = packs[0].clone();
        data.resize(4096, 0);
        data.extend(&packs[1]);
        let crates = "{\"packages\":[{\"name\":\"shop\",\"version\":\"0.1.0\",\"source\":\"local\",\"root\":true}]}";
        let crates = crates_section(&crates.parse::<VersionInfo>().expect("a list"));
        let bill = bill(&packs, Some(Digest::of(&crates))).encode();
        let digests: Vec<Digest> = packs.iter().map(|pack| Digest::of(pack)).collect();
        let first = record(PLACES, &[(DATA, packs[0].len() as u64)], [BILL, CRATES], &digests[0]);
        let second =
            record(PLACES + first.len() as u64, &[(DATA + 4096, packs[1].len() as u64)], [BILL, CRATES], &digests[1]);
        Shop { packs, data, places: [first, second].concat(), bill, crates }
    }

    pub(crate) fn sections(&self) -> Vec<Section<'static>> {
        vec![
            (".modeldeploy-places", PLACES, self.places.clone()),
            (".modeldeploy-bill", BILL, self.bill.clone()),
            (".dep-v0", CRATES, self.crates.clone()),
            (".modeldeploy", DATA, self.data.clone()),
        ]
    }

    pub(crate) fn program(&self) -> Vec<u8> {
        elf(X86_64, &self.sections())
    }
}

/// A record at `address`; the bill and the crates are nowhere where they are 0.
pub(crate) fn record(address: u64, parts: &[(u64, u64)], references: [u64; 2], digest: &Digest) -> Vec<u8> {
    let mut out = [&MARK[..], &(parts.len() as u64).to_le_bytes()].concat();
    let distance = |out: &Vec<u8>, to: u64| to.wrapping_sub(address + out.len() as u64);
    for (start, size) in parts {
        out.extend(distance(&out, *start).to_le_bytes());
        out.extend(size.to_le_bytes());
    }
    for reference in references {
        let word = if reference == 0 { 0 } else { distance(&out, reference) };
        out.extend(word.to_le_bytes());
    }
    out.extend(digest.as_bytes());
    out
}

pub(crate) fn bill(packs: &[Vec<u8>], crates: Option<Digest>) -> Bill {
    let models = packs.iter().enumerate().map(|(at, pack)| model(&format!("model-{at}"), pack)).collect();
    let toolchain = Toolchain {
        rustc: "rustc 1.95.0".into(),
        host: "x86_64-unknown-linux-gnu".into(),
        modeldeploy: "0.1.0".into(),
        profile: "release".into(),
    };
    Bill {
        lock: Lock { version: VERSION, models, indexes: vec![] },
        toolchain,
        arguments: vec!["--package=shop".into()],
        crates,
    }
}

fn model(name: &str, pack: &[u8]) -> LockedModel {
    let signature = Signature {
        task: Task::Score,
        max_tokens: 16,
        outputs: 1,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    };
    let none = Digest::of(b"");
    LockedModel {
        name: name.into(),
        version: "1.0.0".into(),
        source: format!("models/{name}"),
        license: None,
        package: "shop".into(),
        signature_digest: Digest::of(&signature.encode()),
        space: none,
        manifest: none,
        compressed: none,
        golden: none,
        absent: vec![],
        origin: None,
        signature,
        recipe: Default::default(),
        gate: None,
        packs: vec![LockedPack { layout: String::new(), size: pack.len() as u64, digest: Digest::of(pack) }],
        files: vec![],
    }
}
