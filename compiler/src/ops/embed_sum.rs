//! The sum of rows of tables, the first thing that a text model computes.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Graph, Node, Type, ValueId};
use candle_core::Tensor;

/// `out[t] = Σ table[index[t]]`, in the order of the tables, over one to three.
///
/// The inputs are, for each table, `(table f32[rows, n], index)`, or for a quantized one `(codes i8[rows, n], scales f32[rows], index)`:
/// the type of the first says which. The value is `f32[tokens, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedSum;

/// One table of an [`EmbedSum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedLookup {
    /// f32 (which may be stored as bf16) or i8, `[rows, n]`.
    pub table: ValueId,
    /// f32 `[rows]`, for an i8 table: what one code of a row is worth.
    pub scales: Option<ValueId>,
    /// Which row.
    pub index: ValueId,
}

impl EmbedSum {
    /// A node of the sum over these tables.
    pub fn node(lookups: &[EmbedLookup]) -> Node {
        let inputs = lookups.iter().flat_map(|l| [Some(l.table), l.scales, Some(l.index)].into_iter().flatten());
        Node::new(EmbedSum, inputs.collect::<Vec<_>>())
    }

    /// The tables of a node of this operator.
    ///
    /// # Panics
    ///
    /// If the inputs are not of types that the operator takes.
    pub fn lookups(graph: &Graph, node: &Node) -> Vec<EmbedLookup> {
        let types: Vec<Type> = node.inputs.iter().map(|&id| graph.ty(id).clone()).collect();
        let parts = split(&types).expect("the node is of an operator that took its inputs");
        let lookup = |at: &[usize]| match *at {
            [table, scales, index] => (table, Some(scales), index),
            [table, index] => (table, None, index),
            _ => unreachable!("`split` makes twos and threes"),
        };
        parts
            .iter()
            .map(|at| lookup(at))
            .map(|(table, scales, index)| EmbedLookup {
                table: node.inputs[table],
                scales: scales.map(|at| node.inputs[at]),
                index: node.inputs[index],
            })
            .collect()
    }
}

/// The places of the inputs of each table.
fn split(inputs: &[Type]) -> Result<Vec<Vec<usize>>, String> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < inputs.len() {
        let count = if inputs[at].elem == Elem::I8 { 3 } else { 2 };
        let part: Vec<usize> = (at..at + count).collect();
        if at + count > inputs.len() {
            return Err("the last table lacks its index".to_owned());
        }
        parts.push(part);
        at += count;
    }
    if (1..=3).contains(&parts.len()) { Ok(parts) } else { Err(format!("{} tables are not 1 to 3", parts.len())) }
}

impl Operator for EmbedSum {
    const NAME: &'static str = "embed_sum";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let mut out: Option<Type> = None;
        for part in split(inputs)? {
            let (table, index) = (&inputs[part[0]], &inputs[part[part.len() - 1]]);
            let (rows, n) = shapes::matrix("a table", table)?;
            shapes::elem("an index", index, Elem::Index)?;
            if let [_, scales, _] = part[..] {
                shapes::vector("the scales", &inputs[scales], rows)?;
            } else {
                shapes::elem("a table", table, Elem::F32)?;
            }
            let ty = Type::f32([index.shape.as_slice(), &[n.into()]].concat());
            match &out {
                Some(out) if *out != ty => return Err(format!("the tables give {out} and {ty}")),
                _ => out = Some(ty),
            }
        }
        out.ok_or_else(|| "there is no table".to_owned())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        let mut rest = inputs;
        while let [table, second, tail @ ..] = rest {
            // Indices are the only u32 tensors.
            let rows = if second.dtype() == candle_core::DType::U32 {
                rest = tail;
                table.index_select(second, 0)?
            } else {
                let index = &tail[0];
                rest = &tail[1..];
                table.index_select(index, 0)?.broadcast_mul(&second.index_select(index, 0)?.unsqueeze(1)?)?
            };
            sum = Some(match sum {
                Some(sum) => (sum + rows)?,
                None => rows,
            });
        }
        sum.ok_or_else(|| candle_core::Error::Msg("a sum of no tables".to_owned()))
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}
