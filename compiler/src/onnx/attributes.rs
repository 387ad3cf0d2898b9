//! What a node says beside its inputs.

use super::model::Body;
use super::tensor::Tensor;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One of them.
#[derive(Clone)]
pub(super) enum Attribute {
    Int(i64),
    Float(f32),
    Text(String),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    Tensor(Arc<Tensor>),
    Body(Arc<Body>),
}

/// All of a node, by name.
#[derive(Clone, Default)]
pub(super) struct Attributes(BTreeMap<String, Attribute>);

impl Attributes {
    /// Adds one; `false` where there is one of that name.
    pub(super) fn add(&mut self, name: String, attribute: Attribute) -> bool {
        self.0.insert(name, attribute).is_none()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn get<'a, T>(&'a self, name: &str, kind: &str, read: fn(&'a Attribute) -> Option<T>) -> Result<Option<T>, String> {
        let Some(attribute) = self.0.get(name) else { return Ok(None) };
        read(attribute).map(Some).ok_or_else(|| format!("the attribute `{name}` is not {kind}"))
    }

    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, String> {
        self.get(name, "a whole number", |attribute| match attribute {
            Attribute::Int(value) => Some(*value),
            _ => None,
        })
    }

    pub(super) fn int_or(&self, name: &str, default: i64) -> Result<i64, String> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// A whole number that is 0 or 1.
    pub(super) fn flag_or(&self, name: &str, default: bool) -> Result<bool, String> {
        Ok(self.int_or(name, i64::from(default))? != 0)
    }

    pub(super) fn float_or(&self, name: &str, default: f32) -> Result<f32, String> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    pub(super) fn float(&self, name: &str) -> Result<Option<f32>, String> {
        self.get(name, "a number", |attribute| match attribute {
            Attribute::Float(value) => Some(*value),
            _ => None,
        })
    }

    pub(super) fn ints(&self, name: &str) -> Result<Option<&[i64]>, String> {
        self.get(name, "a list of whole numbers", |attribute| match attribute {
            Attribute::Ints(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    pub(super) fn floats(&self, name: &str) -> Result<Option<&[f32]>, String> {
        self.get(name, "a list of numbers", |attribute| match attribute {
            Attribute::Floats(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.get(name, "a text", |attribute| match attribute {
            Attribute::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, String> {
        Ok(self.text(name)?.unwrap_or(default))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<&[String]>, String> {
        self.get(name, "a list of texts", |attribute| match attribute {
            Attribute::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<&Arc<Tensor>>, String> {
        self.get(name, "a tensor", |attribute| match attribute {
            Attribute::Tensor(tensor) => Some(tensor),
            _ => None,
        })
    }

    pub(super) fn body(&self, name: &str) -> Result<Option<&Arc<Body>>, String> {
        self.get(name, "a graph", |attribute| match attribute {
            Attribute::Body(body) => Some(body),
            _ => None,
        })
    }
}
