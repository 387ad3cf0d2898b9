//! Reading a pack in place. After [`Artifact::parse`] no offset, length, type or alignment can be wrong, for any bytes.

use super::ALIGN;
use super::header::{self, HeaderError, SectionKind, VERSION};
use super::parts::Parts;
use crate::DType;
use crate::features::{Features, Side, Takes};
use crate::forest::Forest;
use crate::golden::requests::GoldenRequest;
use crate::golden::rows::GoldenRow;
use crate::golden::{self, Golden};
use crate::program::{self, Columns, Given, Program, TensorId};
use crate::signature::{Signature, Task};
use crate::tensor::{Layout, Tensor};
use crate::wire::{Decoder, WireError};
use core::fmt;

/// A pack that has been proved: a view of its bytes.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    parts: Parts<'a>,
    signature: Signature,
    program: Program,
    tensors: Vec<Tensor>,
    /// The bytes of each tensor.
    stored: Vec<&'a [u8]>,
    tokenizer: &'a [u8],
    goldens: &'a [u8],
    ranker: Option<Ranker<'a>>,
}

/// What a pack of the task `rank` holds instead of a tokenizer.
#[derive(Clone, Debug)]
pub struct Ranker<'a> {
    /// What scores candidates.
    pub scorer: Scorer<'a>,
    /// How what a service knows becomes numbers and ids.
    pub features: Features,
}

/// What scores candidates.
#[derive(Clone, Debug)]
pub enum Scorer<'a> {
    /// Trees.
    Forest(Forest<'a>),
    /// A network: the pack's program.
    Network,
}

impl<'a> Ranker<'a> {
    /// Its trees, if it has some.
    pub fn forest(&self) -> Option<&Forest<'a>> {
        match &self.scorer {
            Scorer::Forest(forest) => Some(forest),
            Scorer::Network => None,
        }
    }
}

/// Why bytes are not a pack that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackError {
    /// The bytes do not begin as a pack does.
    NotAPack,
    /// The address of the bytes is no multiple of [`ALIGN`].
    Misaligned,
    /// The pack is of another version of the format.
    Version(u32),
    /// The length in the header is not that of the bytes.
    Length {
        /// In the header.
        stated: u64,
        /// Of the bytes.
        actual: u64,
    },
    /// The weights are laid out for other kernels.
    Layout(u64),
    /// A part is damaged: what it is and what is wrong.
    Damaged(String),
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackError::NotAPack => f.write_str("not a modeldeploy pack: its first bytes are others"),
            PackError::Misaligned => write!(f, "the pack does not lie at a multiple of {ALIGN} bytes"),
            PackError::Version(version) => {
                write!(f, "the pack is of format version {version}, this program reads {VERSION}; build the pack again")
            }
            PackError::Length { stated, actual } => {
                write!(f, "the pack says that it has {stated} bytes, but there are {actual}; it was cut off or grew")
            }
            PackError::Layout(layout) => write!(
                f,
                "the pack's weights are laid out as {layout:016x}, this program's kernels read {:016x}; build the pack again",
                header::LAYOUT_FINGERPRINT
            ),
            PackError::Damaged(what) => write!(f, "the pack is damaged: {what}"),
        }
    }
}

impl std::error::Error for PackError {}

impl<'a> Artifact<'a> {
    /// Proves a pack: every offset, length, type, alignment and step. The weights themselves are not read.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Artifact<'a>, PackError> {
        Artifact::parse_parts(&[bytes])
    }

    /// As [`parse`](Artifact::parse), where the pack does not lie in one piece: one after the other the parts are the pack.
    ///
    /// # Errors
    ///
    /// As there; and if a part does not begin at a multiple of [`ALIGN`], or a section or a tensor lies in two.
    pub fn parse_parts(parts: &[&'a [u8]]) -> Result<Artifact<'a>, PackError> {
        let (first, len) = (parts.first().copied().unwrap_or_default(), parts.iter().map(|part| part.len()).sum());
        let sections = header::decode(first, len).map_err(|error| match error {
            HeaderError::NotAPack => PackError::NotAPack,
            HeaderError::Version(version) => PackError::Version(version),
            HeaderError::Length { stated } => PackError::Length { stated, actual: len as u64 },
            HeaderError::Layout(layout) => PackError::Layout(layout),
            HeaderError::Sections(what) => PackError::Damaged(what.to_owned()),
        })?;
        let parts = Parts::new(parts)?;
        let section = |kind: SectionKind| {
            let found = parts.get(sections[kind as usize].clone());
            found.ok_or_else(|| PackError::Damaged(format!("the section {kind:?} lies in two parts")))
        };
        let signature = Signature::decode(section(SectionKind::Signature)?).map_err(PackError::Damaged)?;
        let tensors = decode_tensors(section(SectionKind::Tensors)?).map_err(PackError::Damaged)?;
        let data = &sections[SectionKind::Data as usize];
        let stored = tensors.iter().map(|tensor| {
            let place = place(tensor, data)?;
            parts.get(place).ok_or_else(|| format!("tensor `{}` lies in two parts", tensor.name))
        });
        let stored: Vec<&'a [u8]> = stored.collect::<Result<_, _>>().map_err(PackError::Damaged)?;
        let program = program::decode(section(SectionKind::Program)?).map_err(PackError::Damaged)?;
        let (tokenizer, goldens) = (section(SectionKind::Tokenizer)?, section(SectionKind::Golden)?);
        let outputs = signature.outputs as usize;
        let ranker = if signature.task == Task::Rank {
            let ranker = ranker(&signature, &program, &tensors, &stored, tokenizer).map_err(PackError::Damaged)?;
            match ranker.scorer {
                Scorer::Forest(_) => golden::rows::decode(goldens, ranker.features.width(), outputs).map(drop),
                Scorer::Network => golden::requests::decode(goldens, &ranker.features.given(), outputs).map(drop),
            }
            .map_err(PackError::Damaged)?;
            Some(ranker)
        } else {
            let given = Given::default();
            program::verify(&program, &tensors, &signature, &given)
                .map_err(|error| PackError::Damaged(error.to_string()))?;
            golden::decode(goldens, outputs).map_err(PackError::Damaged)?;
            None
        };
        Ok(Artifact { parts, signature, program, tensors, stored, tokenizer, goldens, ranker })
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What scores, and the features, of a pack of the task `rank`; none of any other task.
    pub fn ranker(&self) -> Option<&Ranker<'a>> {
        self.ranker.as_ref()
    }

    /// What a session does: nothing, where there are trees.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The table of tensors.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tokenizer's tables, not yet proved.
    pub fn tokenizer(&self) -> &'a [u8] {
        self.tokenizer
    }

    /// The golden rows of a pack of trees; none of any other.
    pub fn golden_rows(&self) -> Vec<GoldenRow> {
        let Some(Ranker { scorer: Scorer::Forest(_), features }) = &self.ranker else { return vec![] };
        golden::rows::decode(self.goldens, features.width(), self.signature.outputs as usize).expect("proved by parse")
    }

    /// The golden requests of a ranker's network; none of any other pack.
    pub fn golden_requests(&self) -> Vec<GoldenRequest> {
        match &self.ranker {
            Some(Ranker { scorer: Scorer::Network, features }) => {
                let outputs = self.signature.outputs as usize;
                golden::requests::decode(self.goldens, &features.given(), outputs).expect("proved by parse")
            }
            _ => vec![],
        }
    }

    /// The golden vectors of a pack that reads texts; none of the task `rank`.
    pub fn goldens(&self) -> Vec<Golden> {
        if self.ranker.is_some() {
            return vec![];
        }
        golden::decode(self.goldens, self.signature.outputs as usize).expect("proved by parse")
    }

    /// The whole pack, in the parts in which it lies.
    pub fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        self.parts.iter()
    }

    /// The tensor of that id.
    ///
    /// # Panics
    ///
    /// If there is none: the ids in [`program`](Artifact::program) are proved.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }

    /// The bytes of a tensor, padding included, in the order of its layout.
    ///
    /// # Panics
    ///
    /// If there is no such tensor.
    pub fn bytes(&self, id: TensorId) -> &'a [u8] {
        self.stored[id.0 as usize]
    }

    /// The stored values of a tensor, padding included, in the order of its layout.
    ///
    /// # Panics
    ///
    /// If the tensor does not exist or does not hold numbers of type `T`; the program's steps are proved to name the right ones.
    pub fn values<T: Element>(&self, id: TensorId) -> &'a [T] {
        let tensor = self.tensor(id);
        assert_eq!(tensor.dtype, T::DTYPE, "tensor {id} is asked for as another type");
        bytemuck::cast_slice(self.stored[id.0 as usize])
    }
}

/// The one tensor of a pack of trees.
pub const FOREST: &str = "forest";

/// Proves that what scores, features and signature are one model's.
fn ranker<'a>(
    signature: &Signature,
    program: &Program,
    tensors: &[Tensor],
    stored: &[&'a [u8]],
    features: &[u8],
) -> Result<Ranker<'a>, String> {
    let features = Features::decode(features)?;
    let mut agree = features.facts() == signature.features;
    let scorer = if *program == Program::nothing() {
        let ([Tensor { name, dtype: DType::I32, .. }], [bytes]) = (tensors, stored) else {
            return Err("a ranker of trees has other tensors than its forest".to_owned());
        };
        if name != FOREST {
            return Err("a ranker of trees has another tensor than its forest".to_owned());
        }
        let forest = Forest::parse(bytes).map_err(|error| error.to_string())?;
        let numbers = features.list().iter().all(|it| it.takes == Takes::Number && it.side != Side::Session);
        agree &= numbers && forest.features() == features.width() && forest.outputs() == signature.outputs as usize;
        Scorer::Forest(forest)
    } else {
        let given = features.given();
        if given.candidate == Columns::default() {
            return Err("a ranker's network knows nothing of candidates".to_owned());
        }
        program::verify(program, tensors, signature, &given).map_err(|error| error.to_string())?;
        Scorer::Network
    };
    if !agree {
        return Err("the signature, the features and what scores of a ranker are of different models".to_owned());
    }
    Ok(Ranker { scorer, features })
}

/// A type that tensors are read as.
pub trait Element: bytemuck::Pod {
    /// The stored type.
    const DTYPE: DType;
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
}

/// The bits of a bf16 value.
impl Element for u16 {
    const DTYPE: DType = DType::Bf16;
}

impl Element for i8 {
    const DTYPE: DType = DType::I8;
}

/// Two codes.
impl Element for u8 {
    const DTYPE: DType = DType::U4;
}

impl Element for i32 {
    const DTYPE: DType = DType::I32;
}

/// Where a tensor lies in the pack.
fn place(tensor: &Tensor, data: &core::ops::Range<usize>) -> Result<core::ops::Range<usize>, String> {
    let name = &tensor.name;
    let bytes = tensor.bytes().ok_or_else(|| {
        format!("tensor `{name}` cannot be {} {:?} of shape {:?}", tensor.dtype, tensor.layout, tensor.dims)
    })?;
    let end = tensor.offset.checked_add(bytes).ok_or_else(|| format!("tensor `{name}` lies outside"))?;
    if tensor.offset < data.start as u64 || end > data.end as u64 {
        return Err(format!("tensor `{name}` lies outside"));
    }
    if !tensor.offset.is_multiple_of(ALIGN as u64) {
        return Err(format!("tensor `{name}` does not lie at a multiple of {ALIGN}"));
    }
    Ok(tensor.offset as usize..end as usize)
}

fn decode_tensors(bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    let mut read = Decoder::new(bytes);
    let rows = read_rows(&mut read).map_err(|error| match error {
        WireError::Truncated => "the table of tensors ends early".to_owned(),
        WireError::NotUtf8 => "the name of a tensor is not UTF-8".to_owned(),
    })?;
    if !read.is_empty() {
        return Err("the table of tensors has bytes after its end".to_owned());
    }
    rows.into_iter()
        .map(|(name, dtype, layout, dims, offset)| match (DType::from_code(dtype), Layout::from_code(layout)) {
            (Some(dtype), Some(layout)) => Ok(Tensor { name, dtype, layout, dims, offset }),
            _ => Err(format!("tensor `{name}` has the unknown type {dtype} or layout {layout}")),
        })
        .collect()
}

type Row = (String, u8, u8, Vec<u32>, u64);

fn read_rows(read: &mut Decoder<'_>) -> Result<Vec<Row>, WireError> {
    (0..read.count(18)?)
        .map(|_| {
            let name = read.str()?.to_owned();
            let (dtype, layout) = (read.u8()?, read.u8()?);
            let dims = (0..read.count(4)?).map(|_| read.u32()).collect::<Result<_, _>>()?;
            Ok((name, dtype, layout, dims, read.u64()?))
        })
        .collect()
}
