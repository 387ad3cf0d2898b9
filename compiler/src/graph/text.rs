//! A graph as text: a line for each live node, in order of evaluation, then the outputs.
//!
//! ```text
//! %0 = input{of=token_ids}() "token_ids" : index[tokens]
//! %1 = constant "embeddings.weight" bf16[30522, 384]
//! %2 = constant "epsilon" f32[] = 1e-12
//! %3 = gather(%1, %0) "embeddings" : f32[tokens, 384]
//! output %3
//! ```
//!
//! Constants stand by name, stored type and shape; only a number of rank 0 has its value. Text that is parsed may give values any
//! names (`%scores`) and leave out a node's name and its type.

use super::{Constant, Graph, ValueId};
use crate::ops::Op;
use modeldeploy_format::DType;
use std::fmt::{self, Write};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.order();
        let mut numbers = vec![0; self.len()];
        for (number, id) in order.iter().enumerate() {
            numbers[id.0 as usize] = number;
        }
        let list = |ids: &[ValueId]| {
            ids.iter().map(|id| format!("%{}", numbers[id.0 as usize])).collect::<Vec<_>>().join(", ")
        };
        for (number, &id) in order.iter().enumerate() {
            let node = self.node(id);
            write!(f, "%{number} = ")?;
            if let Op::Constant(constant) = &node.op {
                write_constant(f, &node.name, constant)?;
                continue;
            }
            write!(f, "{}{}({})", node.op.name(), node.op.attributes(), list(&node.inputs))?;
            if !node.name.is_empty() {
                f.write_char(' ')?;
                write_quoted(f, &node.name)?;
            }
            writeln!(f, " : {}", self.ty(id))?;
        }
        writeln!(f, "output {}", list(self.outputs()))
    }
}

fn write_constant(f: &mut fmt::Formatter<'_>, name: &str, constant: &Constant) -> fmt::Result {
    f.write_str("constant ")?;
    write_quoted(f, name)?;
    write!(f, " {}{:?}", constant.dtype(), constant.shape())?;
    if constant.dtype() == DType::F32 && constant.shape().is_empty() {
        write!(f, " = {:?}", constant.to_f32()[0])?;
    }
    f.write_char('\n')
}

/// A name in quotes, with `"` and `\` behind a `\` and control characters as `\u{…}`.
fn write_quoted(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in name.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
