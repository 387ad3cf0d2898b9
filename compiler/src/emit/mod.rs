//! Packs: the tensors of a program in the order in which the kernels read them, with all that a service needs.
//!
//! The same model and golden vectors give the same bytes, on every machine.

mod listing;
mod network;
pub mod panels;

pub use listing::{Listing, StepListing, arena_bytes, listing};
pub use network::{network, with_requests};

use crate::compressed::CompressedModel;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Constant;
use crate::lower::{Lowered, LoweredTensor, Part, lower};
use crate::memory::plan;
use modeldeploy_format::golden::Golden;
use modeldeploy_format::pack::{Aligned, Contents, Writer};
use modeldeploy_format::tensor::Layout;
use modeldeploy_format::{DType, Signature};
use std::borrow::Cow;

/// A pack that does not hold together: the model contradicts its signature.
pub const BAD_PACK: Code = Code("MD0810");

/// Lowers a compressed model, plans its memory and writes its pack.
///
/// # Errors
///
/// What [`lower`] and [`emit`] find wrong.
pub fn pack(model: &CompressedModel, goldens: Vec<Golden>) -> Result<Aligned, Vec<Diagnostic>> {
    let mut lowered = lower(&model.graph)?;
    plan(&mut lowered.program);
    emit(&lowered, &model.signature, &model.tokenizer, goldens)
}

/// Writes the pack of a planned program.
///
/// # Errors
///
/// `MD0810` if program, tensors and signature contradict one another, such as a signature with more outputs than the graph gives.
pub fn emit(
    lowered: &Lowered,
    signature: &Signature,
    tokenizer: &[u8],
    goldens: Vec<Golden>,
) -> Result<Aligned, Vec<Diagnostic>> {
    let writer = tensors(lowered);
    let contents = Contents {
        signature: signature.clone(),
        program: lowered.program.clone(),
        tokenizer: tokenizer.to_vec(),
        goldens,
    };
    writer.finish(&contents).map_err(|error| {
        vec![Diagnostic::new(BAD_PACK, format!("the model cannot be packed: {error}")).help(
            "the model's files contradict its configuration, such as in the longest text or the number of outputs",
        )]
    })
}

/// A writer with the tensors of a program.
fn tensors(lowered: &Lowered) -> Writer {
    let mut writer = Writer::new();
    for tensor in &lowered.tensors {
        writer.tensor(&tensor.name, tensor.dtype, tensor.layout, &tensor.dims, &stored(tensor));
    }
    writer
}

/// The bytes of a tensor, in the order of its layout.
fn stored(tensor: &LoweredTensor) -> Cow<'_, [u8]> {
    let plain = match &tensor.parts[..] {
        [one] => part(one),
        parts => parts.iter().map(part).collect::<Vec<_>>().concat().into(),
    };
    let shape = || (tensor.dims[0] as usize, tensor.dims[1] as usize);
    match (tensor.layout, tensor.dtype) {
        (Layout::Plain, _) => plain,
        (Layout::Panels, DType::Bf16) => {
            let (n, k) = shape();
            panels::panels(plain.as_chunks::<2>().0, n, k).concat().into()
        }
        (Layout::Panels, _) => {
            let (n, k) = shape();
            panels::panels(plain.as_chunks::<4>().0, n, k).concat().into()
        }
        (Layout::QuadPanels, _) => {
            let (n, k) = shape();
            panels::quad_panels(&plain, n, k).into()
        }
    }
}

/// Bytes of a tensor as they stand; those of a constant are not copied, which may be a table of gigabytes.
fn part(part: &Part) -> Cow<'_, [u8]> {
    match part {
        Part::Constant(constant) => constant.bytes().into(),
        Part::Zeros(count) => vec![0; 4 * count].into(),
        Part::Sums(codes) => sums(codes).iter().flat_map(|sum| sum.to_le_bytes()).collect::<Vec<u8>>().into(),
    }
}

fn sums(constant: &Constant) -> Vec<i32> {
    panels::sums(constant.bytes(), constant.shape()[1])
}
