//! A traced recommender as a graph: node by node, in the primitives that passes know.

use super::axes::Form;
use super::columns::Columns;
use super::ports::Ports;
use super::{Column, Network, rules, wrong};
use crate::diagnostic::Diagnostic;
use crate::front::codes;
use crate::graph::{Constant, Dim, Graph, Node, ValueId};
use crate::onnx::{Size, Source, Step, Trace, Traced};
use crate::ops::{Concat, Gather, Input, Op, Reshape};
use modeldeploy_format::features::{Side, Takes};
use modeldeploy_format::program::Rows;
use std::collections::{BTreeMap, HashMap};

/// What a value that follows from what is given is in the graph.
#[derive(Clone, Debug)]
pub(super) enum Lowered {
    /// A value of the graph, whose shape is its form's.
    Value(ValueId),
    /// Columns of inputs, not yet computed with.
    Columns(Columns),
    /// False everywhere: whether shares of softmax are NaN.
    Never,
}

/// A graph in the making, of a trace.
pub(super) struct Importer<'a> {
    pub(super) graph: Graph,
    pub(super) trace: &'a Trace,
    pub(super) ports: &'a Ports,
    place: &'a str,
    lowered: HashMap<usize, Lowered>,
    /// The step that computes a value.
    makers: HashMap<usize, usize>,
    /// For each column of the inputs what is taken of it.
    takes: Vec<Option<Takes>>,
    /// For each column of the inputs the fewest rows of the tables that it reads.
    rows: Vec<Option<u64>>,
    /// Columns as numbers, by value.
    numbers: HashMap<usize, ValueId>,
}

impl<'a> Importer<'a> {
    pub(super) fn new(trace: &'a Trace, place: &'a str, ports: &'a Ports) -> Importer<'a> {
        let mut makers = HashMap::new();
        for (at, step) in trace.steps.iter().enumerate() {
            step.outputs.iter().flatten().for_each(|&value| _ = makers.insert(value, at));
        }
        let mut lowered = HashMap::new();
        for (name, value) in trace.inputs() {
            let port = ports.list.iter().find(|port| port.name == *name).expect("a port for each input");
            let columns = Columns::of(port.first, &trace.sizes(*value).unwrap_or_default());
            lowered.insert(*value, Lowered::Columns(columns));
        }
        let none = ports.columns();
        Importer {
            graph: Graph::new(),
            trace,
            ports,
            place,
            lowered,
            makers,
            takes: vec![None; none],
            rows: vec![None; none],
            numbers: HashMap::new(),
        }
    }

    /// Writes every node that the output needs.
    pub(super) fn run(mut self) -> Result<Network, Vec<Diagnostic>> {
        let &[(ref name, output)] = self.trace.outputs() else {
            return Err(vec![wrong(
                self.place,
                format!("the model has {} outputs, where a ranker has one", self.trace.outputs().len()),
                "export the model with its scores as its only output",
            )]);
        };
        let mut errors = Vec::new();
        for at in self.needed(output) {
            let step = &self.trace.steps[at];
            let missing = |value: &usize| self.is_given(*value) && !self.lowered.contains_key(value);
            if rules::read(&self, step).iter().any(missing) {
                // What stands in the way has been told.
                continue;
            }
            match rules::lower(&mut self, step).and_then(|made| self.fits(step, made)) {
                Ok(made) => self.lowered.extend(made),
                Err(message) => errors.push(self.unknown(step, &message)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let scores = match (self.trace.source(output), self.value(output)) {
            (Source::Candidates, Ok(id)) if self.graph.ty(id).rank() <= 2 => id,
            _ => {
                let message = format!(
                    "the output `{}` is no score, and no row of scores, of each candidate",
                    name.escape_debug()
                );
                return Err(vec![wrong(self.place, message, "export the model with its scores as its only output")]);
            }
        };
        self.graph.set_outputs([scores]);
        let columns = self.numbered();
        self.graph.remove_dead();
        self.graph.verify()?;
        Ok(Network { graph: self.graph, columns })
    }

    fn unknown(&self, step: &Step, message: &str) -> Diagnostic {
        Diagnostic::new(
            codes::UNKNOWN_NETWORK,
            format!("operator `{}` of opset {}: {message}", step.operator, step.opset),
        )
        .at(format!("{}, node `{}`", self.place, step.name.escape_debug()))
        .help("`cargo modeldeploy explain MD0116` says which recommenders are compiled")
    }

    /// The steps on the way to a value that follow from what is given, in order.
    fn needed(&self, output: usize) -> Vec<usize> {
        let mut found = BTreeMap::new();
        let mut ahead = vec![output];
        while let Some(value) = ahead.pop() {
            let Some(&at) = self.makers.get(&value) else { continue };
            if self.is_given(value) && found.insert(at, ()).is_none() {
                ahead.extend(rules::read(self, &self.trace.steps[at]));
            }
        }
        found.into_keys().collect()
    }

    fn is_given(&self, value: usize) -> bool {
        matches!(self.trace.value(value), Some(Traced::Text(..)))
    }

    /// That each value of the graph has the form that the file's has.
    fn fits(&self, step: &Step, made: Vec<Lowered>) -> Result<Vec<(usize, Lowered)>, String> {
        let outputs: Vec<Option<usize>> = step.outputs.clone();
        let mut fitting = Vec::new();
        for (value, made) in outputs.into_iter().zip(made) {
            let Some(value) = value else { continue };
            let form = self.form(value)?;
            if let Lowered::Value(id) = made
                && self.graph.ty(id).shape != form.dims
            {
                return Err(format!("its value is {} here, and {:?} in the file", self.graph.ty(id), form.dims));
            }
            fitting.push((value, made));
        }
        Ok(fitting)
    }

    /// The step that computes a value.
    pub(super) fn maker(&self, value: usize) -> Option<&'a Step> {
        self.makers.get(&value).map(|&at| &self.trace.steps[at])
    }

    /// A value as it is so far.
    pub(super) fn lowered(&self, value: usize) -> Option<&Lowered> {
        self.lowered.get(&value)
    }

    pub(super) fn add(&mut self, op: impl Into<Op>, inputs: &[ValueId], name: &str) -> Result<ValueId, String> {
        self.graph.add(op, inputs, name).map_err(|error| error.message)
    }

    /// A value in another shape; itself where it has it.
    pub(super) fn reshaped(&mut self, id: ValueId, shape: &[Dim], name: &str) -> Result<ValueId, String> {
        let node = self.graph.node(id);
        // What has had another shape before has it still.
        let id = if let Op::Reshape(_) = node.op { node.inputs[0] } else { id };
        if self.graph.ty(id).shape == shape {
            return Ok(id);
        }
        self.add(Reshape { shape: shape.to_vec() }, &[id], name)
    }

    /// A value that is computed with: columns become numbers.
    pub(super) fn value(&mut self, value: usize) -> Result<ValueId, String> {
        match self.lowered.get(&value) {
            Some(Lowered::Value(id)) => return Ok(*id),
            Some(Lowered::Columns(_)) => {}
            _ => return Err("it computes with what is no number here".to_owned()),
        }
        if let Some(&id) = self.numbers.get(&value) {
            return Ok(id);
        }
        let Some(Lowered::Columns(columns)) = self.lowered.get(&value).cloned() else { unreachable!("it was there") };
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

    /// Values `[rows?, …]` side by side along an axis after the rows'.
    pub(super) fn joined(&mut self, parts: &[ValueId], axis: usize, name: &str) -> Result<ValueId, String> {
        if let [only] = parts {
            return Ok(*only);
        }
        let rows = parts.iter().any(|&part| self.graph.ty(part).rows().is_some());
        self.add(Concat { axis: axis + usize::from(rows) }, parts, name)
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

    fn take(&mut self, column: usize, takes: Takes) -> Result<(), String> {
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
    fn column_name(&self, column: usize) -> (String, Side) {
        let at = self.ports.list.partition_point(|port| port.first + port.columns <= column);
        let port = &self.ports.list[at];
        let name =
            if port.columns == 1 { port.name.clone() } else { format!("{}[{}]", port.name, column - port.first) };
        (name, port.side)
    }

    /// The columns, and the inputs of the graph by their numbers among those of one side that are taken alike.
    fn numbered(&mut self) -> Vec<Column> {
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

    /// An operand of a value of these sizes and that form, in a shape that broadcasts to it.
    pub(super) fn operand(&mut self, value: usize, sizes: &[Size], form: &Form) -> Result<ValueId, String> {
        if self.trace.source(value) == Source::Lengths {
            return self.known_operand(value, sizes, form);
        }
        let id = self.value(value)?;
        let (own, own_sizes) = (self.form(value)?, self.sizes(value)?);
        let skipped = sizes.len().checked_sub(own_sizes.len()).ok_or("it has more axes than what it makes")?;
        let mut next = 0;
        let mut dims: Vec<Dim> = Vec::with_capacity(form.dims.len());
        for axis in 0..form.dims.len() {
            let mine = match form.from(axis) {
                Some(at) => at.checked_sub(skipped).and_then(|at| own.places[at]),
                // An axis that is not in the file: that of a single candidate, or of a single head.
                None => (own.from(0).is_none() && own.dims.first() == form.dims.first() && axis == 0).then_some(0),
            };
            match mine {
                Some(at) if at == next => {
                    dims.push(own.dims[at]);
                    next += 1;
                }
                Some(_) => return Err("its operands have their axes in different orders".to_owned()),
                None => dims.push(Dim::Fixed(1)),
            }
        }
        if next != own.dims.len() {
            return Err("an axis of an operand is not one of its value".to_owned());
        }
        let ones = dims.iter().take_while(|dim| **dim == Dim::Fixed(1)).count();
        // A head of one is an axis of scores, not one that is broadcast.
        let from = ones.min(dims.len().saturating_sub(own.dims.len()));
        self.reshaped(id, &dims[from..], "broadcast")
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

/// A shape of rows, if there are some, and fixed sizes.
pub(super) fn flat(rows: Option<Dim>, sizes: &[usize]) -> Vec<Dim> {
    rows.into_iter().chain(sizes.iter().map(|&size| Dim::Fixed(size))).collect()
}
