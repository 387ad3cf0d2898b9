//! The sum of rows of tables, the first thing that a text model computes.

use super::{Attributes, Operator, TableInputs, Text, shapes, table};
use crate::graph::{Elem, Graph, Node, Type, ValueId};
use candle_core::Tensor;

/// `out[t] = Σ table[index[t]]`, in the order of the tables, over one to three.
///
/// The inputs are those of each [table](TableInputs), and after them its index. The value is `f32[tokens, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedSum;

/// One table of an [`EmbedSum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedLookup {
    /// The table.
    pub table: TableInputs,
    /// Which row.
    pub index: ValueId,
}

impl EmbedSum {
    /// A node of the sum over these tables.
    pub fn node(lookups: &[EmbedLookup]) -> Node {
        let inputs = lookups.iter().flat_map(|lookup| lookup.table.inputs().chain([lookup.index]));
        Node::new(EmbedSum, inputs.collect::<Vec<_>>())
    }

    /// The tables of a node of this operator.
    ///
    /// # Panics
    ///
    /// If the inputs are not of types that the operator takes.
    pub fn lookups(graph: &Graph, node: &Node) -> Vec<EmbedLookup> {
        let parts = node.inputs.split_inclusive(|&id| graph.ty(id).elem == Elem::Index);
        parts
            .map(|part| {
                let (&index, table) = part.split_last().expect("a part has its index");
                EmbedLookup { table: TableInputs::of(table), index }
            })
            .collect()
    }
}

impl Operator for EmbedSum {
    const NAME: &'static str = "embed_sum";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let parts: Vec<&[Type]> = inputs.split_inclusive(|ty| ty.elem == Elem::Index).collect();
        let mut out: Option<Type> = None;
        for part in &parts {
            let Some((index, tables)) = part.split_last().filter(|(index, _)| index.elem == Elem::Index) else {
                return Err("the last table lacks its index".to_owned());
            };
            let (_, n) = table::infer(tables)?;
            shapes::elem("an index", index, Elem::Index)?;
            let ty = Type::f32([index.shape.as_slice(), &[n.into()]].concat());
            match &out {
                Some(out) if *out != ty => return Err(format!("the tables give {out} and {ty}")),
                _ => out = Some(ty),
            }
        }
        out.filter(|_| parts.len() <= 3).ok_or_else(|| format!("{} tables are not 1 to 3", parts.len()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        // Indices are the only u32 tensors.
        for part in inputs.split_inclusive(|tensor| tensor.dtype() == candle_core::DType::U32) {
            let (index, tables) = part.split_last().expect("a part has its index");
            let rows = table::rows(tables, index)?;
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
