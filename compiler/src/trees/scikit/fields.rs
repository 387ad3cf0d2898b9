//! The fields of the objects of a pickle.

use super::super::pickle::{Object, Pickle, Value};

pub(super) struct Reader<'a> {
    pub(super) pickle: &'a Pickle<'a>,
    /// The bytes of the file.
    pub(super) len: usize,
}

/// An object of a class, with the fields that it was set to.
pub(super) struct Instance<'a> {
    pub(super) class: &'a str,
    fields: &'a Object,
}

impl<'a> Instance<'a> {
    /// The class without its module.
    pub(super) fn name(&self) -> &'a str {
        last(self.class)
    }
}

fn last(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or_default()
}

impl<'a> Reader<'a> {
    /// What a call of a class would make, and the fields that it was set to.
    pub(super) fn instance(&self, value: &Value) -> Option<Instance<'a>> {
        let object = self.pickle.object(value)?;
        let fields = self.pickle.object(object.state.as_ref()?)?;
        Some(Instance { class: self.pickle.class(value)?, fields })
    }

    pub(super) fn field(&self, instance: &Instance<'a>, key: &str) -> Option<&'a Value> {
        instance.fields.entries.get(key)
    }

    /// The instance in a field.
    pub(super) fn inner(&self, instance: &Instance<'a>, key: &str) -> Option<Instance<'a>> {
        self.instance(self.field(instance, key)?)
    }

    /// The class of what a field holds, without its module.
    pub(super) fn class_of(&self, instance: &Instance<'a>, key: &str) -> Option<&'a str> {
        self.pickle.class(self.field(instance, key)?).map(last)
    }

    pub(super) fn whole(&self, instance: &Instance<'a>, key: &str) -> Option<i64> {
        let number = self.number(instance, key)?;
        (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
    }

    pub(super) fn number(&self, instance: &Instance<'a>, key: &str) -> Option<f64> {
        self.pickle.number(self.field(instance, key)?)
    }

    pub(super) fn text(&self, instance: &Instance<'a>, key: &str) -> Option<&'a str> {
        match self.field(instance, key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The numbers of an array, whatever its shape.
    pub(super) fn numbers(&self, instance: &Instance<'a>, key: &str) -> Option<Vec<f64>> {
        self.pickle.numbers(self.field(instance, key)?).map(|(_, numbers)| numbers)
    }

    /// The texts of an array of objects.
    pub(super) fn texts(&self, instance: &Instance<'a>, key: &str) -> Option<Vec<String>> {
        let (_, items) = self.pickle.objects(self.field(instance, key)?)?;
        let text = |item: &Value| match item {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        };
        items.iter().map(text).collect()
    }

    /// The version that wrote the model, as far as it matters: (1, 9).
    pub(super) fn version(&self, instance: &Instance<'a>) -> Option<(u32, u32)> {
        let mut parts = self.text(instance, "_sklearn_version")?.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}
