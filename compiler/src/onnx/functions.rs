//! Functions of a model are written out where they are called.
//!
//! A call's names stand for the function's own inputs and outputs; all that is inside gets the call's output before its name. Attributes
//! that a function takes from its call are filled in.

use super::read::{Draft, domain, label};
use super::wire::{AttributeProto, FunctionProto, GraphProto, NodeProto};
use std::collections::HashMap;
use std::sync::Arc;

/// The most nodes that functions may be written out to, and the deepest that calls may lie inside one another.
const MOST: usize = 1 << 20;
const DEEPEST: usize = 32;

type Opsets = HashMap<String, i64>;

/// The nodes of a graph with every call of a function written out.
pub(super) fn inline(
    nodes: Vec<NodeProto>,
    functions: &[FunctionProto],
    opsets: &Opsets,
) -> Result<Vec<Draft>, String> {
    let mut known = HashMap::new();
    for function in functions {
        let key = (domain(function.domain()), function.name(), function.overload());
        if known.insert(key, function).is_some() {
            return Err(format!("the function `{}` stands twice", function.name().escape_debug()));
        }
    }
    let mut inliner = Inliner { known, done: Vec::new() };
    let opsets = Arc::new(opsets.clone());
    for node in nodes {
        inliner.node(node, &opsets, 0)?;
    }
    Ok(inliner.done)
}

struct Inliner<'a> {
    known: HashMap<(&'a str, &'a str, &'a str), &'a FunctionProto>,
    done: Vec<Draft>,
}

impl Inliner<'_> {
    fn node(&mut self, node: NodeProto, opsets: &Arc<Opsets>, depth: usize) -> Result<(), String> {
        let Some(&function) = self.known.get(&(domain(node.domain()), node.op_type(), node.overload())) else {
            if self.done.len() >= MOST {
                return Err(format!("the model has more than {MOST} nodes"));
            }
            self.done.push(Draft { proto: node, opsets: Arc::clone(opsets) });
            return Ok(());
        };
        if depth >= DEEPEST {
            return Err(format!("calls of functions lie more than {DEEPEST} deep, at node `{}`", label(&node)));
        }
        if node.input.len() > function.input.len() || node.output.len() > function.output.len() {
            return Err(format!("node `{}` gives its function more than it takes", label(&node)));
        }
        let own: Opsets =
            function.opset_import.iter().map(|import| (domain(import.domain()).to_owned(), import.version())).collect();
        let own = Arc::new(own);
        let inside = format!("{}/", node.output.iter().find(|name| !name.is_empty()).map_or("", String::as_str));
        let mut names = HashMap::new();
        for (formal, given) in [(&function.input, &node.input), (&function.output, &node.output)] {
            for (at, formal) in formal.iter().enumerate() {
                match given.get(at) {
                    Some(given) if !given.is_empty() => names.insert(formal.as_str(), given.clone()),
                    // An input that is left out is left out inside; an output that is not asked for has a name of its own.
                    _ if std::ptr::eq(given, &node.input) => names.insert(formal.as_str(), String::new()),
                    _ => None,
                };
            }
        }
        let call = Call { names, inside, node: &node, function };
        for inner in &function.node {
            let inner = call.rename(inner)?;
            self.node(inner, &own, depth + 1)?;
        }
        Ok(())
    }
}

struct Call<'a> {
    names: HashMap<&'a str, String>,
    inside: String,
    node: &'a NodeProto,
    function: &'a FunctionProto,
}

impl Call<'_> {
    fn name(&self, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        self.names.get(name).cloned().unwrap_or_else(|| format!("{}{name}", self.inside))
    }

    fn rename(&self, node: &NodeProto) -> Result<NodeProto, String> {
        let mut new = node.clone();
        new.name = Some(format!("{}/{}", label(self.node), label(node)));
        new.input.iter_mut().chain(&mut new.output).for_each(|name| *name = self.name(name));
        new.attribute.clear();
        for attribute in &node.attribute {
            new.attribute.extend(self.attribute(attribute)?);
        }
        Ok(new)
    }

    /// An attribute with what it takes from the call; none where neither the call nor the function gives it.
    fn attribute(&self, attribute: &AttributeProto) -> Result<Option<AttributeProto>, String> {
        let mut new = attribute.clone();
        if !attribute.ref_attr_name().is_empty() {
            let wanted = attribute.ref_attr_name();
            let given =
                self.node.attribute.iter().chain(&self.function.attribute_proto).find(|given| given.name() == wanted);
            let Some(given) = given else { return Ok(None) };
            new = given.clone();
            new.name = attribute.name.clone();
        }
        if let Some(graph) = &attribute.g {
            new.g = Some(self.graph(graph)?);
        }
        Ok(Some(new))
    }

    fn graph(&self, graph: &GraphProto) -> Result<GraphProto, String> {
        let mut new = graph.clone();
        for info in new.input.iter_mut().chain(&mut new.output) {
            info.name = info.name.as_deref().map(|name| self.name(name));
        }
        for tensor in &mut new.initializer {
            tensor.name = tensor.name.as_deref().map(|name| self.name(name));
        }
        new.node = graph.node.iter().map(|node| self.rename(node)).collect::<Result<_, _>>()?;
        Ok(new)
    }
}
