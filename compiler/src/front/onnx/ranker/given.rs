//! What is read of the inputs: columns as numbers, and as the ids by which rows are looked up.

use super::Column;
use super::axes::Form;
use super::columns::Columns;
use super::import::{Importer, Lowered, flat};
use crate::graph::{Constant, Node, ValueId};
use crate::ops::{Gather, Input, Op};
use modeldeploy_format::features::{Side, Takes};
use modeldeploy_format::program::Rows;

impl Importer<'_> {
    /// Columns as numbers, in the form of the value that they are.
    pub(super) fn given_numbers(&mut self, value: usize) -> Result<ValueId, String> {
        if let Some(&id) = self.numbers.get(&value) {
            return Ok(id);
        }
        let Some(Lowered::Columns(columns)) = self.lowered(value).cloned() else {
            return Err("it computes with what is no number here".to_owned());
        };
        if columns.places.iter().any(|place| place.offset != 0) {
            return Err("it computes with ids to which offsets were added".to_owned());
        }
        let form = self.form(value)?;
        let groups = self.groups(&columns, false);
        let mut parts = Vec::new();
        for group in groups {
            (group.first..group.first + group.count).try_for_each(|column| self.take(column, Takes::Number))?;
            let id = self.graph.input(Input::Numbers { of: group.of, column: group.first, count: group.count });
            let row = self.graph.ty(id).rows();
            parts.push(self.reshaped(id, &flat(row, &[group.count]), "input")?);
        }
        let all = self.joined(&parts, 0, "input")?;
        let id = self.reshaped(all, &form.dims, "input")?;
        self.numbers.insert(value, id);
        Ok(id)
    }

    /// The rows of a table by ids, `[ids…, row…]`.
    pub(super) fn looked_up(
        &mut self,
        ids: &Columns,
        (table, table_name): (&Constant, &str),
        form: &Form,
        name: &str,
    ) -> Result<ValueId, String> {
        let rows = table.shape()[0];
        let width: usize = table.shape()[1..].iter().product();
        if rows == 0 || width == 0 {
            return Err("the table is empty".to_owned());
        }
        let mut parts = Vec::new();
        for group in self.groups(ids, true) {
            // Fields that share a table have its rows up to the next field's.
            let later = ids.places.iter().map(|place| place.offset).filter(|&offset| offset > group.offset);
            let end = later.min().unwrap_or(u64::MAX).min(rows as u64);
            let own = end.checked_sub(group.offset).filter(|&own| own > 0);
            let own = own.ok_or_else(|| format!("the offset {} is past the {rows} rows of the table", group.offset))?;
            for column in group.first..group.first + group.count {
                self.take(column, Takes::Id)?;
                let known = &mut self.rows[column];
                *known = Some(known.map_or(own, |known| known.min(own)));
            }
            let part = table.reshaped([rows, width]).rows(group.offset as usize, own as usize);
            let label = if own == rows as u64 {
                table_name.to_owned()
            } else {
                format!("{table_name}[{}..{end}]", group.offset)
            };
            let part = self.graph.constant(&label, part);
            let index = self.graph.input(Input::Ids { of: group.of, column: group.first, count: group.count });
            let found = self.add(Gather, &[part, index], name)?;
            let row = self.graph.ty(found).rows();
            parts.push(self.reshaped(found, &flat(row, &[group.count, width]), name)?);
        }
        let all = self.joined(&parts, 0, name)?;
        self.reshaped(all, &form.dims, name)
    }

    pub(super) fn take(&mut self, column: usize, takes: Takes) -> Result<(), String> {
        match self.takes[column].replace(takes) {
            Some(before) if before != takes => {
                let name = self.column_name(column).0;
                Err(format!("column `{}` of the inputs is both a number and an id", name.escape_debug()))
            }
            _ => Ok(()),
        }
    }

    /// Columns as stretches of one input each, of one offset; of a session each by itself where rows are looked up.
    fn groups(&self, columns: &Columns, ids: bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for place in &columns.places {
            let of = rows_of(self.column_name(place.column).1);
            let alone = ids && of == Rows::Tokens;
            match groups.last_mut() {
                Some(last)
                    if !alone
                        && last.of == of
                        && last.offset == place.offset
                        && last.first + last.count == place.column =>
                {
                    last.count += 1;
                }
                _ => groups.push(Group { of, first: place.column, count: 1, offset: place.offset }),
            }
        }
        groups
    }

    /// The name and the side of a column.
    pub(super) fn column_name(&self, column: usize) -> (String, Side) {
        let at = self.ports.list.partition_point(|port| port.first + port.columns <= column);
        let port = &self.ports.list[at];
        let name =
            if port.columns == 1 { port.name.clone() } else { format!("{}[{}]", port.name, column - port.first) };
        (name, port.side)
    }

    /// The columns, and the inputs of the graph by their numbers among those of one side that are taken alike.
    pub(super) fn numbered(&mut self) -> Vec<Column> {
        let columns: Vec<Column> = (0..self.takes.len())
            .map(|column| {
                let (name, side) = self.column_name(column);
                // What is not read may be anything.
                Column { name, side, takes: self.takes[column].unwrap_or(Takes::Number), rows: self.rows[column] }
            })
            .collect();
        let number = |column: usize| {
            let own = &columns[column];
            columns[..column].iter().filter(|it| (it.side, it.takes) == (own.side, own.takes)).count()
        };
        let inputs: Vec<(ValueId, Input)> = self
            .graph
            .nodes()
            .filter_map(|(id, node)| match node.op {
                Op::Input(Input::Numbers { of, column, count }) => {
                    Some((id, Input::Numbers { of, column: number(column), count }))
                }
                Op::Input(Input::Ids { of, column, count }) => {
                    Some((id, Input::Ids { of, column: number(column), count }))
                }
                _ => None,
            })
            .collect();
        for (id, input) in inputs {
            self.graph.replace(id, Node { op: input.into(), inputs: vec![], name: input.to_string() });
        }
        columns
    }
}

/// Columns of one input that follow one another.
struct Group {
    of: Rows,
    first: usize,
    count: usize,
    offset: u64,
}

/// The kind of rows that are given of a side.
pub(super) fn rows_of(side: Side) -> Rows {
    match side {
        Side::Candidate => Rows::Candidates,
        Side::User => Rows::Texts,
        Side::Session => Rows::Tokens,
    }
}
