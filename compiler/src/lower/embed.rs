//! The sum of embeddings.

use super::{Kind, Lower, Lowering, Problem};
use crate::graph::{Node, ValueId};
use crate::ops::{EmbedSum, Input, Op, TableInputs};
use modeldeploy_format::program::{Index, Lookup, Rows, Step, TensorId};

impl Lowering<'_> {
    pub(super) fn embed(&mut self, id: ValueId, node: &Node) -> Lower {
        let mut lookups = [None; 3];
        let tables = EmbedSum::lookups(self.graph, node);
        for (lookup, table) in lookups.iter_mut().zip(tables) {
            let index = match self.graph.node(table.index).op {
                Op::Input(Input::TokenIds) => Index::TokenId,
                Op::Input(Input::TokenTypes) => Index::TokenType,
                Op::Input(Input::Positions) => Index::Position { offset: 0 },
                Op::Input(Input::PositionsFromEnd) => Index::FromEnd,
                Op::Input(Input::CountedPositions { padding }) => Index::Counted { padding },
                Op::Input(Input::Ids { of: Rows::Tokens, column, count: 1 }) => {
                    Index::Id { column: u32::try_from(column).map_err(|_| Problem::inputs("it reads too many ids"))? }
                }
                _ => return Err(Problem::inputs("its rows are chosen by a computed value")),
            };
            let (table, [scales, offsets]) = self.table(table.table)?;
            *lookup = Some(Lookup { table, scales, offsets, index });
        }
        let out = self.slot(id)?;
        self.push(Step::Embed { lookups, out })
    }

    /// The tensor of a table, and those of its scales and offsets: in the order in which steps name them.
    pub(super) fn table(&mut self, inputs: TableInputs) -> Lower<(TensorId, [Option<TensorId>; 2])> {
        let table = self.tensor(&[Some(inputs.table)], Kind::Table, &[0])?;
        let scales = inputs.scales.map(|scales| self.vector(scales)).transpose()?;
        let offsets = inputs.offsets.map(|offsets| self.vector(offsets)).transpose()?;
        Ok((table, [scales, offsets]))
    }
}
