//! Bytes to a model: decoded, functions inlined, names resolved, nodes put in order; every error of one run.

use super::attributes::{Attribute, Attributes};
use super::constant::{self, Failure};
use super::elem::Elem;
use super::model::{Body, Dimension, Model, Node, Port, ValueId};
use super::ops;
use super::opsets::Opsets;
use super::wire::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use super::wire::{attribute_proto::AttributeType, tensor_shape_proto, type_proto};
use super::{codes, functions, opsets, order};
use crate::diagnostic::{Code, Diagnostic};
use prost::Message;
use prost::bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// The bytes of a file of external data, by the name that the model gives it.
pub type External<'a> = dyn FnMut(&str) -> Result<Arc<dyn AsRef<[u8]> + Send + Sync>, String> + 'a;

/// Of one model, so many errors are told.
const TOLD: usize = 64;

/// The deepest that branches may lie inside one another.
const DEEPEST: usize = 16;

/// Reads a model, which `place` names in errors.
///
/// # Errors
///
/// All that is wrong with it: `MD17xx`, and `MD0107` for each node whose operator is not supported.
pub fn read(place: &str, bytes: impl Into<Bytes>, external: &mut External<'_>) -> Result<Model, Vec<Diagnostic>> {
    let wrong = |code, message: String, help: &str| vec![Diagnostic::new(code, message).at(place).help(help)];
    let again = "export the model again, or download it again";
    let mut proto = ModelProto::decode(bytes.into())
        .map_err(|error| wrong(codes::NOT_A_MODEL, format!("not an ONNX model: {error}"), again))?;
    let Some(mut graph) = proto.graph.take() else {
        return Err(wrong(codes::NOT_A_MODEL, "not an ONNX model: it has no graph".to_owned(), again));
    };
    let mut reader = Reader { place, external, names: Vec::new(), errors: Vec::new(), untold: 0, scopes: Vec::new() };
    let nodes = std::mem::take(&mut graph.node);
    let inlined = opsets::read(&proto.opset_import, "the model").and_then(|opsets| {
        let opset = opsets.get("").copied();
        functions::inline(nodes, &proto.functions, opsets).map(|nodes| (opset, nodes))
    });
    match inlined {
        Err(Failure { code, message }) => reader.error(code, message, None),
        Ok((opset, nodes)) => {
            let body = reader.body(&graph, nodes);
            if reader.errors.is_empty() {
                let metadata =
                    proto.metadata_props.iter().map(|entry| (entry.key().to_owned(), entry.value().to_owned()));
                return Ok(Model {
                    place: place.to_owned(),
                    body,
                    names: reader.names,
                    opset: opset.unwrap_or(0),
                    metadata: metadata.collect(),
                    producer: format!("{} {}", proto.producer_name(), proto.producer_version()).trim().to_owned(),
                });
            }
        }
    }
    if reader.untold > 0 {
        let message = format!("and {} more errors", reader.untold);
        reader.errors.push(Diagnostic::new(codes::BAD_GRAPH, message).at(place).help("correct those above first"));
    }
    Err(reader.errors)
}

/// A domain's name: ONNX's own has two.
pub(super) fn domain(name: &str) -> &str {
    if name == "ai.onnx" { "" } else { name }
}

/// A node before its names are resolved, with the version of its operator's domain.
pub(super) struct Draft {
    pub(super) proto: NodeProto,
    pub(super) opsets: Arc<Opsets>,
}

struct Reader<'a, 'b> {
    place: &'a str,
    external: &'a mut External<'b>,
    names: Vec<String>,
    errors: Vec<Diagnostic>,
    untold: usize,
    /// The values that may be read, innermost last.
    scopes: Vec<HashMap<String, ValueId>>,
}

impl Reader<'_, '_> {
    fn error(&mut self, code: Code, message: impl Into<String>, node: Option<&str>) {
        if self.errors.len() >= TOLD {
            self.untold += 1;
            return;
        }
        let place = node.map_or(self.place.to_owned(), |node| format!("{}, node `{node}`", self.place));
        let help = match code {
            codes::UNSUPPORTED_OPERATOR => "`cargo modeldeploy explain MD0107` says which operators are",
            codes::UNKNOWN_OPSET => {
                "export it for another opset, or convert it: `onnx.version_converter.convert_version`"
            }
            codes::BAD_EXTERNAL_DATA => {
                "put the files of its external data beside the model, or export it again in one file"
            }
            _ => "export the model again; `onnx.checker.check_model` says more",
        };
        self.errors.push(Diagnostic::new(code, message).at(place).help(help));
    }

    fn define(&mut self, name: &str) -> ValueId {
        let id = ValueId(u32::try_from(self.names.len()).expect("a file has under 2^32 names"));
        self.names.push(name.to_owned());
        let scope = self.scopes.last_mut().expect("a scope is open");
        if scope.insert(name.to_owned(), id).is_some() {
            self.error(codes::BAD_GRAPH, format!("the value `{}` is computed twice", shown(name)), None);
        }
        id
    }

    fn find(&self, name: &str) -> Option<ValueId> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    fn body(&mut self, graph: &GraphProto, nodes: Vec<Draft>) -> Body {
        if self.scopes.len() >= DEEPEST {
            self.error(codes::BAD_GRAPH, format!("branches lie more than {DEEPEST} deep"), None);
            return Body::default();
        }
        self.scopes.push(HashMap::new());
        let mut body = Body::default();
        for initializer in &graph.initializer {
            match self.tensor(initializer) {
                Ok(tensor) => {
                    let id = self.define(initializer.name());
                    body.constants.push((id, Arc::new(tensor)));
                }
                Err(Failure { code, message }) => {
                    self.define(initializer.name());
                    self.error(code, format!("the tensor `{}`: {message}", shown(initializer.name())), None);
                }
            }
        }
        if !graph.sparse_initializer.is_empty() {
            self.error(codes::BAD_TENSOR, "sparse tensors are not supported", None);
        }
        for input in &graph.input {
            // Before IR version 4 every tensor of the file had to be an input as well.
            if !self.scopes.last().is_some_and(|scope| scope.contains_key(input.name())) {
                let value = self.define(input.name());
                body.inputs.push(self.port(input, value));
            }
        }
        let made: Vec<(Draft, Vec<Option<ValueId>>)> = nodes
            .into_iter()
            .map(|draft| {
                let outputs = draft.proto.output.iter().map(|name| (!name.is_empty()).then(|| self.define(name)));
                let outputs = outputs.collect();
                (draft, outputs)
            })
            .collect();
        match order::order(&made.iter().map(|(draft, _)| &draft.proto).collect::<Vec<_>>()) {
            Err(cycle) => {
                let message = format!("the nodes wait for one another: {}", cycle.join(", "));
                self.error(codes::BAD_GRAPH, message, None);
            }
            Ok(order) => {
                let mut made: Vec<_> = made.into_iter().map(Some).collect();
                for at in order {
                    let (draft, outputs) = made[at].take().expect("an order has each node once");
                    body.nodes.extend(self.node(draft, outputs));
                }
            }
        }
        for output in &graph.output {
            match self.find(output.name()) {
                Some(value) => body.outputs.push(self.port(output, value)),
                None => self.error(
                    codes::BAD_GRAPH,
                    format!("nothing computes the output `{}`", shown(output.name())),
                    None,
                ),
            }
        }
        self.scopes.pop();
        body
    }

    fn tensor(&mut self, proto: &TensorProto) -> Result<super::Tensor, Failure> {
        constant::tensor(proto, self.external)
    }

    fn port(&mut self, info: &ValueInfoProto, value: ValueId) -> Port {
        let mut port = Port { name: info.name().to_owned(), elem: None, shape: None, value };
        let kind = info.r#type.as_ref().and_then(|kind| kind.value.as_ref());
        match kind {
            None => {}
            Some(type_proto::Value::TensorType(tensor)) => {
                match Elem::of(tensor.elem_type().into()) {
                    Ok(elem) => port.elem = Some(elem),
                    Err(message) => self.error(codes::BAD_TENSOR, format!("`{}`: {message}", shown(&port.name)), None),
                }
                port.shape = tensor.shape.as_ref().map(|shape| {
                    let dims = shape.dim.iter().map(|dim| match &dim.value {
                        Some(tensor_shape_proto::dimension::Value::DimValue(size)) => {
                            usize::try_from(*size).map_or(Dimension::Any, Dimension::Fixed)
                        }
                        Some(tensor_shape_proto::dimension::Value::DimParam(name)) if !name.is_empty() => {
                            Dimension::Named(name.clone())
                        }
                        _ => Dimension::Any,
                    });
                    dims.collect()
                });
            }
            Some(_) => {
                let message = format!(
                    "`{}` is no tensor: sequences, maps and optional values are not supported",
                    shown(&port.name)
                );
                self.error(codes::BAD_TENSOR, message, None);
            }
        }
        port
    }

    fn node(&mut self, draft: Draft, outputs: Vec<Option<ValueId>>) -> Option<Node> {
        let Draft { proto, opsets } = draft;
        let name = label(&proto);
        let before = self.errors.len() + self.untold;
        let domain = domain(proto.domain());
        let opset = opsets.get(domain).copied();
        let operator = opset.and_then(|opset| ops::find(domain, proto.op_type(), opset));
        if operator.is_none() {
            let (kind, full) =
                (shown(proto.op_type()), if domain.is_empty() { String::new() } else { format!("{}.", shown(domain)) });
            let message = match opset {
                Some(opset) => format!("operator `{full}{kind}` of opset {opset} is not supported"),
                None => format!("operator `{full}{kind}` is of a domain whose opset the model does not state"),
            };
            self.error(codes::UNSUPPORTED_OPERATOR, message, Some(&name));
        }
        let inputs = proto.input.iter().map(|input| {
            if input.is_empty() {
                return None;
            }
            let found = self.find(input);
            if found.is_none() {
                self.error(codes::BAD_GRAPH, format!("nothing computes its input `{}`", shown(input)), Some(&name));
            }
            found
        });
        let inputs: Vec<Option<ValueId>> = inputs.collect();
        let mut attributes = Attributes::default();
        for attribute in &proto.attribute {
            match self.attribute(attribute, &opsets) {
                Err(Failure { code, message }) => {
                    self.error(code, format!("the attribute `{}`: {message}", shown(attribute.name())), Some(&name));
                }
                Ok(read) => {
                    if !attributes.add(attribute.name().to_owned(), read) {
                        let message = format!("the attribute `{}` stands twice", shown(attribute.name()));
                        self.error(codes::BAD_GRAPH, message, Some(&name));
                    }
                }
            }
        }
        let operator = operator?;
        let takes = operator.takes(&inputs, outputs.len(), &attributes, opset.unwrap_or(0));
        if let Err(message) = takes.and_then(|()| branches(operator, outputs.len(), &attributes)) {
            let message = format!("`{}`: {message}", operator.name);
            self.error(codes::UNSUPPORTED_OPERATOR, message, Some(&name));
        }
        let whole = self.errors.len() + self.untold == before;
        whole.then(|| Node { name, operator, opset: opset.unwrap_or(0), attributes, inputs, outputs })
    }

    fn attribute(&mut self, proto: &AttributeProto, opsets: &Arc<Opsets>) -> Result<Attribute, Failure> {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).map_err(|_| Failure::from("not UTF-8".to_owned()));
        // The first files of ONNX state no type: what is there says it.
        let kind = match proto.r#type() {
            AttributeType::Undefined => kind_of(proto),
            stated => stated,
        };
        Ok(match kind {
            AttributeType::Float => Attribute::Float(proto.f()),
            AttributeType::Int => Attribute::Int(proto.i()),
            AttributeType::String => Attribute::Text(text(proto.s.as_ref().unwrap_or(&Bytes::new()))?),
            AttributeType::Floats => Attribute::Floats(proto.floats.clone()),
            AttributeType::Ints => Attribute::Ints(proto.ints.clone()),
            AttributeType::Strings => Attribute::Texts(proto.strings.iter().map(text).collect::<Result<_, _>>()?),
            AttributeType::Tensor => {
                let tensor = proto.t.as_ref().ok_or("it has no tensor".to_owned())?;
                Attribute::Tensor(Arc::new(self.tensor(tensor)?))
            }
            AttributeType::Graph => {
                let graph = proto.g.as_ref().ok_or("it has no graph".to_owned())?;
                let nodes = graph.node.iter().map(|node| Draft { proto: node.clone(), opsets: Arc::clone(opsets) });
                let nodes = nodes.collect();
                Attribute::Body(Arc::new(self.body(graph, nodes)))
            }
            other => return Err(format!("{} is a kind that is not supported", other.as_str_name()).into()),
        })
    }
}

/// That both branches of a node give as many values as the node does, and take none.
fn branches(operator: &ops::Operator, outputs: usize, attributes: &Attributes) -> Result<(), String> {
    if !matches!(operator.eval, ops::Eval::Branch) {
        return Ok(());
    }
    for name in ["then_branch", "else_branch"] {
        let body = attributes.body(name)?.ok_or_else(|| format!("it has no `{name}`"))?;
        if body.outputs.len() != outputs || !body.inputs.is_empty() {
            let (given, taken) = (body.outputs.len(), body.inputs.len());
            return Err(format!("its `{name}` takes {taken} values and gives {given}; 0 and {outputs} are needed"));
        }
    }
    Ok(())
}

fn kind_of(proto: &AttributeProto) -> AttributeType {
    match () {
        () if proto.f.is_some() => AttributeType::Float,
        () if proto.i.is_some() => AttributeType::Int,
        () if proto.s.is_some() => AttributeType::String,
        () if proto.t.is_some() => AttributeType::Tensor,
        () if proto.g.is_some() => AttributeType::Graph,
        () if !proto.floats.is_empty() => AttributeType::Floats,
        () if !proto.ints.is_empty() => AttributeType::Ints,
        () if !proto.strings.is_empty() => AttributeType::Strings,
        () => AttributeType::Undefined,
    }
}

/// A node's name, or what it computes where it has none.
pub(super) fn label(node: &NodeProto) -> String {
    let name = if node.name().is_empty() {
        format!("{} of {}", node.op_type(), node.output.first().map_or("nothing", String::as_str))
    } else {
        node.name().to_owned()
    };
    shown(&name)
}

/// A name of the file as an error shows it.
pub(super) fn shown(name: &str) -> String {
    name.escape_debug().take(120).collect()
}
