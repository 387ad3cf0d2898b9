//! The inputs of a recommender: which of their axes are a batch, items, candidates or columns.

use super::{Named, Role, Sessions, wrong};
use crate::diagnostic::Diagnostic;
use crate::onnx::{Dimension, Elem, Lengths, Model, Port as FilePort, Source, Tensor};
use modeldeploy_format::features::{MOST_TOGETHER, Side};

/// The most columns of all inputs together.
const MOST: usize = 1 << 16;

/// What an axis of an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// Of that size.
    Fixed(usize),
    /// As many as there are candidates: the axis of theirs, or a batch in which the user is repeated for each.
    Candidates,
    /// As many as the session has items.
    Items,
}

/// An input.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) side: Side,
    pub(super) elem: Elem,
    pub(super) axes: Vec<Axis>,
    /// The first of its columns among those of all inputs.
    pub(super) first: usize,
    /// How many it has.
    pub(super) columns: usize,
}

/// All inputs of a model.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) list: Vec<Port>,
    /// Whether the file scores one candidate at a time, and so has no axis of candidates.
    pub(super) single: bool,
    /// How many items the file's sessions have, if it is always as many.
    pub(super) items: Option<usize>,
}

impl Port {
    /// The sizes of the axes.
    pub(super) fn shape(&self, lengths: Lengths) -> Vec<usize> {
        let size = |axis: &Axis| match *axis {
            Axis::Fixed(size) => size,
            Axis::Candidates => lengths.candidates,
            Axis::Items => lengths.tokens,
        };
        self.axes.iter().map(size).collect()
    }

    /// A tensor of such numbers, of which `number` gives one after the other.
    pub(super) fn tensor(&self, lengths: Lengths, mut number: impl FnMut() -> f64) -> Result<Tensor, String> {
        let shape = self.shape(lengths);
        let count = shape.iter().product::<usize>();
        let numbers: Vec<f64> = (0..count).map(|_| number()).collect();
        let numbers = numbers.into_iter();
        match self.elem {
            Elem::F32 => Tensor::new(shape, numbers.map(|number| number as f32).collect::<Vec<f32>>()),
            Elem::F64 => Tensor::new(shape, numbers.collect::<Vec<f64>>()),
            Elem::I32 => Tensor::new(shape, numbers.map(|number| number as i32).collect::<Vec<i32>>()),
            Elem::I64 => Tensor::new(shape, numbers.map(|number| number as i64).collect::<Vec<i64>>()),
            elem => Err(format!("inputs of {} are not known", elem.name())),
        }
    }

    /// What its values follow from.
    pub(super) fn source(&self) -> Source {
        if self.side == Side::Candidate { Source::Candidates } else { Source::Text }
    }
}

impl Ports {
    /// An input of zeros, by name.
    pub(super) fn zeros(&self, name: &str, lengths: Lengths) -> Option<(Tensor, Source)> {
        let port = self.list.iter().find(|port| port.name == name)?;
        Some((port.tensor(lengths, || 0.0).ok()?, port.source()))
    }

    /// How many columns all inputs have.
    pub(super) fn columns(&self) -> usize {
        self.list.last().map_or(0, |port| port.first + port.columns)
    }
}

/// Reads the inputs of a model, of which `roles` says what each is of.
pub(super) fn read(
    model: &Model,
    place: &str,
    roles: &[Role],
    sessions: Sessions,
    named: Named,
) -> Result<Ports, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let inputs = model.inputs();
    for role in roles.iter().filter(|role| inputs.iter().all(|port| port.name != role.input)) {
        errors.push(wrong(
            place,
            format!("there is no input `{}`", role.input.escape_debug()),
            "name the inputs as the file does",
        ));
    }
    let mut sided = Vec::new();
    for port in inputs {
        match roles.iter().find(|role| role.input == port.name) {
            Some(role) => sided.push((port, role.side)),
            None => errors.push(wrong(
                place,
                format!("of what the input `{}` is known is not said", port.name.escape_debug()),
                "say whether it is the candidates', the user's or the session's",
            )),
        }
    }
    let batch = match (batch(&sided), named) {
        (Batch::First(_), Named::Together) => Batch::First(None),
        (batch, _) => batch,
    };
    let mut ports = Ports { list: Vec::new(), single: batch == Batch::One, items: None };
    for (port, side) in sided {
        match axes(port, side, batch, sessions) {
            Ok((elem, axes)) => {
                if side == Side::Session && fixed_items(port.shape.as_deref().unwrap_or_default()).is_some() {
                    ports.items = Some(sessions.most);
                }
                let fixed =
                    axes.iter().filter_map(|axis| if let Axis::Fixed(size) = axis { Some(*size) } else { None });
                let columns = fixed.fold(1, usize::saturating_mul);
                ports.list.push(Port { name: port.name.clone(), side, elem, axes, first: ports.columns(), columns });
                if columns == 0 || columns > MOST || ports.columns() > MOST {
                    errors.push(wrong(
                        place,
                        format!("the input `{}` has {columns} columns", port.name.escape_debug()),
                        "a ranker takes 1 to 65536 numbers and ids in all",
                    ));
                    return Err(errors);
                }
            }
            Err(message) => errors.push(wrong(
                place,
                format!("the input `{}`: {message}", port.name.escape_debug()),
                "docs/onnx.md says how recommenders are exported",
            )),
        }
    }
    if ports.list.iter().all(|port| port.side != Side::Candidate) && errors.is_empty() {
        errors.push(wrong(place, "no input is the candidates'", "a ranker scores candidates by what is known of each"));
    }
    if errors.is_empty() { Ok(ports) } else { Err(errors) }
}

/// Where the axis of candidates stands, by the first of their inputs.
#[derive(Clone, Copy, PartialEq)]
enum Batch<'m> {
    /// There is none: the file scores one candidate at a time.
    One,
    /// First; all that is of that name has a row for each candidate.
    First(Option<&'m str>),
    /// Second, beside one user.
    Second,
}

fn batch<'m>(sided: &[(&'m FilePort, Side)]) -> Batch<'m> {
    let shapes =
        sided.iter().filter(|(_, side)| *side == Side::Candidate).filter_map(|(port, _)| port.shape.as_deref());
    let mut found = Batch::One;
    for shape in shapes {
        found = match shape {
            [Dimension::Named(name), ..] => return Batch::First(Some(name)),
            [Dimension::Any, ..] => return Batch::First(None),
            [_, Dimension::Named(_) | Dimension::Any, ..] => Batch::Second,
            _ => found,
        };
    }
    found
}

/// The number of a session's items, where an input of this shape has the same for all.
pub(super) fn fixed_items(shape: &[Dimension]) -> Option<usize> {
    match shape {
        [Dimension::Fixed(items)] | [_, Dimension::Fixed(items), ..] => Some(*items),
        _ => None,
    }
}

fn axes(port: &FilePort, side: Side, batch: Batch<'_>, sessions: Sessions) -> Result<(Elem, Vec<Axis>), String> {
    let elem = port.elem.ok_or("the file does not say of what numbers it is")?;
    if !matches!(elem, Elem::F32 | Elem::F64 | Elem::I32 | Elem::I64) {
        return Err(format!("it is of {}, and floats or whole numbers of 32 and 64 bits are taken", elem.name()));
    }
    let shape = port.shape.as_deref().ok_or("the file does not say its shape")?;
    // A user's or a session's batch is of the candidates, or of the user alone.
    let repeated = |dim: &Dimension| match (dim, batch) {
        (Dimension::Fixed(size), _) => Axis::Fixed(*size),
        (Dimension::Named(name), Batch::First(Some(other))) if name != other => Axis::Fixed(1),
        (_, Batch::First(_)) => Axis::Candidates,
        _ => Axis::Fixed(1),
    };
    let rest = |dims: &[Dimension]| -> Result<Vec<Axis>, String> {
        let fixed = |dim: &Dimension| match dim {
            Dimension::Fixed(size) => Ok(Axis::Fixed(*size)),
            _ => Err(format!("its axis `{dim}` has no fixed size, and is none of a batch, of items or of candidates")),
        };
        dims.iter().map(fixed).collect()
    };
    let axes = match (side, shape, batch) {
        (Side::Candidate, [Dimension::Fixed(1), rest_of @ ..], Batch::One) => {
            [vec![Axis::Fixed(1)], rest(rest_of)?].concat()
        }
        (Side::Candidate, [Dimension::Named(_) | Dimension::Any, rest_of @ ..], Batch::First(_)) => {
            [vec![Axis::Candidates], rest(rest_of)?].concat()
        }
        (Side::Candidate, [Dimension::Fixed(1), Dimension::Named(_) | Dimension::Any, rest_of @ ..], Batch::Second) => {
            [vec![Axis::Fixed(1), Axis::Candidates], rest(rest_of)?].concat()
        }
        (Side::Candidate, [Dimension::Fixed(size), ..], Batch::One) => {
            let help = match *size <= MOST_TOGETHER as usize {
                true => format!("say `max-batch = {size}` if these are its candidates"),
                false => "export it with a dynamic axis of candidates".to_owned(),
            };
            return Err(format!("it has {size} rows, and no axis of candidates; {help}"));
        }
        (Side::Candidate, ..) => return Err("it has no axis of candidates where the others have it".to_owned()),
        (Side::User, [first, rest_of @ ..], _) => [vec![repeated(first)], rest(rest_of)?].concat(),
        (Side::User, [], _) => vec![],
        (Side::Session, [.., Dimension::Named(name)], Batch::First(Some(other))) if name == other => {
            return Err(format!(
                "its axis `{}` is that of the candidates, and a session's items are others",
                name.escape_debug()
            ));
        }
        (Side::Session, [Dimension::Named(_) | Dimension::Any], _) => vec![Axis::Items],
        (Side::Session, [first, Dimension::Named(_) | Dimension::Any, rest_of @ ..], _) => {
            [vec![repeated(first), Axis::Items], rest(rest_of)?].concat()
        }
        (Side::Session, shape, _) => {
            let Some(items) = fixed_items(shape) else {
                return Err("a session's items have no axis; export it with one".to_owned());
            };
            if !sessions.filled {
                return Err(format!(
                    "the number of a session's items is fixed: say what stands before those of fewer than {items}, `pad-id` in features.toml, or export it with that axis dynamic"
                ));
            }
            if items != sessions.most {
                return Err(format!(
                    "its sessions have {items} items, and the most items are {}; say `max-length = {items}`",
                    sessions.most
                ));
            }
            match shape {
                [first, _, rest_of @ ..] => [vec![repeated(first), Axis::Items], rest(rest_of)?].concat(),
                _ => vec![Axis::Items],
            }
        }
    };
    let batched = match (side, axes.first()) {
        (Side::Session, Some(Axis::Fixed(size))) => *size == 1,
        _ => true,
    };
    if batched { Ok((elem, axes)) } else { Err("it has the sessions of several users".to_owned()) }
}
