//! Forests and single trees: what the trees say, added in f64 and divided by their number. Of two classes the score is the share of the
//! second; of more there is one of each.

use super::super::pickle::Value;
use super::super::{Ensemble, Link, Number};
use super::fields::{Instance, Reader};
use super::nodes::{Saved, Taken};
use super::{Wrong, features};

/// The first version whose classifiers keep shares, where those before keep counts that each prediction divides.
const SHARES: (u32, u32) = (1, 4);

pub(super) fn regressor(reader: &Reader<'_>, model: &Instance<'_>, tree: Option<&Value>) -> Result<Ensemble, Wrong> {
    read(reader, model, tree, |saved| {
        if saved.classes != 1 {
            return Err("the values of a regression have classes".to_owned());
        }
        Ok((0..saved.outputs).collect())
    })
}

pub(super) fn classifier(reader: &Reader<'_>, model: &Instance<'_>, tree: Option<&Value>) -> Result<Ensemble, Wrong> {
    if reader.whole(model, "n_outputs_").is_some_and(|outputs| outputs != 1) {
        return Err(Wrong::Unsupported(format!("the class `{}` with several outputs", model.name())));
    }
    let shares = reader.version(model).is_some_and(|version| version >= SHARES);
    read(reader, model, tree, |saved| {
        if saved.outputs != 1 {
            return Err("its nodes have several outputs".to_owned());
        }
        if !shares {
            saved.divide(sum);
        }
        Ok(if saved.classes == 2 { vec![1] } else { (0..saved.classes).collect() })
    })
}

/// The model of all trees, each grown for those of its values that `chosen` names, which may change them before.
fn read(
    reader: &Reader<'_>,
    model: &Instance<'_>,
    tree: Option<&Value>,
    chosen: impl Fn(&mut Saved<'_>) -> Result<Vec<usize>, String>,
) -> Result<Ensemble, Wrong> {
    let features = features(reader, model)?;
    let estimators = match tree {
        Some(tree) => std::slice::from_ref(tree),
        None => reader.field(model, "estimators_").and_then(|all| reader.pickle.list(all)).unwrap_or_default(),
    };
    if estimators.is_empty() {
        return Err(Wrong::Missing("estimators_"));
    }
    let (mut trees, mut taken) = (vec![], Taken::default());
    let mut kept: Option<Vec<usize>> = None;
    for (at, estimator) in estimators.iter().enumerate() {
        let wrong = |why| Wrong::Tree(at, why);
        let mut saved = reader.tree(estimator, &mut taken).map_err(wrong)?;
        let own = chosen(&mut saved).map_err(wrong)?;
        if kept.get_or_insert_with(|| own.clone()) != &own {
            return Err(wrong("it has other outputs than the trees before".to_owned()));
        }
        for (output, &value) in own.iter().enumerate() {
            let tree = saved.grow(output, true, &mut taken, |values| values[value]);
            trees.push(tree.map_err(wrong)?);
        }
    }
    Ok(Ensemble {
        features,
        inputs: Number::F32,
        sums: Number::F64,
        base: vec![0.0; kept.map_or(0, |kept| kept.len())],
        trees,
        linear: vec![],
        divisor: estimators.len() as f64,
        link: Link::Identity,
    })
}

/// The sum as numpy adds it: in order below eight numbers, else in eight lanes, in halves where they are many.
fn sum(values: &[f64]) -> f64 {
    let len = values.len();
    if len < 8 {
        return values.iter().sum();
    }
    if len > 128 {
        let half = len / 2;
        let (first, second) = values.split_at(half - half % 8);
        return sum(first) + sum(second);
    }
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = chunks[0];
    for chunk in &chunks[1..] {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}
