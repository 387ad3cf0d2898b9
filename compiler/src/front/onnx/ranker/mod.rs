//! A recommender in ONNX as the graph of a ranker's network.
//!
//! What a value is of, the user and the session or a candidate, follows from the inputs that it is computed from. What is of the user alone
//! has no axis of candidates in the graph, even where the file repeats it for each of them, and so it is computed once. The graph is held
//! against the interpreter of the file before it is given out: nothing wrong can be imported.

mod axes;
mod batch;
mod check;
mod columns;
mod given;
mod import;
mod known;
mod labels;
mod masks;
mod ports;
mod rules;
#[cfg(test)]
mod tests;

use super::super::codes;
use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use crate::onnx::{Dimension, Elem, Lengths, Model, Trace};
pub use batch::{fixed_batch, free_batch};
use import::Importer;
use modeldeploy_format::features::{Side, Takes};

/// Of what an input of the ONNX model is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The input's name.
    pub input: String,
    /// Of what it is known.
    pub side: Side,
}

/// What sessions are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// The most items of one.
    pub most: usize,
    /// Whether shorter ones are filled up to as many.
    pub filled: bool,
}

impl Sessions {
    /// As long as they come, up to so many items.
    pub const fn up_to(most: usize) -> Sessions {
        Sessions { most, filled: false }
    }
}

/// A network read from ONNX.
#[derive(Clone, Debug)]
pub struct Network {
    /// What it computes: `f32[candidates]`, or `f32[candidates, outputs]`.
    pub graph: Graph,
    /// Its columns in the order of the model's inputs. Those of one side that are taken alike are numbered in this order.
    pub columns: Vec<Column>,
}

/// One number or id that a network is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The input's name, or `dense[3]` where the input has several columns.
    pub name: String,
    /// Of what it is known.
    pub side: Side,
    /// What the network takes.
    pub takes: Takes,
    /// Of an id, the fewest rows of the tables that it reads.
    pub rows: Option<u64>,
}

/// An input of an ONNX model, as far as the file says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFacts {
    /// Its name.
    pub name: String,
    /// Its kind of numbers; none where the file does not say.
    pub elem: Option<Elem>,
    /// How many columns it has: the sizes of all axes that have one, together.
    pub columns: usize,
    /// Whether its second axis has no fixed size, as that of a session's items, or of candidates beside one user.
    pub dynamic: bool,
    /// The size of its second axis, or of its only one, if it is fixed: of a session's input the number of items.
    pub items: Option<usize>,
}

/// The inputs of a model.
pub fn inputs(model: &Model) -> Vec<InputFacts> {
    let facts = |port: &crate::onnx::Port| {
        let shape = port.shape.as_deref().unwrap_or_default();
        let fixed = shape.iter().filter_map(|dim| if let Dimension::Fixed(size) = dim { Some(*size) } else { None });
        InputFacts {
            name: port.name.clone(),
            elem: port.elem,
            columns: fixed.fold(1, usize::saturating_mul),
            dynamic: shape.get(1).is_some_and(|dim| !matches!(dim, Dimension::Fixed(_))),
            items: ports::fixed_items(shape),
        }
    };
    model.inputs().iter().map(facts).collect()
}

/// Reads a network. `place` names the file in errors, `roles` says of what each input is known, and `sessions` how many items a session has.
///
/// # Errors
///
/// `MD0116` for an input or a node that does not fit in, all of them; `MD0117` if the network does not compute what the file does; `MD17xx`
/// for what the interpreter finds wrong.
pub fn network(model: &Model, place: &str, roles: &[Role], sessions: Sessions) -> Result<Network, Vec<Diagnostic>> {
    // A session that is not read has no longest.
    let sessions = Sessions { most: sessions.most.max(1), ..sessions };
    let made = imported(model, place, roles, sessions, Named::Apart);
    match made {
        // Exporters that give each axis a name of its own may mean one batch all the same.
        Err(errors) => imported(model, place, roles, sessions, Named::Together).map_err(|_| errors),
        made => made,
    }
}

/// Whether a user's batch of another name than the candidates' is one of its own, of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Apart,
    Together,
}

fn imported(
    model: &Model,
    place: &str,
    roles: &[Role],
    sessions: Sessions,
    named: Named,
) -> Result<Network, Vec<Diagnostic>> {
    let ports = ports::read(model, place, roles, sessions, named)?;
    let longest = Lengths { tokens: sessions.most, candidates: 2 };
    let zeros = |name: &str, lengths| ports.zeros(name, lengths);
    let trace = match ports.items {
        None => Trace::of(model, longest, &zeros)?,
        Some(items) => {
            let mut trace = Trace::of_fixed(model, longest, &zeros)?;
            labels::label(&mut trace, &ports, items);
            trace
        }
    };
    let (network, masked) = Importer::new(&trace, place, &ports).run()?;
    check::check(model, place, &ports, (&network, &masked), sessions.most)?;
    Ok(network)
}

fn wrong(place: &str, message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(codes::UNKNOWN_NETWORK, message).at(place).help(help)
}
