//! Pickles as data, of protocols 0 to 5, and what joblib writes in their place: what a pickle would call is written down, never called.
//!
//! The opcodes are those of Python's `pickletools`. What a call would give is an [`Object`], with the name of what is called and its
//! arguments. Every name must be of a package that models of scikit-learn are made of: any other is an error that says it.

mod array;
mod machine;
mod text;

pub(super) use array::Records;

use std::collections::BTreeMap;
use std::rc::Rc;

/// A value of a pickle, which is as small as it looks: what may be large, or within itself, is the number of an [`Object`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    /// Truth values too, as 0 and 1.
    Whole(i64),
    Number(f64),
    /// Characters up to 255 stand for bytes where protocols before 3 keep arrays.
    Text(Rc<str>),
    /// Bytes of the file.
    Bytes {
        at: usize,
        len: usize,
    },
    Name(Rc<str>),
    Object(usize),
    /// A whole number past 64 bits.
    Huge,
}

/// A tuple, a list, a set, a dictionary, or what a call would give.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// What would be called, as `module.name`; `tuple`, `list`, `set` and `dict` themselves.
    pub(super) class: Rc<str>,
    /// The call's arguments, or the items.
    pub(super) items: Vec<Value>,
    /// The dictionary's entries whose keys are texts.
    pub(super) entries: BTreeMap<Rc<str>, Value>,
    /// What the object would be set to.
    pub(super) state: Option<Value>,
    /// What joblib has written after it: the array that it stands for.
    pub(super) array: Option<Value>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    bytes: &'a [u8],
    objects: Vec<Object>,
    pub(super) root: Value,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle that the bytes begin with.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Pickle<'a>, String> {
        let (objects, root) = machine::run(bytes)?;
        Ok(Pickle { bytes, objects, root })
    }

    pub(super) fn object(&self, value: &Value) -> Option<&Object> {
        match value {
            Value::Object(at) => self.objects.get(*at),
            _ => None,
        }
    }

    /// The items of a tuple.
    pub(super) fn tuple(&self, value: &Value) -> Option<&[Value]> {
        self.object(value).filter(|object| &*object.class == "tuple").map(|object| object.items.as_slice())
    }

    /// The items of a list.
    pub(super) fn list(&self, value: &Value) -> Option<&[Value]> {
        self.object(value).filter(|object| &*object.class == "list").map(|object| object.items.as_slice())
    }

    /// The class that a value is, or would be, of.
    pub(super) fn class(&self, value: &Value) -> Option<&str> {
        let object = self.object(value)?;
        Some(match (&*object.class, object.items.first()) {
            ("copy_reg._reconstructor" | "copyreg._reconstructor", Some(Value::Name(class))) => class,
            (class, _) => class,
        })
    }
}

#[cfg(test)]
mod tests;
