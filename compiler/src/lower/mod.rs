//! A fused graph to a program: slots, steps and the tensors that they read, in order of execution.
//!
//! What the runtime has a step for is lowered one to one, but that
//!
//! * the linear layers before an attention that read one value become one, whose columns the attention views;
//! * a layer normalization, a smoothed one of the same rows and the quantization of either become one step;
//! * a linear layer whose rows are only quantized gives them quantized;
//! * tensors that several steps share (ALBERT) are stored once;
//! * of a ranker's network, values that only stand beside one another, or are cut, turned and repeated, are no values of their own: what
//!   reads them puts its row together from where they stand.

mod attention;
mod computed;
mod embed;
mod fields;
mod linear;
mod norm;
mod order;
mod rows;

use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Constant, Dim, Elem, Graph, Node, ValueId};
use crate::ops::{Activation, Op};
use modeldeploy_format::DType;
use modeldeploy_format::program::{self, Program, Rows, Slot, SlotId, Step, Storage, TensorId, View};
use modeldeploy_format::tensor::Layout;
use std::collections::BTreeMap;

/// An operator that the runtime has no step for.
pub const UNSUPPORTED: Code = Code("MD0410");
/// An operator that the runtime has a step for, but not for such inputs.
pub const UNSUPPORTED_INPUTS: Code = Code("MD0411");

/// A tensor of the program before it is packed.
#[derive(Clone, Debug)]
pub struct LoweredTensor {
    /// Its name.
    pub name: String,
    /// Its numbers: several matrices or vectors follow one another along the first axis.
    pub parts: Vec<Part>,
    /// The order that it is to have.
    pub layout: Layout,
    /// Its logical dimensions.
    pub dims: Vec<u32>,
    /// The type of its numbers.
    pub dtype: DType,
}

/// Numbers of a tensor.
#[derive(Clone, Debug)]
pub enum Part {
    /// As they stand.
    Constant(Constant),
    /// The sum of each row of i8 codes, as i32.
    Sums(Constant),
    /// So many f32 zeros.
    Zeros(usize),
}

/// A program whose slots have no place yet, and its tensors.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The steps over slots; every offset is 0 until [`plan`](crate::memory::plan) has run.
    pub program: Program,
    /// The tensors, in the order in which the steps first read them.
    pub tensors: Vec<LoweredTensor>,
}

/// Lowers a graph.
///
/// # Errors
///
/// `MD0410` and `MD0411`, one for each node that cannot be lowered, with its name and operator.
///
/// # Panics
///
/// If the graph is not well formed: a stage before has made it.
pub fn lower(graph: &Graph) -> Result<Lowered, Vec<Diagnostic>> {
    let mut lowering = Lowering {
        graph,
        slots: vec![],
        steps: vec![],
        tensors: vec![],
        places: BTreeMap::new(),
        known: BTreeMap::new(),
        parts: vec![],
        spread: BTreeMap::new(),
        broadcast: BTreeMap::new(),
        network: graph.is_network(),
        merged: attention::merges(graph),
        norms: norm::fuse(graph),
    };
    let mut errors = Vec::new();
    for id in graph.order() {
        if lowering.places.contains_key(&id) || lowering.spread.contains_key(&id) {
            continue;
        }
        let node = graph.node(id);
        if let Err(problem) = lowering.node(id, node) {
            errors.push(problem.diagnostic(node));
            // What reads it is not to be blamed for its absence.
            lowering.place_anyhow(id);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let output = match graph.outputs() {
        [output] => lowering.output(*output),
        outputs => Err(Problem::inputs(format!("the graph has {} outputs, where a model has one", outputs.len()))),
    };
    match output {
        Ok(output) => {
            let program = Program { slots: lowering.slots, steps: lowering.steps, parts: lowering.parts, output };
            let mut lowered = Lowered { program, tensors: lowering.tensors };
            if lowering.network {
                order::ordered(&mut lowered);
            }
            Ok(lowered)
        }
        Err(problem) => {
            let place = graph.outputs().first().map(|&output| graph.node(output).clone());
            Err(vec![problem.diagnostic(&place.unwrap_or_else(|| Node::new(Op::Normalize(crate::ops::Normalize), [])))])
        }
    }
}

/// Why a node cannot be lowered.
struct Problem {
    code: Code,
    message: String,
}

impl Problem {
    fn inputs(message: impl Into<String>) -> Problem {
        Problem { code: UNSUPPORTED_INPUTS, message: message.into() }
    }

    fn diagnostic(self, node: &Node) -> Diagnostic {
        Diagnostic::new(self.code, format!("operator `{}`: {}", node.op.name(), self.message))
            .at(format!("node `{}`", node.name))
            .help(format!("`cargo modeldeploy explain {}` lists the operators that are supported", self.code))
    }
}

type Lower<T = ()> = Result<T, Problem>;

/// The columns of a slot that hold a value.
#[derive(Clone, Copy)]
struct Place {
    slot: SlotId,
    column: u32,
    width: u32,
}

struct Lowering<'a> {
    graph: &'a Graph,
    slots: Vec<Slot>,
    steps: Vec<Step>,
    tensors: Vec<LoweredTensor>,
    /// Where each value that was lowered stands.
    places: BTreeMap<ValueId, Place>,
    /// The tensors made so far, by the constants that they consist of.
    known: BTreeMap<(Vec<Option<ValueId>>, u8), TensorId>,
    /// What rows are put together from, each step's one after the other.
    parts: Vec<program::Part>,
    /// What the row of each value that is no slot's is put together from.
    spread: BTreeMap<ValueId, Vec<program::Part>>,
    /// The slots of values that were broadcast, by their rows and row.
    broadcast: BTreeMap<(ValueId, Vec<Dim>), SlotId>,
    /// Whether it is of a ranker's network.
    network: bool,
    /// For each of the layers before an attention that are one step, all of them.
    merged: BTreeMap<ValueId, Vec<ValueId>>,
    /// For each member of a fused normalization, the whole.
    norms: BTreeMap<ValueId, norm::Fused>,
}

impl Lowering<'_> {
    fn node(&mut self, id: ValueId, node: &Node) -> Lower {
        match &node.op {
            // Read by the steps that use them.
            Op::Constant(_) | Op::RelativeBias(_) => Ok(()),
            Op::Input(input) => {
                self.given(id, *input);
                Ok(())
            }
            Op::EmbedSum(_) => self.embed(id, node),
            Op::Bag(bag) => self.bag(id, node, *bag),
            _ if self.network => self.network_node(id, node),
            _ => self.text_node(id, node),
        }
    }

    /// A node of a model that reads texts, or one that is the same for both.
    fn text_node(&mut self, id: ValueId, node: &Node) -> Lower {
        match &node.op {
            Op::Add(_) => self.add(id, node),
            Op::LayerNorm(_) => self.norm(id),
            Op::Quantize(_) if self.norms.contains_key(&id) => self.norm(id),
            Op::Quantize(_) => self.quantize(id, node),
            Op::Dense(_) | Op::DenseInt8(_) => self.linear(id),
            Op::Attention(attention) => self.attention(id, node, attention.heads, attention.scale, attention.causal),
            Op::Pool(pool) => {
                let (x, out) = (self.whole(node.inputs[0])?, self.slot(id)?);
                self.push(Step::Pool { x, pooling: pool.pooling, out })
            }
            Op::Normalize(_) => {
                let (x, out) = (self.whole(node.inputs[0])?, self.slot(id)?);
                self.push(Step::Normalize { x, out })
            }
            Op::Softmax(_) => {
                let (x, out) = (self.whole(node.inputs[0])?, self.slot(id)?);
                self.push(Step::Softmax { x, out })
            }
            Op::Activate(op) => self.activate(id, node, op.activation),
            Op::Gelu(gelu) => self.activate(id, node, if gelu.tanh { Activation::GeluTanh } else { Activation::Gelu }),
            Op::Relu(_) => self.activate(id, node, Activation::Relu),
            Op::Tanh(_) => self.activate(id, node, Activation::Tanh),
            Op::Sigmoid(_) => self.activate(id, node, Activation::Sigmoid),
            Op::Slice(slice) => self.slice(id, node, slice.axis, slice.start),
            Op::Reshape(_) if self.graph.ty(id) == self.graph.ty(node.inputs[0]) => self.alias(id, node.inputs[0]),
            _ => Err(Problem { code: UNSUPPORTED, message: "the runtime has no step for it".to_owned() }),
        }
    }

    /// The rows and width of a value, if slots can hold it.
    fn shape(&self, id: ValueId) -> Lower<(Rows, u32)> {
        let ty = self.graph.ty(id);
        let (rows, width) = match ty.shape[..] {
            [Dim::Tokens, Dim::Fixed(width)] => (Rows::Tokens, width),
            [Dim::Fixed(width)] => (Rows::Texts, width),
            _ if self.network => self.flat(ty)?,
            _ => {
                return Err(Problem::inputs(format!(
                    "its value is {ty}, where a row for each token or text is needed"
                )));
            }
        };
        let width =
            u32::try_from(width).map_err(|_| Problem::inputs(format!("a row of {width} values is too wide")))?;
        Ok((rows, width))
    }

    /// The slot of the result.
    fn output(&mut self, id: ValueId) -> Lower<SlotId> {
        let (rows, _) = self.shape(id)?;
        if self.network && rows != Rows::Candidates {
            return Err(Problem::inputs("the scores of a network have a row for each candidate"));
        }
        self.whole(id)
    }

    /// A new slot for a value.
    fn slot(&mut self, id: ValueId) -> Lower<SlotId> {
        let (rows, width) = self.shape(id)?;
        let storage = if self.graph.ty(id).elem == Elem::Q8 { Storage::Q8 } else { Storage::F32 };
        let slot = self.place(rows, storage, width);
        self.places.insert(id, Place { slot, column: 0, width });
        Ok(slot)
    }

    fn place(&mut self, rows: Rows, storage: Storage, width: u32) -> SlotId {
        self.slots.push(Slot { rows, storage, width, offset: 0 });
        SlotId(u32::try_from(self.slots.len() - 1).expect("a program has under 2^32 slots"))
    }

    /// So that nodes after one that failed are looked at too.
    fn place_anyhow(&mut self, id: ValueId) {
        let (rows, width) = self.shape(id).unwrap_or((Rows::Tokens, 1));
        let slot = self.place(rows, Storage::F32, width);
        self.places.insert(id, Place { slot, column: 0, width });
    }

    /// The slot of a value that is a slot's whole width.
    fn whole(&mut self, id: ValueId) -> Lower<SlotId> {
        if self.network {
            return self.together(id);
        }
        let place = self.find(id)?;
        if place.column == 0 && place.width == self.slots[place.slot.0 as usize].width {
            return Ok(place.slot);
        }
        Err(Problem::inputs("it reads some columns of a value, which only attention can"))
    }

    fn find(&self, id: ValueId) -> Lower<Place> {
        self.places.get(&id).copied().ok_or_else(|| {
            let node = self.graph.node(id);
            Problem::inputs(format!("it reads `{}`, a {}, where a computed value is needed", node.name, node.op.name()))
        })
    }

    fn view(&mut self, id: ValueId) -> Lower<View> {
        if self.network && !self.places.contains_key(&id) {
            self.together(id)?;
        }
        let Place { slot, column, width } = self.find(id)?;
        Ok(View { slot, column, width })
    }

    fn push(&mut self, step: Step) -> Lower {
        self.steps.push(step);
        Ok(())
    }

    fn add(&mut self, id: ValueId, node: &Node) -> Lower {
        let ty = self.graph.ty(id);
        if node.inputs.iter().any(|&input| self.graph.ty(input) != ty) {
            return Err(Problem::inputs("its inputs have different shapes"));
        }
        let (a, b, out) = (self.whole(node.inputs[0])?, self.whole(node.inputs[1])?, self.slot(id)?);
        self.push(Step::Add { a, b, out })
    }

    fn quantize(&mut self, id: ValueId, node: &Node) -> Lower {
        let x = self.whole(node.inputs[0])?;
        if self.quantizes_itself(x, node.inputs[0]) {
            self.slots[x.0 as usize].storage = Storage::Q8;
            return self.alias(id, node.inputs[0]);
        }
        let out = self.slot(id)?;
        self.push(Step::Quantize { x, out })
    }

    /// Whether the slot of `value`, which is to be quantized, is what a linear layer wrote for that alone.
    fn quantizes_itself(&self, slot: SlotId, value: ValueId) -> bool {
        let wrote = |step: &Step| matches!(*step, Step::Linear { residual: None, out, .. } if out == slot);
        self.graph.uses(value) == 1 && self.steps.last().is_some_and(wrote)
    }

    fn activate(&mut self, id: ValueId, node: &Node, activation: Activation) -> Lower {
        let (x, out) = (self.whole(node.inputs[0])?, self.slot(id)?);
        self.push(Step::Activate { x, activation, out })
    }

    fn alias(&mut self, id: ValueId, of: ValueId) -> Lower {
        let place = self.find(of)?;
        self.places.insert(id, place);
        Ok(())
    }

    fn slice(&mut self, id: ValueId, node: &Node, axis: usize, start: usize) -> Lower {
        let of = self.find(node.inputs[0])?;
        let (rows, width) = self.shape(id)?;
        if rows != self.slots[of.slot.0 as usize].rows || axis + 1 != self.graph.ty(id).rank() {
            return Err(Problem::inputs("it takes rows out, where only columns can be taken"));
        }
        let start = u32::try_from(start).expect("a slice is within its value");
        self.places.insert(id, Place { slot: of.slot, column: of.column + start, width });
        Ok(())
    }

    /// The tensor of some constants one after another, `None` being f32 zeros for `width` channels.
    fn tensor(&mut self, ids: &[Option<ValueId>], kind: Kind, zeros: &[usize]) -> Lower<TensorId> {
        let key = (ids.to_vec(), kind as u8);
        if let Some(&known) = self.known.get(&key) {
            return Ok(known);
        }
        let tensor = self.gather(ids, kind, zeros)?;
        self.tensors.push(tensor);
        let id = TensorId(u32::try_from(self.tensors.len() - 1).expect("a program has under 2^32 tensors"));
        self.known.insert(key, id);
        Ok(id)
    }

    fn gather(&self, ids: &[Option<ValueId>], kind: Kind, zeros: &[usize]) -> Lower<LoweredTensor> {
        let mut parts = Vec::new();
        let mut name: Option<String> = None;
        let mut shape: Option<(DType, Vec<usize>)> = None;
        for (id, &zeros) in ids.iter().zip(zeros) {
            let part = match *id {
                None => Part::Zeros(zeros),
                Some(id) => {
                    let constant = self.graph.as_const(id).cloned().ok_or_else(|| {
                        let node = self.graph.node(id);
                        Problem::inputs(format!(
                            "its parameter `{}` is computed, where a constant is needed",
                            node.name
                        ))
                    })?;
                    let label = &self.graph.node(id).name;
                    name = Some(name.map_or_else(|| label.clone(), |name| format!("{name} + {label}")));
                    match kind {
                        Kind::Sums => Part::Sums(constant),
                        Kind::Vector if constant.dtype() != DType::F32 => {
                            Part::Constant(Constant::f32(constant.shape(), &constant.to_f32()))
                        }
                        _ => Part::Constant(constant),
                    }
                }
            };
            let (dtype, dims) = match &part {
                Part::Zeros(width) => (DType::F32, vec![*width]),
                Part::Sums(constant) => (DType::I32, constant.shape()[..1].to_vec()),
                Part::Constant(constant) => (constant.dtype(), constant.shape().to_vec()),
            };
            shape = Some(match shape {
                None => (dtype, dims),
                Some((known, mut sum)) if known == dtype && sum[1..] == dims[1..] => {
                    sum[0] += dims[0];
                    (known, sum)
                }
                Some(_) => return Err(Problem::inputs("its parameters are of different types")),
            });
            parts.push(part);
        }
        let (dtype, dims) = shape.expect("a tensor has a part");
        let layout = match (kind, dtype) {
            (Kind::Weights, DType::I8) => Layout::QuadPanels,
            (Kind::Weights, _) => Layout::Panels,
            _ => Layout::Plain,
        };
        let size = |dim: usize| {
            u32::try_from(dim).map_err(|_| Problem::inputs(format!("a parameter with an axis of {dim} is too large")))
        };
        let dims = dims.into_iter().map(size).collect::<Lower<Vec<u32>>>()?;
        let name = name.unwrap_or_default() + if kind == Kind::Sums { ".sums" } else { "" };
        Ok(LoweredTensor { name, parts, layout, dims, dtype })
    }

    /// A vector of f32.
    fn vector(&mut self, id: ValueId) -> Lower<TensorId> {
        self.tensor(&[Some(id)], Kind::Vector, &[0])
    }
}

/// What a tensor is for, which decides its layout.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// As it is stored.
    Table,
    Weights,
    /// The sums of the rows of codes.
    Sums,
    /// f32, whatever it is stored as.
    Vector,
}
