//! The compressed graph: each node anew, linear layers and tables in the precision that the plan gives them.

use super::plan::Plan;
use super::quantize::int8_rows;
use super::recipe::Precision;
use super::smooth::Smooth;
use super::tables::{int4_table, int8_table};
use crate::diagnostic::Diagnostic;
use crate::graph::{Constant, Graph, Node, ValueId};
use crate::ops::{Bag, BagInputs, Dense, DenseInt8, DenseInt8Inputs, EmbedLookup, EmbedSum, Op, Quantize, TableInputs};
use modeldeploy_format::DType;
use std::collections::BTreeMap;

/// Writes the compressed graph. `progress` is told after each node.
pub(super) fn rewrite(
    graph: &Graph,
    plan: &Plan,
    smooth: &BTreeMap<ValueId, Smooth>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Graph, Vec<Diagnostic>> {
    let mut rewrite = Rewrite {
        old: graph,
        new: Graph::new(),
        values: BTreeMap::new(),
        quantized: vec![],
        matrices: BTreeMap::new(),
        tables: BTreeMap::new(),
        smoothed: vec![],
    };
    let order = graph.order();
    for (done, &id) in order.iter().enumerate() {
        if graph.is_const(id) {
            continue;
        }
        let node = graph.node(id);
        let made = match (&node.op, plan.layer(id)) {
            (Op::Dense(dense), Some(Precision::Int8)) => rewrite.int8(node, dense, smooth.get(&id)),
            (Op::Dense(dense), Some(Precision::Bf16)) => rewrite.bf16(node, dense),
            (Op::EmbedSum(_), _) => rewrite.embeddings(node, plan),
            (Op::Bag(bag), _) => rewrite.bag(node, *bag, plan),
            _ => rewrite.copy(node),
        };
        rewrite.values.insert(id, made.map_err(|error| vec![error])?);
        progress(done + 1, order.len());
    }
    let mut new = rewrite.new;
    new.set_outputs(graph.outputs().iter().map(|output| rewrite.values[output]).collect::<Vec<_>>());
    new.remove_dead();
    new.verify()?;
    Ok(new)
}

/// Codes and scales, in the new graph.
type Matrix = (ValueId, ValueId);

struct Rewrite<'a> {
    old: &'a Graph,
    new: Graph,
    /// The new values by the old.
    values: BTreeMap<ValueId, ValueId>,
    /// The quantized rows of a new value.
    quantized: Vec<(ValueId, ValueId)>,
    /// The 8-bit matrices of old constants that are not smoothed.
    matrices: BTreeMap<ValueId, Matrix>,
    /// The tables of codes of old constants, each of one precision.
    tables: BTreeMap<ValueId, TableInputs>,
    /// Smoothed normalizations by the old one, and smoothed weights by the old ones.
    smoothed: Vec<(ValueId, Smooth, Smoothed)>,
}

#[derive(Clone, Copy)]
enum Smoothed {
    Normalization(ValueId),
    Weights(Matrix),
}

impl Rewrite<'_> {
    /// The new value of an old one; constants are taken over when they are first read.
    fn value(&mut self, old: ValueId) -> ValueId {
        if let Some(&new) = self.values.get(&old) {
            return new;
        }
        let constant = self.old.as_const(old).expect("nodes come in order of evaluation").clone();
        let new = self.new.constant(&self.old.node(old).name, constant);
        self.values.insert(old, new);
        new
    }

    fn copy(&mut self, node: &Node) -> Result<ValueId, Diagnostic> {
        let inputs: Vec<ValueId> = node.inputs.iter().map(|&input| self.value(input)).collect();
        self.new.add(node.op.clone(), &inputs, node.name.clone())
    }

    /// The numbers and the name of an old constant.
    fn numbers(&self, old: ValueId) -> (Vec<f32>, &str) {
        (self.old.as_const(old).expect("the plan names constants").to_f32(), &self.old.node(old).name)
    }

    /// An old constant as bf16; one that is stored so already keeps its bytes.
    fn halves(&mut self, old: ValueId) -> ValueId {
        let constant = self.old.as_const(old).expect("the plan names constants");
        if constant.dtype() == DType::Bf16 {
            return self.value(old);
        }
        let name = format!("{}.bf16", self.old.node(old).name);
        let halves = Constant::bf16(constant.shape(), &constant.to_f32());
        self.new.constant(&name, halves)
    }

    fn bf16(&mut self, node: &Node, dense: &Dense) -> Result<ValueId, Diagnostic> {
        let weights = self.halves(dense.parts(&node.inputs).weights);
        let inputs = node.inputs.iter().enumerate();
        let inputs: Vec<ValueId> =
            inputs.map(|(at, &input)| if at == 1 { weights } else { self.value(input) }).collect();
        self.new.add(node.op.clone(), &inputs, node.name.clone())
    }

    fn int8(&mut self, node: &Node, dense: &Dense, smooth: Option<&Smooth>) -> Result<ValueId, Diagnostic> {
        let parts = dense.parts(&node.inputs);
        let x = match smooth {
            Some(smooth) => self.smoothed_input(parts.x, smooth)?,
            None => self.value(parts.x),
        };
        let x = self.quantize(x)?;
        let (codes, scales) = self.weights(parts.weights, smooth);
        let bias = match smooth {
            Some(smooth) => Some(self.smoothed_bias(parts.bias, parts.weights, smooth)),
            None => parts.bias.map(|bias| self.value(bias)),
        };
        let residual = parts.residual.map(|residual| self.value(residual));
        let new = DenseInt8::node(dense.activation, DenseInt8Inputs { x, codes, scales, bias, residual });
        self.new.add(new.op, &new.inputs, node.name.clone())
    }

    /// A second normalization of the same rows, with a scale and shift of its own.
    fn smoothed_input(&mut self, old: ValueId, smooth: &Smooth) -> Result<ValueId, Diagnostic> {
        let found = self.smoothed.iter().find_map(|(id, by, made)| match made {
            Smoothed::Normalization(new) if *id == old && by == smooth => Some(*new),
            _ => None,
        });
        if let Some(new) = found {
            return Ok(new);
        }
        let graph = self.old;
        let node = graph.node(old);
        let ((gamma, gamma_name), (beta, beta_name)) = (self.numbers(node.inputs[1]), self.numbers(node.inputs[2]));
        let names = (format!("{gamma_name}.smooth"), format!("{beta_name}.smooth"));
        let (gamma, beta) = smooth.normalization(&gamma, &beta);
        let x = self.value(node.inputs[0]);
        let gamma = self.new.constant(&names.0, Constant::f32([gamma.len()], &gamma));
        let beta = self.new.constant(&names.1, Constant::f32([beta.len()], &beta));
        let new = self.new.add(node.op.clone(), &[x, gamma, beta], format!("{}.smooth", node.name))?;
        self.smoothed.push((old, smooth.clone(), Smoothed::Normalization(new)));
        Ok(new)
    }

    /// The bias with what the offset of the rows adds to it.
    fn smoothed_bias(&mut self, bias: Option<ValueId>, weights: ValueId, smooth: &Smooth) -> ValueId {
        let gain = smooth.bias(&self.numbers(weights).0);
        let (bias, name) = match bias {
            Some(bias) => {
                let (bias, name) = self.numbers(bias);
                (bias, name.to_owned())
            }
            None => (vec![0.0; gain.len()], self.numbers(weights).1.to_owned()),
        };
        let sum: Vec<f32> = bias.iter().zip(&gain).map(|(&bias, gain)| (f64::from(bias) + gain) as f32).collect();
        self.new.constant(&format!("{name}.smooth"), Constant::f32([sum.len()], &sum))
    }

    fn quantize(&mut self, x: ValueId) -> Result<ValueId, Diagnostic> {
        if let Some(&(_, q)) = self.quantized.iter().find(|(of, _)| *of == x) {
            return Ok(q);
        }
        let name = format!("{}.quantize", self.new.node(x).name);
        let q = self.new.add(Quantize, &[x], name)?;
        self.quantized.push((x, q));
        Ok(q)
    }

    fn weights(&mut self, old: ValueId, smooth: Option<&Smooth>) -> Matrix {
        let Some(smooth) = smooth else { return self.plain(old) };
        let found = self.smoothed.iter().find_map(|(id, by, made)| match made {
            Smoothed::Weights(matrix) if *id == old && by == smooth => Some(*matrix),
            _ => None,
        });
        found.unwrap_or_else(|| {
            let weights = smooth.weights(&self.numbers(old).0);
            let matrix = self.matrix(old, &weights);
            self.smoothed.push((old, smooth.clone(), Smoothed::Weights(matrix)));
            matrix
        })
    }

    /// An old matrix in 8 bits by row, as it is.
    fn plain(&mut self, old: ValueId) -> Matrix {
        if let Some(&matrix) = self.matrices.get(&old) {
            return matrix;
        }
        let matrix = self.matrix(old, &self.numbers(old).0);
        self.matrices.insert(old, matrix);
        matrix
    }

    /// Quantizes the rows of what an old matrix has become.
    fn matrix(&mut self, old: ValueId, values: &[f32]) -> Matrix {
        let (name, shape) = (&self.old.node(old).name, self.old.as_const(old).expect("a matrix is constant").shape());
        let int8 = int8_rows(values, shape[1]);
        let codes = self.new.constant(&format!("{name}.codes"), Constant::i8(shape, &int8.codes));
        let scales = self.new.constant(&format!("{name}.scales"), Constant::f32([shape[0]], &int8.scales));
        (codes, scales)
    }

    /// A table in the precision that the plan gives it.
    fn table(&mut self, old: TableInputs, plan: &Plan) -> TableInputs {
        match plan.tables.get(&old.table) {
            Some(Precision::Bf16) => TableInputs::floats(self.halves(old.table)),
            Some(&precision @ (Precision::Int8 | Precision::Int4)) => {
                if let Some(&made) = self.tables.get(&old.table) {
                    return made;
                }
                let made = self.coded(old.table, precision);
                self.tables.insert(old.table, made);
                made
            }
            _ => TableInputs {
                table: self.value(old.table),
                scales: old.scales.map(|scales| self.value(scales)),
                offsets: old.offsets.map(|offsets| self.value(offsets)),
            },
        }
    }

    /// A table as codes.
    fn coded(&mut self, old: ValueId, precision: Precision) -> TableInputs {
        let (name, shape) = (&self.old.node(old).name, self.old.as_const(old).expect("a table is constant").shape());
        let values = self.numbers(old).0;
        let (codes, scales, offsets) = if precision == Precision::Int4 {
            let table = int4_table(&values, shape[1]);
            (Constant::u4(shape, &table.codes), table.scales, Some(table.offsets))
        } else {
            let table = int8_table(&values, shape[1]);
            (Constant::i8(shape, &table.codes), table.scales, table.offsets)
        };
        let table = self.new.constant(&format!("{name}.codes"), codes);
        let mut by_row = |what: &str, values: &[f32]| {
            self.new.constant(&format!("{name}.{what}"), Constant::f32([values.len()], values))
        };
        let scales = Some(by_row("scales", &scales));
        TableInputs { table, scales, offsets: offsets.map(|offsets| by_row("offsets", &offsets)) }
    }

    fn bag(&mut self, node: &Node, bag: Bag, plan: &Plan) -> Result<ValueId, Diagnostic> {
        let BagInputs { table, index } = Bag::parts(&node.inputs);
        let (index, table) = (self.value(index), self.table(table, plan));
        let new = bag.node(BagInputs { table, index });
        self.new.add(new.op, &new.inputs, node.name.clone())
    }

    fn embeddings(&mut self, node: &Node, plan: &Plan) -> Result<ValueId, Diagnostic> {
        let lookups: Vec<EmbedLookup> = EmbedSum::lookups(self.old, node)
            .into_iter()
            .map(|lookup| {
                let index = self.value(lookup.index);
                EmbedLookup { table: self.table(lookup.table, plan), index }
            })
            .collect();
        let new = EmbedSum::node(&lookups);
        self.new.add(new.op, &new.inputs, node.name.clone())
    }
}
