//! What a pack does, step by step: for `inspect`.

use modeldeploy::session::{Capacity, Session, SessionError};
use modeldeploy_format::Artifact;
use modeldeploy_format::program::{Program, Rows, Slot, Step, Storage, TensorId};
use std::fmt;

/// What a pack does and needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The steps, in order.
    pub steps: Vec<StepListing>,
    /// Bytes of arena for each token of capacity.
    pub token_bytes: u64,
    /// Bytes of arena for each text of capacity.
    pub text_bytes: u64,
    /// Bytes of arena for each candidate.
    pub candidate_bytes: u64,
    /// Bytes of all tensors, those that several steps share counted once.
    pub tensor_bytes: u64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepListing {
    /// What it does: `linear_i8`, `attention`.
    pub step: &'static str,
    /// The tensor that says where in the model it is, if it reads any.
    pub name: String,
    /// The values that it reads, such as `f32[tokens, 384]`.
    pub inputs: Vec<String>,
    /// The values that it writes.
    pub outputs: Vec<String>,
    /// Bytes of the tensors that it reads.
    pub bytes: u64,
    /// Multiplications for each row that it writes.
    pub macs: u64,
    /// Multiplications for each row that it writes and each token of that row's text: those of attention.
    pub macs_by_token: u64,
}

/// Lists a pack.
pub fn listing(artifact: &Artifact<'_>) -> Listing {
    let program = artifact.program();
    Listing {
        steps: program.steps.iter().map(|step| list(artifact, program, step)).collect(),
        token_bytes: program.row_bytes(Rows::Tokens),
        text_bytes: program.row_bytes(Rows::Texts),
        candidate_bytes: program.row_bytes(Rows::Candidates),
        tensor_bytes: artifact.tensors().iter().filter_map(|tensor| tensor.bytes()).sum(),
    }
}

/// The bytes of the arena of a session that takes batches of so many tokens and texts, or of a ranker's network items and candidates of one
/// user, its kernels' scratch among them.
///
/// # Errors
///
/// If a session cannot run the pack, or the bytes cannot be counted.
pub fn arena_bytes(artifact: &Artifact<'_>, tokens: usize, texts: usize) -> Result<usize, SessionError> {
    let capacity = match artifact.ranker() {
        Some(_) => Capacity { tokens, texts: 1, candidates: texts },
        None => Capacity::new(tokens, texts),
    };
    Session::memory_for(artifact, capacity)
}

fn list(artifact: &Artifact<'_>, program: &Program, step: &Step) -> StepListing {
    let tensors = program.tensors(step);
    let tensor = |id: &TensorId| &artifact.tensors()[id.0 as usize];
    let shape = |slot: &Slot| {
        let rows = match slot.rows {
            Rows::Tokens => "tokens",
            Rows::Texts => "texts",
            Rows::Candidates => "candidates",
        };
        let storage = match slot.storage {
            Storage::F32 => "f32",
            Storage::Q8 => "q8",
        };
        format!("{storage}[{rows}, {}]", slot.width)
    };
    let (macs, macs_by_token) = match step {
        Step::Linear { .. } => (tensor(&tensors[0]).dims.iter().map(|&dim| u64::from(dim)).product(), 0),
        Step::Attention { out, .. } | Step::MaskedAttention { out, .. } => (0, 2 * u64::from(program.slot(*out).width)),
        _ => (0, 0),
    };
    StepListing {
        step: step.name(),
        name: tensors.first().map(|id| tensor(id).name.clone()).unwrap_or_default(),
        inputs: program.inputs(step).map(|id| shape(program.slot(id))).collect(),
        outputs: step.outputs().map(|id| shape(program.slot(id))).collect(),
        bytes: tensors.iter().filter_map(|id| tensor(id).bytes()).sum(),
        macs,
        macs_by_token,
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            let (inputs, outputs) = (step.inputs.join(", "), step.outputs.join(", "));
            write!(f, "{number:>3} {:<10} {inputs} -> {outputs}", step.step)?;
            if step.bytes > 0 {
                write!(f, "  {} bytes", step.bytes)?;
            }
            if step.macs + step.macs_by_token > 0 {
                write!(f, "  {} + {} n MACs a row", step.macs, step.macs_by_token)?;
            }
            writeln!(f, "{}{}", if step.name.is_empty() { "" } else { "  " }, step.name)?;
        }
        writeln!(
            f,
            "tensors {} bytes, arena {} a token and {} a text",
            self.tensor_bytes, self.token_bytes, self.text_bytes
        )
    }
}
