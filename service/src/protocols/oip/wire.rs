//! Requests and answers as they stand in JSON.

use super::nested::Nested;
use crate::object::FromObject;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize as Derived, Serialize};
use std::fmt;
use std::time::Duration;

/// The body of an inference, or what stands before its binary tensors.
#[derive(Debug, Derived)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) parameters: Parameters,
    pub(super) inputs: Vec<FromObject<Input>>,
    pub(super) outputs: Option<Vec<FromObject<Output>>>,
    /// Some clients repeat the path's.
    #[serde(rename = "model_name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "model_version")]
    _version: Option<IgnoredAny>,
}

/// A tensor that comes.
#[derive(Debug, Derived)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) shape: Vec<u64>,
    pub(super) datatype: String,
    #[serde(default)]
    pub(super) parameters: Parameters,
    pub(super) data: Option<Nested>,
}

/// A tensor that is asked for.
#[derive(Debug, Derived)]
#[serde(deny_unknown_fields)]
pub(super) struct Output {
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: Parameters,
}

/// Names with values.
#[derive(Debug, Default)]
pub(super) struct Parameters(pub(super) Vec<(String, Parameter)>);

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Derived)]
#[serde(untagged, expecting = "a parameter is a boolean, a number or a string")]
pub(super) enum Parameter {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Parameters {
    fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The parameter of that name, if it is there.
    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>, String> {
        self.typed(name, "a boolean", |value| if let Parameter::Bool(value) = value { Some(*value) } else { None })
    }

    /// The parameter of that name, if it is there.
    pub(super) fn size(&self, name: &str) -> Result<Option<usize>, String> {
        self.typed(name, "a number of bytes", |value| match value {
            Parameter::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        })
    }

    /// The parameter of that name, if it is there.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        self.typed(
            name,
            "a string",
            |value| if let Parameter::Text(value) = value { Some(value.clone()) } else { None },
        )
    }

    /// How long the client waits, in microseconds: Triton's parameter `timeout`.
    pub(super) fn timeout(&self) -> Result<Option<Duration>, String> {
        self.typed("timeout", "a number of microseconds", |value| match value {
            Parameter::Int(value) => u64::try_from(*value).ok().map(Duration::from_micros),
            _ => None,
        })
    }

    fn typed<T>(
        &self,
        name: &str,
        what: &str,
        read: impl FnOnce(&Parameter) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let wrong = |value| format!("parameter `{name}` is {value}, and must be {what}");
        self.get(name).map(|value| read(value).ok_or_else(|| wrong(value))).transpose()
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Parameter::Bool(value) => value.fmt(f),
            Parameter::Int(value) => value.fmt(f),
            Parameter::Float(value) => value.fmt(f),
            Parameter::Text(value) => write!(f, "{value:?}"),
        }
    }
}

/// An object, no key of which comes twice.
impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parameters, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut found = Parameters::default();
                while let Some(parameter) = map.next_entry()? {
                    found.0.push(parameter);
                }
                let mut names: Vec<&str> = found.0.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                match names.windows(2).find(|two| two[0] == two[1]) {
                    Some(two) => Err(A::Error::custom(format_args!("duplicate parameter `{}`", two[0]))),
                    None => Ok(found),
                }
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The answer to an inference, or what stands before its binary tensors.
#[derive(Debug, Serialize)]
pub(super) struct Response<'a> {
    pub(super) model_name: &'a str,
    pub(super) model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) outputs: Vec<Given<'a>>,
}

/// A tensor that is given.
#[derive(Debug, Serialize)]
pub(super) struct Given<'a> {
    pub(super) name: &'static str,
    pub(super) datatype: &'static str,
    pub(super) shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Data<'a>>,
}

/// Where its data are not in JSON.
#[derive(Debug, Serialize)]
pub(super) struct BinarySize {
    pub(super) binary_data_size: usize,
}

/// The elements of a tensor.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Data<'a> {
    Floats(&'a [f32]),
    Doubles(&'a [f64]),
    Texts(Vec<&'static str>),
}

/// What a model takes and gives.
#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) name: &'static str,
    pub(super) versions: Vec<&'static str>,
    pub(super) platform: &'static str,
    pub(super) inputs: Vec<TensorMetadata>,
    pub(super) outputs: Vec<TensorMetadata>,
}

/// A tensor, its sizes -1 where they vary.
#[derive(Debug, Serialize)]
pub(super) struct TensorMetadata {
    pub(super) name: &'static str,
    pub(super) datatype: &'static str,
    pub(super) shape: Vec<i64>,
}

/// The body of an index of the repository.
#[derive(Debug, Default, Derived)]
#[serde(deny_unknown_fields)]
pub(super) struct IndexRequest {
    /// All models are ready, so it changes nothing.
    #[serde(rename = "ready")]
    _ready: Option<bool>,
}

/// A model in the repository.
#[derive(Debug, Serialize)]
pub(super) struct Indexed {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) state: &'static str,
    pub(super) reason: &'static str,
}
