//! The operators of ONNX: one file a family, one row an operator in [`FAMILIES`].
//!
//! A row says from which opset on the operator is read, how many inputs and outputs and which attributes it may have, and how it is
//! computed. What a row does not say is refused: an attribute that nobody here knows could change what the node computes.

mod activations;
mod arithmetic;
mod attention;
mod cast;
mod conv;
mod create;
mod einsum;
mod gather;
mod logic;
mod movement;
mod normalize;
mod number;
mod pointwise;
mod pool;
mod products;
mod quantize;
mod recurrent;
mod reduce;
mod resize;
mod scan;
mod scatter;
mod softmax;
mod window;

use super::attributes::Attributes;
use super::budget::Budget;
use super::elem::Elem;
use super::model::ValueId;
use super::tensor::{Data, Tensor, any};
use std::sync::Arc;

/// The oldest opset of ONNX's own operators that is read. Before 7 many meant something else; those that did not are read.
pub const OLDEST: i64 = 1;
/// The newest: ONNX 1.23's.
pub const NEWEST: i64 = 28;

/// An operator.
pub(in crate::onnx) struct Operator {
    pub(in crate::onnx) name: &'static str,
    /// The first opset in which it means what is computed here.
    pub(in crate::onnx) since: i64,
    /// The last, where ONNX gave it up.
    until: i64,
    least: usize,
    most: usize,
    outputs: usize,
    attributes: &'static [&'static str],
    pub(in crate::onnx) eval: Eval,
    /// What it may have in some opsets only.
    limits: &'static [Limit],
    /// How 16-bit floats are computed as f32 and rounded once at the end, if they are.
    widens: Option<Wide>,
}

/// What a node may have in some opsets only: in another it would mean something else, or nothing.
#[derive(Clone, Copy)]
enum Limit {
    /// The attribute from that opset on.
    Since(&'static str, i64),
    /// The attribute up to that opset.
    Until(&'static str, i64),
    /// So many inputs at the most, up to that opset.
    Inputs(usize, i64),
}

/// Which of a node's floats are 16-bit ones, where its inputs are.
#[derive(Clone, Copy)]
struct Wide {
    /// The input whose kind the outputs have.
    of: usize,
    /// How many outputs have it.
    narrowed: usize,
    /// Whether its inputs may be floats of several kinds.
    mixed: bool,
}

/// How it is computed.
#[derive(Clone, Copy)]
pub(in crate::onnx) enum Eval {
    /// It gives one tensor.
    One(fn(&Call<'_>) -> Result<Tensor, String>),
    /// It gives several.
    Many(fn(&Call<'_>) -> Result<Vec<Tensor>, String>),
    /// It computes one of two bodies, which is the interpreter's to do.
    Branch,
}

/// Any number of inputs or outputs.
const ANY: usize = usize::MAX;

/// A row for an operator with one output.
const fn row(
    name: &'static str,
    since: i64,
    inputs: (usize, usize),
    attributes: &'static [&'static str],
    eval: fn(&Call<'_>) -> Result<Tensor, String>,
) -> Operator {
    let (least, most) = inputs;
    Operator {
        name,
        since,
        until: i64::MAX,
        least,
        most,
        outputs: 1,
        attributes,
        eval: Eval::One(eval),
        limits: &[],
        widens: None,
    }
}

/// A row for an operator with several.
const fn rows_of(
    name: &'static str,
    since: i64,
    inputs: (usize, usize),
    outputs: usize,
    attributes: &'static [&'static str],
    eval: fn(&Call<'_>) -> Result<Vec<Tensor>, String>,
) -> Operator {
    let (least, most) = inputs;
    Operator {
        name,
        since,
        until: i64::MAX,
        least,
        most,
        outputs,
        attributes,
        eval: Eval::Many(eval),
        limits: &[],
        widens: None,
    }
}

impl Operator {
    /// The same, with 16-bit floats computed as f32.
    const fn widened(mut self) -> Operator {
        self.widens = Some(Wide { of: 0, narrowed: ANY, mixed: false });
        self
    }

    /// The same, with inputs that may be floats of several kinds.
    const fn mixed(mut self) -> Operator {
        if let Some(wide) = &mut self.widens {
            wide.mixed = true;
        }
        self
    }

    /// The same, whose outputs are of the kind of that input.
    const fn typed_by(mut self, input: usize) -> Operator {
        if let Some(wide) = &mut self.widens {
            wide.of = input;
        }
        self
    }

    /// The same, of whose outputs only so many are of its kind; the others stay f32.
    const fn narrowing(mut self, outputs: usize) -> Operator {
        if let Some(wide) = &mut self.widens {
            wide.narrowed = outputs;
        }
        self
    }

    /// The same, with these limits.
    const fn limits(mut self, limits: &'static [Limit]) -> Operator {
        self.limits = limits;
        self
    }

    /// The same, given up by ONNX after that opset.
    const fn until(mut self, last: i64) -> Operator {
        self.until = last;
        self
    }

    /// Whether a node of that opset may have these inputs, outputs and attributes.
    pub(in crate::onnx) fn takes(
        &self,
        inputs: &[Option<ValueId>],
        outputs: usize,
        attributes: &Attributes,
        opset: i64,
    ) -> Result<(), String> {
        if !(self.least..=self.most).contains(&inputs.len()) {
            return Err(format!("{} inputs are not {}", inputs.len(), count(self.least, self.most)));
        }
        if outputs == 0 || outputs > self.outputs {
            return Err(format!("{outputs} outputs are not {}", count(1, self.outputs)));
        }
        if let Some(unknown) = attributes.names().find(|name| !self.attributes.contains(name)) {
            return Err(format!("the attribute `{}` is not known", unknown.escape_debug()));
        }
        let has = |name: &str| attributes.names().any(|own| own == name);
        for limit in self.limits {
            match *limit {
                Limit::Since(name, first) if opset < first && has(name) => {
                    return Err(format!("the attribute `{name}` is of opset {first} and later, not of {opset}"));
                }
                Limit::Until(name, last) if opset > last && has(name) => {
                    return Err(format!("the attribute `{name}` is of opset {last} and earlier, not of {opset}"));
                }
                Limit::Inputs(most, last) if opset <= last && inputs.len() > most => {
                    return Err(format!("{} inputs are more than the {most} that opset {opset} has", inputs.len()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Its values.
    pub(in crate::onnx) fn compute(&self, call: &Call<'_>) -> Result<Vec<Tensor>, String> {
        let short = |input: &Option<Arc<Tensor>>| {
            input.as_ref().map(|input| input.elem()).filter(|elem| matches!(elem, Elem::F16 | Elem::BF16))
        };
        let Some(kinds) = self.widens.filter(|_| call.inputs.iter().any(|input| short(input).is_some())) else {
            return self.eval(call);
        };
        let mut floats = call.inputs.iter().flatten().map(|input| input.elem()).filter(|elem| elem.is_float());
        let first = floats.next();
        if let Some(other) = floats.find(|elem| Some(*elem) != first && !kinds.mixed) {
            return Err(format!("{} and {other} do not go together", first.map_or("", |elem| elem.name())));
        }
        let wide = |input: &Option<Arc<Tensor>>| match (short(input), input) {
            (Some(_), Some(input)) => cast::to(input, Elem::F32).map(|wide| Some(Arc::new(wide))),
            _ => Ok(input.clone()),
        };
        let inputs: Vec<_> = call.inputs.iter().map(wide).collect::<Result<_, _>>()?;
        let made = self.eval(&Call { inputs: &inputs, ..*call })?;
        let narrow = call.inputs.get(kinds.of).and_then(short);
        let back = |(at, tensor): (usize, Tensor)| match narrow {
            Some(narrow) if at < kinds.narrowed && tensor.elem() == Elem::F32 => cast::to(&tensor, narrow),
            _ => Ok(tensor),
        };
        made.into_iter().enumerate().map(back).collect()
    }

    fn eval(&self, call: &Call<'_>) -> Result<Vec<Tensor>, String> {
        match self.eval {
            Eval::One(eval) => eval(call).map(|tensor| vec![tensor]),
            Eval::Many(eval) => eval(call),
            Eval::Branch => Err("a branch is computed by the interpreter".to_owned()),
        }
    }
}

fn count(least: usize, most: usize) -> String {
    match most {
        most if most == least => least.to_string(),
        ANY => format!("{least} or more"),
        most => format!("{least} to {most}"),
    }
}

/// A node that is computed: its attributes and the values of its inputs.
#[derive(Clone, Copy)]
pub(in crate::onnx) struct Call<'a> {
    pub(in crate::onnx) attributes: &'a Attributes,
    pub(in crate::onnx) opset: i64,
    /// How many outputs the node has.
    pub(in crate::onnx) outputs: usize,
    pub(in crate::onnx) inputs: &'a [Option<Arc<Tensor>>],
    /// What the run may still take.
    pub(in crate::onnx) budget: &'a Budget,
}

impl<'a> Call<'a> {
    /// An input that must be there.
    fn input(&self, at: usize) -> Result<&'a Tensor, String> {
        self.optional(at).ok_or_else(|| format!("the input {at} is left out"))
    }

    /// An input that may be left out.
    fn optional(&self, at: usize) -> Option<&'a Tensor> {
        self.inputs.get(at)?.as_deref()
    }

    /// A list of whole numbers: an input from opset `since` on, an attribute before.
    fn ints_since(&self, since: i64, at: usize, name: &str) -> Result<Option<Vec<i64>>, String> {
        if self.opset < since {
            return Ok(self.attributes.ints(name)?.map(<[i64]>::to_vec));
        }
        self.optional(at).map(ints).transpose()
    }
}

/// Whole numbers of either kind that indices may have.
fn ints(tensor: &Tensor) -> Result<Vec<i64>, String> {
    match tensor.data() {
        Data::I64(values) => Ok(values.clone()),
        Data::I32(values) => Ok(values.iter().copied().map(i64::from).collect()),
        _ => Err(format!("int64 is needed, not {tensor}")),
    }
}

/// One number of any kind.
fn one(tensor: &Tensor) -> Result<f64, String> {
    if tensor.len() != 1 {
        return Err(format!("one number is needed, not {tensor}"));
    }
    let wide = cast::to(tensor, Elem::F64)?;
    Ok(wide.of::<f64>()?[0])
}

/// A size of the file as one of ours.
fn size(size: i64) -> Result<usize, String> {
    usize::try_from(size).map_err(|_| format!("{size} is no size"))
}

const CONTROL: &[Operator] = &[Operator {
    name: "If",
    since: 1,
    until: i64::MAX,
    least: 1,
    most: 1,
    outputs: ANY,
    attributes: &["then_branch", "else_branch"],
    eval: Eval::Branch,
    limits: &[],
    widens: None,
}];

/// Every family, with what it is.
const FAMILIES: &[(&str, &[Operator])] = &[
    ("arithmetic", arithmetic::OPERATORS),
    ("functions", pointwise::OPERATORS),
    ("activations", activations::OPERATORS),
    ("logic and comparison", logic::OPERATORS),
    ("reductions", reduce::OPERATORS),
    ("running sums and orders", scan::OPERATORS),
    ("products", products::OPERATORS),
    ("sums by Einstein", einsum::OPERATORS),
    ("movement", movement::OPERATORS),
    ("gathering", gather::OPERATORS),
    ("scattering", scatter::OPERATORS),
    ("making", create::OPERATORS),
    ("types", cast::OPERATORS),
    ("softmax", softmax::OPERATORS),
    ("normalization", normalize::OPERATORS),
    ("convolution", conv::OPERATORS),
    ("pooling", pool::OPERATORS),
    ("resizing", resize::OPERATORS),
    ("quantization", quantize::OPERATORS),
    ("recurrent", recurrent::OPERATORS),
    ("attention", attention::OPERATORS),
    ("control", CONTROL),
];

/// The operator of that name at that opset.
pub(super) fn find(domain: &str, name: &str, opset: i64) -> Option<&'static Operator> {
    let all = FAMILIES.iter().flat_map(|(_, operators)| operators.iter());
    let mut found = all.filter(|row| domain.is_empty() && row.name == name && (row.since..=row.until).contains(&opset));
    found.next()
}

/// What is said of an operator in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its family.
    pub family: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The first opset in which it is read.
    pub since: i64,
    /// The last, if ONNX gave it up.
    pub until: Option<i64>,
}

/// Every operator, by family.
pub fn rows() -> impl Iterator<Item = Row> {
    let of = |&(family, operators): &(&'static str, &'static [Operator])| {
        operators.iter().map(move |row| Row {
            family,
            name: row.name,
            since: row.since.max(OLDEST),
            until: (row.until < NEWEST).then_some(row.until),
        })
    };
    FAMILIES.iter().flat_map(of)
}

/// So many zeros of that kind.
pub(in crate::onnx) fn zeros(elem: Elem, len: usize) -> Data {
    let bytes = vec![0; elem.bytes(len).expect("a count of a tensor")];
    Data::read(elem, &bytes, len)
}

/// Two lists of the same kind, one after the other.
fn joined(a: &Data, b: &Data) -> Result<Data, String> {
    let mut all = a.clone();
    append(&mut all, b)?;
    Ok(all)
}

/// Puts a list of the same kind after another.
fn append(all: &mut Data, next: &Data) -> Result<(), String> {
    if all.elem() != next.elem() {
        return Err(format!("{} and {} do not go together", all.elem(), next.elem()));
    }
    any!(all, values => {
        values.extend_from_slice(super::tensor::Value::values(next).expect("the kinds are the same"));
    });
    Ok(())
}
