//! Where two builds of a program differ: in which sections, and of those that hold models in which model and tensor.

use crate::held::find;
use crate::program::{ATTACHED, BILL, DATA, PLACES, Program, Section};
use crate::{Bill, Refusal};
use core::fmt;
use modeldeploy_format::pack::{Aligned, Bytes, places};
use modeldeploy_format::program::TensorId;
use modeldeploy_format::{Artifact, Digest};
use std::collections::BTreeMap;

/// One way in which two programs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The section; none where all sections are the same and what lies around them is not.
    pub section: Option<String>,
    /// The model or index, where the section holds such.
    pub model: Option<String>,
    /// The tensor of the model, where it is one.
    pub tensor: Option<String>,
    /// How.
    pub how: How,
}

/// How two things of the same name differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The first program alone has it.
    OnlyFirst,
    /// The second alone.
    OnlySecond,
    /// Both, of other lengths in bytes.
    Length(u64, u64),
    /// Both, of one length.
    Bytes {
        /// How many bytes differ.
        count: u64,
        /// The first of them, counted from the beginning of what differs.
        first: u64,
    },
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::OnlyFirst => f.write_str("is in the first alone"),
            How::OnlySecond => f.write_str("is in the second alone"),
            How::Length(first, second) => write!(f, "has {first} bytes in the first and {second} in the second"),
            How::Bytes { count: 1, first } => write!(f, "differs in the byte at {first:#x}"),
            How::Bytes { count, first } => write!(f, "differs in {count} bytes, the first at {first:#x}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.section {
            Some(section) => f.write_str(section)?,
            None => f.write_str("what lies between the sections")?,
        }
        let (model, tensor) = (self.model.as_ref(), self.tensor.as_ref());
        model.map_or(Ok(()), |model| write!(f, ", {model}"))?;
        tensor.map_or(Ok(()), |tensor| write!(f, ", tensor `{tensor}`"))?;
        write!(f, " {}", self.how)
    }
}

/// Compares two programs; none are the same bytes.
///
/// # Errors
///
/// If one is no program that can be read.
pub fn differences(first: &[u8], second: &[u8]) -> Result<Vec<Difference>, Refusal> {
    let (one, two) = (Program::parse(first)?, Program::parse(second)?);
    if first == second {
        return Ok(vec![]);
    }
    let (ours, theirs) = (named(&one), named(&two));
    let mut found = vec![];
    for (key, ours) in &ours {
        let how = theirs.get(key).map_or(Some(How::OnlyFirst), |theirs| compare(ours, theirs));
        let Some(how) = how else { continue };
        let within = if key.0 == DATA || key.0 == ATTACHED { models(&key.0, &one, &two) } else { vec![] };
        if within.is_empty() {
            found.push(Difference { section: Some(key.0.clone()), model: None, tensor: None, how });
        }
        found.extend(within);
    }
    for key in theirs.keys().filter(|key| !ours.contains_key(*key)) {
        found.push(Difference { section: Some(key.0.clone()), model: None, tensor: None, how: How::OnlySecond });
    }
    if found.is_empty() {
        found.extend(compare(first, second).map(|how| Difference { section: None, model: None, tensor: None, how }));
    }
    Ok(found)
}

/// The sections by their names, and by their order where several have one.
fn named<'a>(program: &Program<'a>) -> BTreeMap<(String, usize), &'a [u8]> {
    let mut named = BTreeMap::new();
    for (name, bytes) in program.sections() {
        let nth = named.range((name.clone(), 0)..=(name.clone(), usize::MAX)).count();
        named.insert((name, nth), bytes);
    }
    named
}

fn compare(first: &[u8], second: &[u8]) -> Option<How> {
    if first.len() != second.len() {
        return Some(How::Length(first.len() as u64, second.len() as u64));
    }
    let at = first.iter().zip(second).position(|(a, b)| a != b)?;
    let count = first[at..].iter().zip(&second[at..]).filter(|(a, b)| a != b).count();
    Some(How::Bytes { count: count as u64, first: at as u64 })
}

/// A pack or an index as a program holds it, whether or not that is what its record says.
struct Piece {
    name: String,
    section: &'static str,
    bytes: Aligned,
}

/// The differences within packs and indexes that begin in `section`; none where their records cannot be read.
fn models(section: &str, one: &Program<'_>, two: &Program<'_>) -> Vec<Difference> {
    let (Some(first), Some(second)) = (pieces(one), pieces(two)) else { return vec![] };
    let mut found = vec![];
    let mut add = |model: &str, tensor: Option<String>, how| {
        found.push(Difference { section: Some(section.into()), model: Some(model.into()), tensor, how });
    };
    for piece in first.iter().filter(|piece| piece.section == section) {
        match second.iter().find(|other| other.name == piece.name) {
            None => add(&piece.name, None, How::OnlyFirst),
            Some(other) => {
                let Some(how) = compare(&piece.bytes, &other.bytes) else { continue };
                let tensors = tensors(&piece.bytes, &other.bytes);
                if tensors.is_empty() {
                    add(&piece.name, None, how);
                }
                tensors.into_iter().for_each(|(tensor, how)| add(&piece.name, Some(tensor), how));
            }
        }
    }
    for other in
        second.iter().filter(|other| other.section == section && !first.iter().any(|piece| piece.name == other.name))
    {
        add(&other.name, None, How::OnlySecond);
    }
    found
}

fn pieces(program: &Program<'_>) -> Option<Vec<Piece>> {
    let section = |name| program.section(name).ok().flatten();
    let (data, records): (Vec<Section<'_>>, _) =
        ([DATA, ATTACHED].into_iter().filter_map(section).collect(), section(PLACES)?);
    let most: usize = data.iter().map(|section| section.bytes.len()).sum();
    let bill = section(BILL).and_then(|bill| Bill::decode(bill.bytes).ok());
    let mut pieces = vec![];
    for (nth, place) in places(records.bytes, records.address)?.iter().enumerate() {
        let Bytes::Parts(parts) = &place.bytes else { continue };
        let (mut bytes, mut first) = (vec![], None);
        for &part in parts {
            let (at, _, part) = find(part, &data)?;
            first.get_or_insert(data[at].name);
            // Parts that are named over and over make no more than the sections have.
            (bytes.len() + part.len() <= most).then(|| bytes.extend_from_slice(part))?;
        }
        let name = bill.as_ref().and_then(|bill| name(bill, &place.digest));
        let name = name.unwrap_or_else(|| format!("pack or index {nth}"));
        pieces.push(Piece { name, section: first?, bytes: Aligned::copy(&bytes) });
    }
    Some(pieces)
}

fn name(bill: &Bill, digest: &Digest) -> Option<String> {
    let mut models = bill.lock.models.iter();
    let model = models.find(|model| model.packs.iter().any(|pack| pack.digest == *digest));
    let index = || bill.lock.indexes.iter().find(|index| index.digest == *digest);
    model
        .map(|model| format!("model `{}`", model.name))
        .or_else(|| index().map(|index| format!("index `{}`", index.name)))
}

/// The tensors in which two packs differ; none where one is no pack, or where what differs is no tensor.
fn tensors(first: &[u8], second: &[u8]) -> Vec<(String, How)> {
    let (Ok(first), Ok(second)) = (Artifact::parse(first), Artifact::parse(second)) else { return vec![] };
    let all = |pack: &Artifact<'_>| -> BTreeMap<String, TensorId> {
        pack.tensors().iter().zip(0..).map(|(tensor, id)| (tensor.name.clone(), TensorId(id))).collect()
    };
    let (ours, theirs) = (all(&first), all(&second));
    let mut found = vec![];
    for (name, &id) in &ours {
        let how = match theirs.get(name) {
            None => Some(How::OnlyFirst),
            Some(&other) => compare(first.bytes(id), second.bytes(other)),
        };
        found.extend(how.map(|how| (name.clone(), how)));
    }
    let added = theirs.keys().filter(|name| !ours.contains_key(*name));
    found.extend(added.map(|name| (name.clone(), How::OnlySecond)));
    found
}
