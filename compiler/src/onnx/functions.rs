//! Functions of a model are written out where they are called.
//!
//! A call's names stand for the function's own inputs and outputs; all that is inside gets the call's output before its name. Attributes
//! that a function takes from its call are filled in.

use super::codes;
use super::constant::Failure;
use super::opsets::{self, Opsets};
use super::read::{Draft, domain, label, shown};
use super::wire::{AttributeProto, FunctionProto, GraphProto, NodeProto};
use prost::Message;
use std::collections::HashMap;
use std::sync::Arc;

/// The most nodes that functions may be written out to, those of calls among them; the most bytes; and the deepest that calls may lie inside
/// one another.
const MOST: usize = 1 << 20;
const BYTES: usize = 512 << 20;
const DEEPEST: usize = 32;

/// The nodes of a graph with every call of a function written out.
pub(super) fn inline(
    nodes: Vec<NodeProto>,
    functions: &[FunctionProto],
    opsets: Opsets,
) -> Result<Vec<Draft>, Failure> {
    let mut known = HashMap::new();
    for function in functions {
        let key = (domain(function.domain()), function.name(), function.overload());
        let own = opsets::read(&function.opset_import, &format!("the function `{}`", shown(function.name())))?;
        if known.insert(key, Known { function, opsets: Arc::new(own), weight: Weight::of(function) }).is_some() {
            return Err(malformed(format!("the function `{}` stands twice", shown(function.name()))));
        }
    }
    let mut inliner = Inliner { known, done: Vec::new(), nodes: 0, bytes: 0 };
    let opsets = Arc::new(opsets);
    for node in nodes {
        inliner.node(node, &opsets, 0)?;
    }
    Ok(inliner.done)
}

fn malformed(message: String) -> Failure {
    Failure { code: codes::BAD_GRAPH, message }
}

/// A function of the file.
struct Known<'a> {
    function: &'a FunctionProto,
    opsets: Arc<Opsets>,
    weight: Weight,
}

/// What writing out a function takes.
#[derive(Clone, Copy, Default)]
struct Weight {
    /// Its own bytes.
    bytes: usize,
    /// Its nodes, whose labels begin with the call's.
    nodes: usize,
    /// Its names, each of which a call's may stand for.
    names: usize,
    /// Its attributes that a call gives.
    taken: usize,
}

impl Weight {
    fn of(function: &FunctionProto) -> Weight {
        let mut weight = Weight { bytes: function.encoded_len(), ..Weight::default() };
        weight.add(&function.node);
        weight
    }

    fn add(&mut self, nodes: &[NodeProto]) {
        for node in nodes {
            self.nodes += 1;
            self.names += node.input.len() + node.output.len();
            for attribute in &node.attribute {
                self.taken += usize::from(!attribute.ref_attr_name().is_empty());
                if let Some(graph) = &attribute.g {
                    self.names += graph.input.len() + graph.output.len() + graph.initializer.len();
                    self.add(&graph.node);
                }
            }
        }
    }

    /// The bytes that a call makes of it, at the most.
    fn written(self, call: &NodeProto, function: &FunctionProto) -> usize {
        let name = call.input.iter().chain(&call.output).map(String::len).max().unwrap_or(0);
        let given = call.attribute.iter().chain(&function.attribute_proto).map(Message::encoded_len).max().unwrap_or(0);
        let names = self.names.saturating_mul(name).saturating_add(self.nodes.saturating_mul(label(call).len()));
        self.bytes.saturating_add(names).saturating_add(self.taken.saturating_mul(given))
    }
}

struct Inliner<'a> {
    known: HashMap<(&'a str, &'a str, &'a str), Known<'a>>,
    done: Vec<Draft>,
    /// The nodes so far, those of calls among them.
    nodes: usize,
    /// The bytes so far that were written out, at the most.
    bytes: usize,
}

impl Inliner<'_> {
    fn node(&mut self, node: NodeProto, opsets: &Arc<Opsets>, depth: usize) -> Result<(), Failure> {
        self.nodes += 1;
        if self.nodes > MOST {
            return Err(malformed(format!("the model has more than {MOST} nodes")));
        }
        let Some(known) = self.known.get(&(domain(node.domain()), node.op_type(), node.overload())) else {
            self.done.push(Draft { proto: node, opsets: Arc::clone(opsets) });
            return Ok(());
        };
        let (function, own) = (known.function, Arc::clone(&known.opsets));
        if depth >= DEEPEST {
            let message = format!("calls of functions lie more than {DEEPEST} deep, at node `{}`", label(&node));
            return Err(malformed(message));
        }
        if node.input.len() > function.input.len() || node.output.len() > function.output.len() {
            return Err(malformed(format!("node `{}` gives its function more than it takes", label(&node))));
        }
        self.bytes = self.bytes.saturating_add(known.weight.written(&node, function));
        if self.bytes > BYTES {
            let message = format!("its functions are more than {BYTES} bytes, written out, at node `{}`", label(&node));
            return Err(malformed(message));
        }
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
            let inner = call.rename(inner);
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

    fn rename(&self, node: &NodeProto) -> NodeProto {
        let mut new = node.clone();
        new.name = Some(format!("{}/{}", label(self.node), label(node)));
        new.input.iter_mut().chain(&mut new.output).for_each(|name| *name = self.name(name));
        new.attribute.clear();
        for attribute in &node.attribute {
            new.attribute.extend(self.attribute(attribute));
        }
        new
    }

    /// An attribute with what it takes from the call; none where neither the call nor the function gives it.
    fn attribute(&self, attribute: &AttributeProto) -> Option<AttributeProto> {
        let mut new = attribute.clone();
        if !attribute.ref_attr_name().is_empty() {
            let wanted = attribute.ref_attr_name();
            let given =
                self.node.attribute.iter().chain(&self.function.attribute_proto).find(|given| given.name() == wanted);
            new = given?.clone();
            new.name = attribute.name.clone();
        }
        if let Some(graph) = &attribute.g {
            new.g = Some(self.graph(graph));
        }
        Some(new)
    }

    fn graph(&self, graph: &GraphProto) -> GraphProto {
        let mut new = graph.clone();
        for info in new.input.iter_mut().chain(&mut new.output) {
            info.name = info.name.as_deref().map(|name| self.name(name));
        }
        for tensor in &mut new.initializer {
            tensor.name = tensor.name.as_deref().map(|name| self.name(name));
        }
        new.node = graph.node.iter().map(|node| self.rename(node)).collect();
        new
    }
}
