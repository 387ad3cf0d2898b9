//! All the passes on whole models: random small ones of BERT's kind, written in primitives as front ends do.

use super::testing::{parse, same_values, some};
use crate::graph::Graph;
use crate::ops::Op;
use std::fmt::Write;

/// A generator of choices (Knuth's MMIX).
struct Choices(u64);

impl Choices {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }
}

/// Lines of text, with fresh names.
struct Lines(String, usize);

impl Lines {
    fn line(&mut self, right: &str) -> String {
        self.1 += 1;
        let name = format!("%v{}", self.1);
        writeln!(self.0, "{name} = {right}").unwrap();
        name
    }

    fn weight(&mut self, shape: &str) -> String {
        let number = self.1;
        self.line(&format!("constant \"w{number}\" f32[{shape}]"))
    }

    fn number(&mut self, value: f32) -> String {
        let number = self.1;
        self.line(&format!("constant \"n{number}\" f32[] = {value:?}"))
    }

    fn linear(&mut self, x: &str, n: usize, k: usize, bias: bool, transposed: bool) -> String {
        let product = if transposed {
            let w = self.weight(&format!("{n}, {k}"));
            self.line(&format!("matmul{{transpose_b=true}}({x}, {w})"))
        } else {
            let w = self.weight(&format!("{k}, {n}"));
            self.line(&format!("matmul({x}, {w})"))
        };
        if !bias {
            return product;
        }
        let b = self.weight(&n.to_string());
        self.line(&format!("add({b}, {product})"))
    }

    fn norm(&mut self, x: &str, width: usize) -> String {
        let mean = self.line(&format!("reduce_mean{{axis=1, keep=true}}({x})"));
        let centred = self.line(&format!("sub({x}, {mean})"));
        let square = self.line(&format!("mul({centred}, {centred})"));
        let variance = self.line(&format!("reduce_mean{{axis=1, keep=true}}({square})"));
        let epsilon = self.number(1e-6);
        let sum = self.line(&format!("add({variance}, {epsilon})"));
        let root = self.line(&format!("sqrt({sum})"));
        let normal = self.line(&format!("div({centred}, {root})"));
        let (gamma, beta) = (self.weight(&width.to_string()), self.weight(&width.to_string()));
        let scaled = self.line(&format!("mul({gamma}, {normal})"));
        self.line(&format!("add({scaled}, {beta})"))
    }

    fn attention(&mut self, qkv: [String; 3], heads: usize, depth: usize, bias: bool) -> String {
        let [q, k, v] = qkv.map(|x| {
            let split = self.line(&format!("reshape{{shape=[tokens, {heads}, {depth}]}}({x})"));
            self.line(&format!("transpose{{axes=[1, 0, 2]}}({split})"))
        });
        let product = self.line(&format!("matmul{{transpose_b=true}}({q}, {k})"));
        let scale = self.number(1.0 / (depth as f32).sqrt());
        let mut scores = self.line(&format!("mul({product}, {scale})"));
        if bias {
            let table = self.weight(&format!("8, {heads}"));
            let bias = self.line(&format!("relative_bias{{max_distance=16}}({table})"));
            scores = self.line(&format!("add({scores}, {bias})"));
        }
        let shares = self.line(&format!("softmax({scores})"));
        let mixed = self.line(&format!("matmul({shares}, {v})"));
        let joined = self.line(&format!("transpose{{axes=[1, 0, 2]}}({mixed})"));
        self.line(&format!("reshape{{shape=[tokens, {}]}}({joined})", heads * depth))
    }

    fn activation(&mut self, x: &str, which: usize) -> String {
        match which {
            0 => self.line(&format!("relu({x})")),
            1 => {
                let gate = self.line(&format!("sigmoid({x})"));
                self.line(&format!("mul({x}, {gate})"))
            }
            2 => {
                let root = self.number(std::f32::consts::SQRT_2);
                let inner = self.line(&format!("div({x}, {root})"));
                let inner = self.line(&format!("erf({inner})"));
                self.gelu(x, &inner)
            }
            _ => {
                let square = self.line(&format!("mul({x}, {x})"));
                let cube = self.line(&format!("mul({square}, {x})"));
                let (factor, root) = (self.number(0.044_715), self.number((2.0 / std::f32::consts::PI).sqrt()));
                let cube = self.line(&format!("mul({cube}, {factor})"));
                let sum = self.line(&format!("add({x}, {cube})"));
                let inner = self.line(&format!("mul({sum}, {root})"));
                let inner = self.line(&format!("tanh({inner})"));
                self.gelu(x, &inner)
            }
        }
    }

    fn gelu(&mut self, x: &str, inner: &str) -> String {
        let one = self.number(1.0);
        let sum = self.line(&format!("add({inner}, {one})"));
        let product = self.line(&format!("mul({x}, {sum})"));
        let half = self.number(0.5);
        self.line(&format!("mul({product}, {half})"))
    }
}

fn model(seed: u64) -> String {
    let mut choices = Choices(seed);
    let (heads, depth) = (1 + choices.below(3), 1 + choices.below(4));
    let width = heads * depth;
    let mut lines = Lines(String::new(), 0);
    let mut x = String::new();
    for (at, input) in ["token_ids", "positions", "token_types"].iter().enumerate().take(1 + choices.below(3)) {
        let table = lines.weight(&format!("9, {width}"));
        let index = lines.line(&format!("input{{of={input}}}()"));
        let rows = lines.line(&format!("gather({table}, {index})"));
        x = if at == 0 { rows } else { lines.line(&format!("add({x}, {rows})")) };
    }
    x = lines.norm(&x, width);
    for _ in 0..=choices.below(2) {
        let transposed = choices.below(2) == 0;
        let qkv = [0; 3].map(|_| lines.linear(&x, width, width, true, transposed));
        let mixed = lines.attention(qkv, heads, depth, choices.below(2) == 0);
        let out = lines.linear(&mixed, width, width, true, true);
        let sum = lines.line(&format!("add({out}, {x})"));
        x = lines.norm(&sum, width);
        let inner = lines.linear(&x, 2 * width, width, choices.below(4) > 0, true);
        let inner = lines.activation(&inner, choices.below(4));
        let out = lines.linear(&inner, width, 2 * width, true, true);
        let sum = lines.line(&format!("add({x}, {out})"));
        x = lines.norm(&sum, width);
    }
    x = match choices.below(4) {
        0 => lines.line(&format!("reduce_mean{{axis=0}}({x})")),
        1 => lines.line(&format!("reduce_max{{axis=0}}({x})")),
        2 => {
            let row = lines.line(&format!("slice{{axis=0, start=0, len=1}}({x})"));
            lines.line(&format!("reshape{{shape=[{width}]}}({row})"))
        }
        _ => {
            let sum = lines.line(&format!("reduce_sum{{axis=0}}({x})"));
            let count = lines.line("token_count()");
            let root = lines.line(&format!("sqrt({count})"));
            lines.line(&format!("div({sum}, {root})"))
        }
    };
    if choices.below(2) == 0 {
        x = lines.linear(&x, 3, width, true, true);
        x = lines.line(&format!("softmax({x})"));
    }
    format!("{}output {x}\n", lines.0)
}

#[test]
fn models_compute_the_same_after_each_pass_and_end_fused() {
    for seed in 0..48 {
        let before = parse(&model(seed));
        let mut graph = before.clone();
        for pass in super::PASSES {
            pass.run(&mut graph);
            same_values(&before, &graph, &format!("seed {seed}, pass {}", pass.name));
        }
        for (_, node) in graph.nodes() {
            let fused = matches!(
                node.op,
                Op::Input(_)
                    | Op::Constant(_)
                    | Op::EmbedSum(_)
                    | Op::LayerNorm(_)
                    | Op::Dense(_)
                    | Op::Attention(_)
                    | Op::RelativeBias(_)
                    | Op::Pool(_)
                    | Op::Softmax(_)
            );
            assert!(fused, "seed {seed} keeps `{}`:\n{graph}", node.op.name());
        }
    }
}

#[test]
fn text_comes_back_as_it_was_before_and_after_the_passes() {
    for seed in 0..48 {
        let mut graph = parse(&model(seed));
        for _ in 0..2 {
            let text = graph.to_string();
            let lookup = |name: &str, _, _: &[usize]| {
                graph
                    .nodes()
                    .find(|(id, node)| graph.is_const(*id) && node.name == name)
                    .and_then(|(id, _)| graph.as_const(id).cloned())
            };
            let again = Graph::parse(&text, &lookup).unwrap();
            assert_eq!(again.to_string(), text, "seed {seed}");
            same_values(&graph, &again, &format!("seed {seed}"));
            super::run(&mut graph);
        }
    }
}

#[test]
fn the_same_graph_gives_the_same_graph() {
    let fused = || {
        let mut graph = Graph::parse(&model(7), &some).unwrap();
        super::run(&mut graph);
        graph.to_string()
    };
    assert_eq!(fused(), fused());
}
