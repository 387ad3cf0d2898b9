//! Writes a model as primitives into a graph, taking its tensors from the checkpoint on the way.
//!
//! Where a tensor is missing or wrong, the values that follow from it are unknown; the architecture is still walked to its end, so
//! that one run names every tensor that is missing or wrong.

use super::tensors::Tensors;
use crate::diagnostic::Diagnostic;
use crate::graph::{Constant, Dim, Graph, ValueId};
use crate::ops::{
    Activation, Add, Div, Erf, Gather, Input, MatMul, Mul, Op, Pool, Pooling, ReduceMax, ReduceMean, ReduceSum, Relu,
    Reshape, Sigmoid, Slice, Softmax, Sqrt, Sub, Tanh, TokenCount, Transpose,
};

/// A value of the graph, unless an error stands in its way.
pub(super) type Value = Option<ValueId>;

/// A graph in the making.
pub(super) struct Emitter {
    graph: Graph,
    errors: Vec<Diagnostic>,
}

impl Emitter {
    pub(super) fn new() -> Emitter {
        Emitter { graph: Graph::new(), errors: Vec::new() }
    }

    /// The graph that computes `output`. `None` where the errors of the tensors, which are told by them, stand in the way.
    pub(super) fn finish(mut self, output: Value) -> Result<Option<Graph>, Vec<Diagnostic>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(output.map(|output| {
            self.graph.set_outputs([output]);
            self.graph
        }))
    }

    pub(super) fn op(&mut self, op: impl Into<Op>, inputs: &[Value], name: &str) -> Value {
        let inputs = inputs.iter().copied().collect::<Option<Vec<_>>>()?;
        self.graph.add(op, &inputs, name).map_err(|error| self.errors.push(error)).ok()
    }

    fn constant(&mut self, taken: Option<(String, Constant)>) -> Value {
        taken.map(|(name, constant)| self.graph.constant(&name, constant))
    }

    /// A tensor that was read, under its name.
    pub(super) fn tensor(&mut self, name: &str, tensor: Constant) -> Value {
        Some(self.graph.constant(name, tensor))
    }

    /// An input of the model.
    pub(super) fn input(&mut self, input: Input) -> Value {
        Some(self.graph.input(input))
    }

    /// The graph so far.
    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(super) fn scalar(&mut self, value: f32) -> Value {
        Some(self.graph.scalar(&format!("{value:e}"), value))
    }

    /// A tensor of the encoder.
    pub(super) fn weight(&mut self, tensors: &mut Tensors<'_>, name: &str, shape: &[usize]) -> Value {
        let taken = tensors.body(name, shape);
        self.constant(taken)
    }

    /// Rows of a table of the encoder, by an input.
    pub(super) fn lookup(&mut self, tensors: &mut Tensors<'_>, input: Input, name: &str, shape: [usize; 2]) -> Value {
        let table = self.weight(tensors, &format!("{name}.weight"), &shape);
        let index = self.graph.input(input);
        self.op(Gather, &[table, Some(index)], name)
    }

    /// The rows of a table of positions for a text's tokens, of which the first takes row `first`. Where that is not 0, the row before
    /// is that of the padding's token, whose id it is, and the library does not count that token. `plus`, the first row of another
    /// table, is added to each.
    pub(super) fn positions(
        &mut self,
        tensors: &mut Tensors<'_>,
        name: &str,
        shape: [usize; 2],
        first: usize,
        plus: Option<(&str, usize)>,
    ) -> Value {
        let table = tensors.body(&format!("{name}.weight"), &shape);
        let padding = first.checked_sub(1);
        let from = padding.unwrap_or(0);
        let mut table = self.constant(table.map(|(name, table)| (name, table.rows(from, shape[0] - from))));
        if let Some((other, rows)) = plus {
            let other = tensors.body(&format!("{other}.weight"), &[rows, shape[1]]);
            let row = self.constant(other.map(|(name, table)| (name, table.rows(0, 1).reshaped([shape[1]]))));
            table = self.op(Add, &[table, row], name);
        }
        let index = self.graph.input(match padding {
            None => Input::Positions,
            Some(id) => Input::CountedPositions { padding: u32::try_from(id).expect("the configuration bounds it") },
        });
        self.op(Gather, &[table, Some(index)], name)
    }

    /// `x · Wᵀ + b` with the encoder's tensors `name.weight` `[n, k]` and `name.bias` `[n]`.
    pub(super) fn linear(&mut self, tensors: &mut Tensors<'_>, name: &str, x: Value, [n, k]: [usize; 2]) -> Value {
        let weight = tensors.body(&format!("{name}.weight"), &[n, k]);
        let bias = tensors.body(&format!("{name}.bias"), &[n]);
        self.product(name, x, weight, Some(bias))
    }

    /// The same with tensors outside the encoder, of a head.
    pub(super) fn outer_linear(
        &mut self,
        tensors: &mut Tensors<'_>,
        name: &str,
        x: Value,
        [n, k]: [usize; 2],
    ) -> Value {
        let weight = tensors.take(&format!("{name}.weight"), &[n, k]);
        let bias = tensors.take(&format!("{name}.bias"), &[n]);
        self.product(name, x, weight, Some(bias))
    }

    /// The same with the tensors of a module's own checkpoint in the subfolder `base`, perhaps without a bias.
    pub(super) fn module_linear(
        &mut self,
        tensors: &mut Tensors<'_>,
        base: &str,
        x: Value,
        [n, k]: [usize; 2],
        bias: bool,
    ) -> Value {
        let mut take = |name: &str, shape: &[usize]| {
            tensors.take(name, shape).map(|(name, tensor)| (format!("{base}{name}"), tensor))
        };
        let weight = take("linear.weight", &[n, k]);
        let bias = bias.then(|| take("linear.bias", &[n]));
        self.product(base.trim_end_matches('/'), x, weight, bias)
    }

    /// `x · Wᵀ + b`; the bias is outer `None` where the layer has none, and inner `None` where it is missing.
    fn product(
        &mut self,
        name: &str,
        x: Value,
        weight: Option<(String, Constant)>,
        bias: Option<Option<(String, Constant)>>,
    ) -> Value {
        let weight = self.constant(weight);
        let product = self.op(MatMul { transpose_b: true }, &[x, weight], name);
        let Some(bias) = bias else { return product };
        let bias = self.constant(bias);
        self.op(Add, &[product, bias], name)
    }

    /// Layer normalization (Ba et al. 2016) of rows of `width`.
    pub(super) fn layer_norm(
        &mut self,
        tensors: &mut Tensors<'_>,
        name: &str,
        x: Value,
        width: usize,
        epsilon: f32,
    ) -> Value {
        let gamma = self.weight(tensors, &format!("{name}.weight"), &[width]);
        let beta = self.weight(tensors, &format!("{name}.bias"), &[width]);
        self.normalized(name, x, gamma, beta, epsilon)
    }

    /// The same with values for its scale and its shift.
    pub(super) fn normalized(&mut self, name: &str, x: Value, gamma: Value, beta: Value, epsilon: f32) -> Value {
        let mean = self.op(ReduceMean { axis: 1, keep: true }, &[x], name);
        let centred = self.op(Sub, &[x, mean], name);
        let square = self.op(Mul, &[centred, centred], name);
        let variance = self.op(ReduceMean { axis: 1, keep: true }, &[square], name);
        let epsilon = self.scalar(epsilon);
        let variance = self.op(Add, &[variance, epsilon], name);
        let deviation = self.op(Sqrt, &[variance], name);
        let normal = self.op(Div, &[centred, deviation], name);
        let scaled = self.op(Mul, &[normal, gamma], name);
        self.op(Add, &[scaled, beta], name)
    }

    /// `softmax(q · kᵀ / √d + bias) · v` by head (Vaswani et al. 2017), over rows `[tokens, width]`; the bias is
    /// `[heads, tokens, tokens]`.
    pub(super) fn attention(
        &mut self,
        name: &str,
        qkv: [Value; 3],
        heads: usize,
        width: usize,
        bias: Option<Value>,
    ) -> Value {
        let depth = width / heads;
        let [q, k, v] = qkv.map(|x| {
            let split = self.op(Reshape { shape: vec![Dim::Tokens, heads.into(), depth.into()] }, &[x], name);
            self.op(Transpose { axes: vec![1, 0, 2] }, &[split], name)
        });
        let product = self.op(MatMul { transpose_b: true }, &[q, k], name);
        let scale = self.scalar(1.0 / (depth as f32).sqrt());
        let mut scores = self.op(Mul, &[product, scale], name);
        if let Some(bias) = bias {
            scores = self.op(Add, &[scores, bias], name);
        }
        let shares = self.op(Softmax, &[scores], name);
        let mixed = self.op(MatMul { transpose_b: false }, &[shares, v], name);
        let joined = self.op(Transpose { axes: vec![1, 0, 2] }, &[mixed], name);
        self.op(Reshape { shape: vec![Dim::Tokens, width.into()] }, &[joined], name)
    }

    pub(super) fn activation(&mut self, activation: Activation, x: Value, name: &str) -> Value {
        match activation {
            Activation::Identity => x,
            Activation::Relu => self.op(Relu, &[x], name),
            Activation::Tanh => self.op(Tanh, &[x], name),
            Activation::Sigmoid => self.op(Sigmoid, &[x], name),
            Activation::Silu => {
                let share = self.op(Sigmoid, &[x], name);
                self.op(Mul, &[x, share], name)
            }
            Activation::Gelu => {
                // x · ½ · (1 + erf(x / √2)).
                let root = self.scalar(std::f32::consts::SQRT_2);
                let inner = self.op(Div, &[x, root], name);
                let inner = self.op(Erf, &[inner], name);
                self.gelu(x, inner, name)
            }
            Activation::GeluTanh => {
                // x · ½ · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
                let square = self.op(Mul, &[x, x], name);
                let cube = self.op(Mul, &[square, x], name);
                let factor = self.scalar(0.044_715);
                let cube = self.op(Mul, &[cube, factor], name);
                let inner = self.op(Add, &[x, cube], name);
                let root = self.scalar((2.0 / std::f32::consts::PI).sqrt());
                let inner = self.op(Mul, &[inner, root], name);
                let inner = self.op(Tanh, &[inner], name);
                self.gelu(x, inner, name)
            }
        }
    }

    /// `x · ½ · (1 + inner)`.
    fn gelu(&mut self, x: Value, inner: Value, name: &str) -> Value {
        let one = self.scalar(1.0);
        let sum = self.op(Add, &[inner, one], name);
        let product = self.op(Mul, &[x, sum], name);
        let half = self.scalar(0.5);
        self.op(Mul, &[product, half], name)
    }

    /// The row of the first token, `[width]`.
    pub(super) fn first_row(&mut self, x: Value, width: usize, name: &str) -> Value {
        let row = self.op(Slice { axis: 0, start: 0, len: 1 }, &[x], name);
        self.op(Reshape { shape: vec![width.into()] }, &[row], name)
    }

    /// One row for the rows of a text's tokens, `[width]`.
    pub(super) fn pool(&mut self, pooling: Pooling, x: Value, width: usize) -> Value {
        let name = "pooling";
        match pooling {
            Pooling::Cls => self.first_row(x, width, name),
            Pooling::Mean => self.op(ReduceMean { axis: 0, keep: false }, &[x], name),
            Pooling::Max => self.op(ReduceMax { axis: 0, keep: false }, &[x], name),
            Pooling::Sum => self.op(ReduceSum { axis: 0, keep: false }, &[x], name),
            // Primitives count rows from the first.
            Pooling::Last => self.op(Pool { pooling }, &[x], name),
            Pooling::MeanSqrtLen => {
                let sum = self.op(ReduceSum { axis: 0, keep: false }, &[x], name);
                let count = self.op(TokenCount, &[], name);
                let root = self.op(Sqrt, &[count], name);
                self.op(Div, &[sum, root], name)
            }
        }
    }
}
