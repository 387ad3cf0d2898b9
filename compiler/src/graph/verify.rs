//! What must hold of every graph, checked after each pass and of graphs read from files.

use super::{GRAPH_ERROR, Graph, TYPE_ERROR, ValueId};
use crate::diagnostic::Diagnostic;
use crate::ops::Op;
use std::collections::BTreeSet;

impl Graph {
    /// Checks that every value exists and is of the type that its operator gives, that no value is computed from itself, that
    /// constants have names of their own, and that there is an output.
    ///
    /// # Errors
    ///
    /// `MD0401` and `MD0402`, all of them.
    pub fn verify(&self) -> Result<(), Vec<Diagnostic>> {
        let exists = |id: &ValueId| (id.0 as usize) < self.nodes.len();
        let mut errors = Vec::new();
        if self.outputs.is_empty() {
            errors.push(Diagnostic::new(GRAPH_ERROR, "the graph has no output"));
        }
        for output in self.outputs.iter().filter(|id| !exists(id)) {
            errors.push(Diagnostic::new(GRAPH_ERROR, format!("the output {output} does not exist")));
        }
        let mut names = BTreeSet::new();
        for (node, ty) in self.nodes.iter().zip(&self.types) {
            let place = || format!("node `{}`", node.name);
            match self.infer(node) {
                Err(error) => errors.push(error),
                Ok(inferred) if inferred != *ty => {
                    let message = format!("`{}` gives {inferred}, not {ty}", node.op.name());
                    errors.push(Diagnostic::new(TYPE_ERROR, message).at(place()));
                }
                Ok(_) => {}
            }
            if let Op::Constant(_) = node.op
                && !names.insert(&node.name)
            {
                errors.push(Diagnostic::new(GRAPH_ERROR, "two constants have one name").at(place()));
            }
        }
        if errors.is_empty()
            && let Err(id) = self.try_order()
        {
            let place = format!("node `{}`", self.node(id).name);
            errors.push(Diagnostic::new(GRAPH_ERROR, "a value is computed from itself").at(place));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}
