//! Writing a pack: the same contents give the same bytes.

use super::header::{self, SectionKind, Sections};
use super::{ALIGN, PackError};
use crate::DType;
use crate::features::Features;
use crate::golden::requests::GoldenRequest;
use crate::golden::rows::GoldenRow;
use crate::golden::{self, Golden};
use crate::pack::{Aligned, Artifact, FOREST};
use crate::program::{self, Program, TensorId};
use crate::signature::Signature;
use crate::tensor::{Layout, Tensor};
use crate::wire::Encoder;

/// All that a pack holds but its tensors, which [`Writer::tensor`] adds one by one.
#[derive(Clone, Debug)]
pub struct Contents {
    /// What the model takes and gives.
    pub signature: Signature,
    /// What a session does.
    pub program: Program,
    /// The tokenizer's tables.
    pub tokenizer: Vec<u8>,
    /// The golden vectors.
    pub goldens: Vec<Golden>,
}

/// All that the pack of a ranker's network holds but its tensors, which [`Writer::tensor`] adds one by one.
#[derive(Clone, Debug)]
pub struct NetworkContents<'c> {
    /// What the model takes and gives.
    pub signature: &'c Signature,
    /// What a session does.
    pub program: &'c Program,
    /// How what a service knows becomes numbers and ids.
    pub features: &'c Features,
    /// Its golden requests.
    pub goldens: &'c [GoldenRequest],
}

/// All that the pack of a ranker of trees holds.
#[derive(Clone, Debug)]
pub struct RankContents<'c> {
    /// What the model takes and gives.
    pub signature: &'c Signature,
    /// The bytes of its forest.
    pub forest: &'c [u8],
    /// How candidates become rows.
    pub features: &'c Features,
    /// Its golden rows.
    pub goldens: &'c [GoldenRow],
}

/// The pack of a ranker of trees, proved by [`Artifact::parse`].
///
/// # Errors
///
/// If the contents contradict one another.
pub fn write_ranker(contents: &RankContents<'_>) -> Result<Aligned, PackError> {
    let words =
        u32::try_from(contents.forest.len() / 4).map_err(|_| PackError::Damaged("the forest is too large".into()))?;
    if !contents.forest.len().is_multiple_of(4) {
        return Err(PackError::Damaged("the forest is no whole number of words".into()));
    }
    let mut writer = Writer::new();
    writer.tensor(FOREST, DType::I32, Layout::Plain, &[words], contents.forest);
    let (features, goldens) = (contents.features.encode(), golden::rows::encode(contents.goldens));
    writer.write(contents.signature, &Program::nothing(), features, goldens)
}

/// Gathers the tensors, in the order in which the program reads them, then writes the pack.
#[derive(Debug, Default)]
pub struct Writer {
    /// Offsets are counted from the start of the data section until the pack is finished.
    tensors: Vec<Tensor>,
    data: Vec<u8>,
}

impl Writer {
    /// A writer without tensors.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Adds a tensor: its stored bytes, padding included, in the order of its layout.
    ///
    /// # Panics
    ///
    /// If the number of bytes is not that of the type, layout and dims.
    pub fn tensor(&mut self, name: &str, dtype: DType, layout: Layout, dims: &[u32], bytes: &[u8]) -> TensorId {
        self.data.resize(self.data.len().next_multiple_of(ALIGN), 0);
        let tensor = Tensor { name: name.to_owned(), dtype, layout, dims: dims.into(), offset: self.data.len() as u64 };
        assert_eq!(
            tensor.bytes(),
            Some(bytes.len() as u64),
            "the bytes of `{name}` do not fit {dtype} {layout:?} {dims:?}"
        );
        // Exactly, for a table may be most of the memory that there is; many small tensors grow it as vectors do.
        if bytes.len() > self.data.len() {
            self.data.reserve_exact(bytes.len());
        }
        self.data.extend_from_slice(bytes);
        self.tensors.push(tensor);
        TensorId(u32::try_from(self.tensors.len() - 1).expect("a pack has fewer than 2^32 tensors"))
    }

    /// The pack, proved by [`Artifact::parse`].
    ///
    /// # Errors
    ///
    /// If the contents contradict one another: the compiler made a program that cannot be run.
    pub fn finish(&self, contents: &Contents) -> Result<Aligned, PackError> {
        let (tokenizer, goldens) = (contents.tokenizer.clone(), golden::encode(&contents.goldens));
        self.write(&contents.signature, &contents.program, tokenizer, goldens)
    }

    /// The pack of a ranker's network, proved by [`Artifact::parse`].
    ///
    /// # Errors
    ///
    /// As [`finish`](Writer::finish).
    ///
    /// # Panics
    ///
    /// If a golden request has other columns than the features.
    pub fn finish_network(&self, contents: &NetworkContents<'_>) -> Result<Aligned, PackError> {
        let NetworkContents { signature, program, features, goldens } = contents;
        let goldens = golden::requests::encode(goldens, &features.given());
        self.write(signature, program, features.encode(), goldens)
    }

    fn write(
        &self,
        signature: &Signature,
        program: &Program,
        tokenizer: Vec<u8>,
        goldens: Vec<u8>,
    ) -> Result<Aligned, PackError> {
        let table = |base: u64| {
            let mut out = Encoder::default();
            out.count(self.tensors.len());
            for tensor in &self.tensors {
                out.str(&tensor.name);
                out.u8(tensor.dtype.code());
                out.u8(tensor.layout.code());
                out.count(tensor.dims.len());
                tensor.dims.iter().for_each(|&dim| out.u32(dim));
                out.u64(tensor.offset + base);
            }
            out.0
        };
        let mut parts = [signature.encode(), program::encode(program), table(0), tokenizer, goldens];
        let mut sections: Sections = Default::default();
        let mut end = header::first_section();
        let lengths = parts.iter().map(Vec::len).chain([self.data.len()]);
        for (section, len) in sections.iter_mut().zip(lengths) {
            let start = end.next_multiple_of(ALIGN);
            *section = start..start + len;
            end = section.end;
        }
        parts[SectionKind::Tensors as usize] = table(sections[SectionKind::Data as usize].start as u64);
        let head = header::encode(&sections, end);
        let pack = Aligned::filled(end, |bytes| {
            bytes[..head.len()].copy_from_slice(&head);
            for (section, part) in sections.iter().zip(parts.iter().chain([&self.data])) {
                bytes[section.clone()].copy_from_slice(part);
            }
        });
        Artifact::parse(&pack)?;
        Ok(pack)
    }
}
