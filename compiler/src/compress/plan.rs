//! What becomes of each linear layer and each table: the recipe applied to a graph.

use super::recipe::{EMBEDDINGS, Precision, Recipe};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Bag, BagInputs, DenseInputs, EmbedSum, Op};
use std::collections::{BTreeMap, BTreeSet};

/// A part of the recipe names nothing of the model.
pub const UNKNOWN_PART: Code = Code("MD0503");
/// Weights that cannot be compressed, for they are not numbers.
pub const NOT_FINITE: Code = Code("MD0504");

/// A linear layer is to have a precision that only tables have.
pub const NO_TABLE: Code = Code("MD0506");

/// Linear layers with fewer outputs than this, such as a score or a few labels, lose accuracy by 8 bits and save nothing:
/// `int8` leaves them in f32 unless a part of the recipe names them. Tables with fewer rows likewise, and `int4` those that no pattern
/// names.
pub const FEW: usize = 16;

/// What becomes of each linear layer and each table.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// By the layer's node.
    pub(super) layers: BTreeMap<ValueId, Precision>,
    /// By the table's constant.
    pub(super) tables: BTreeMap<ValueId, Precision>,
}

impl Plan {
    /// Applies the recipe; all parts that name nothing and all weights that are not finite are errors.
    pub(super) fn new(graph: &Graph, recipe: &Recipe) -> Result<Plan, Vec<Diagnostic>> {
        let mut plan = Plan::default();
        let mut used = BTreeSet::new();
        let mut known = BTreeSet::new();
        let mut decide = |names: &[&str], table: bool, count: usize| {
            known.extend(names.iter().map(|&name| name.to_owned()));
            let (precision, part) = recipe.precision(names, table);
            used.extend(recipe.parts.keys().filter(|part| recipe.names(part, names, table)).cloned());
            let small = match precision {
                Precision::Int8 => part.is_none(),
                Precision::Int4 => table && part.is_none_or(|part| part == EMBEDDINGS),
                Precision::F32 | Precision::Bf16 => false,
            };
            if small && count < FEW { Precision::F32 } else { precision }
        };
        for id in graph.order() {
            let node = graph.node(id);
            if let Some((weights, [n, _])) = layer(graph, node) {
                let precision = decide(&[&node.name, &graph.node(weights).name], false, n);
                plan.layers.insert(id, precision);
            }
            for (table, [rows, _]) in tables(graph, node) {
                let precision = decide(&[&graph.node(table).name], true, rows);
                plan.tables.insert(table, precision);
            }
        }
        let mut errors = finite(graph, &plan);
        errors.extend(too_small(graph, &plan));
        errors.extend(recipe.parts.keys().filter(|part| !used.contains(*part)).map(|part| {
            let some: Vec<&str> = known.iter().take(3).map(String::as_str).collect();
            Diagnostic::new(UNKNOWN_PART, format!("the part `{part}` of the recipe names nothing of the model"))
                .at(format!("`quantize`, part `{part}`"))
                .help(format!("parts are `embeddings` and patterns over names such as `{}`", some.join("`, `")))
        }));
        if errors.is_empty() { Ok(plan) } else { Err(errors) }
    }

    /// The precision of a layer.
    pub(super) fn layer(&self, id: ValueId) -> Option<Precision> {
        self.layers.get(&id).copied()
    }
}

/// The constant weights `[n, k]` of a linear layer, and `[n, k]`. A layer over the fields of a row is none, for rows are quantized whole.
pub(super) fn layer(graph: &Graph, node: &Node) -> Option<(ValueId, [usize; 2])> {
    let Op::Dense(dense) = node.op else { return None };
    let DenseInputs { x, weights, .. } = dense.parts(&node.inputs);
    if graph.ty(x).row().len() != 1 {
        return None;
    }
    Some((weights, graph.as_const(weights)?.shape().try_into().ok()?))
}

/// The constant f32 or bf16 tables of a sum of embeddings, or of a bag, with their shapes.
fn tables(graph: &Graph, node: &Node) -> Vec<(ValueId, [usize; 2])> {
    let tables: Vec<ValueId> = match node.op {
        Op::EmbedSum(_) => {
            let lookups = EmbedSum::lookups(graph, node).into_iter();
            lookups.map(|lookup| lookup.table).filter(|table| table.scales.is_none()).map(|table| table.table).collect()
        }
        Op::Bag(_) => {
            let BagInputs { table, .. } = Bag::parts(&node.inputs);
            if table.scales.is_none() { vec![table.table] } else { vec![] }
        }
        _ => vec![],
    };
    tables.into_iter().filter_map(|table| Some((table, graph.as_const(table)?.shape().try_into().ok()?))).collect()
}

/// An error if linear layers are to have 4 bits, which names the first.
fn too_small(graph: &Graph, plan: &Plan) -> Option<Diagnostic> {
    let mut layers = plan.layers.iter().filter(|(_, precision)| **precision == Precision::Int4);
    let (&first, _) = layers.next()?;
    let others = match layers.count() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    let message = "a linear layer cannot be `int4`, which is for tables of embeddings";
    Some(
        Diagnostic::new(NO_TABLE, message.to_owned())
            .at(format!("layer `{}`{others}", graph.node(first).name))
            .help("write quantize = { default = \"int8\", embeddings = \"int4\" }"),
    )
}

/// An error for each tensor with a NaN or an infinity among those that are compressed.
fn finite(graph: &Graph, plan: &Plan) -> Vec<Diagnostic> {
    let layers = plan.layers.iter().filter_map(|(&id, to)| Some((layer(graph, graph.node(id))?.0, to)));
    let all = layers.chain(plan.tables.iter().map(|(&id, to)| (id, to)));
    let compressed: BTreeSet<ValueId> = all.filter(|(_, to)| **to != Precision::F32).map(|(id, _)| id).collect();
    let wrong = compressed.into_iter().filter_map(|id| {
        let values = graph.as_const(id)?.to_f32();
        let at = values.iter().position(|value| !value.is_finite())?;
        Some((id, at, values[at]))
    });
    wrong
        .map(|(id, at, value)| {
            Diagnostic::new(NOT_FINITE, format!("a weight is {value}, which no precision can hold"))
                .at(format!("tensor `{}`, number {at}", graph.node(id).name))
                .help("the checkpoint is damaged or its training diverged: take another")
        })
        .collect()
}
