//! Gradient boosting: what the first estimator says, and after it each tree's values times the learning rate, in f64.

use super::super::{Ensemble, Link, MAX_OUTPUTS, Number};
use super::fields::{Instance, Reader};
use super::nodes::Taken;
use super::{Wrong, features};

pub(super) fn read(reader: &Reader<'_>, model: &Instance<'_>) -> Result<Ensemble, Wrong> {
    // `loss_` until 1.0, a copy of the text `loss` beside `_loss` after.
    let loss = reader.class_of(model, "_loss").or_else(|| reader.class_of(model, "loss_"));
    let link = match (model.name(), loss) {
        ("GradientBoostingRegressor", Some(_)) => Link::Identity,
        (_, Some("BinomialDeviance" | "HalfBinomialLoss")) => Link::Sigmoid(1.0),
        (_, Some("MultinomialDeviance" | "HalfMultinomialLoss")) => Link::Softmax,
        (_, Some("ExponentialLoss")) => Link::Sigmoid(2.0),
        (class, loss) => {
            let loss = loss.unwrap_or("none");
            return Err(Wrong::Unsupported(format!("the class `{class}` with the loss `{}`", loss.escape_debug())));
        }
    };
    let features = features(reader, model)?;
    let rate = reader.number(model, "learning_rate").ok_or(Wrong::Missing("learning_rate"))?;
    let estimators = reader.field(model, "estimators_").and_then(|estimators| reader.pickle.objects(estimators));
    let (shape, estimators) = estimators.ok_or(Wrong::Missing("estimators_"))?;
    let &[_, outputs] = shape.as_slice() else { return Err(Wrong::Missing("estimators_")) };
    if !(1..=MAX_OUTPUTS).contains(&outputs) {
        return Err(Wrong::Missing("estimators_"));
    }
    let base = base(reader, model, outputs, loss.unwrap_or_default())?;
    let (mut trees, mut taken) = (Vec::with_capacity(estimators.len()), Taken::default());
    for (at, estimator) in estimators.iter().enumerate() {
        let wrong = |why| Wrong::Tree(at, why);
        let saved = reader.tree(estimator, &mut taken).map_err(wrong)?;
        if (saved.outputs, saved.classes) != (1, 1) {
            return Err(wrong("its nodes have several values".to_owned()));
        }
        // These models refuse NaN, whatever their nodes say of it.
        trees.push(saved.grow(at % outputs, false, &mut taken, |values| rate * values[0]).map_err(wrong)?);
    }
    Ok(Ensemble { features, inputs: Number::F32, sums: Number::F64, base, trees, linear: vec![], divisor: 1.0, link })
}

/// What sums begin with. `ln` and `exp` are those of the library `libm`, whose bits are the same on every host: a pack has them.
fn base(reader: &Reader<'_>, model: &Instance<'_>, outputs: usize, loss: &str) -> Result<Vec<f64>, Wrong> {
    let Some(init) = reader.inner(model, "init_") else {
        // `init="zero"`.
        return match reader.field(model, "init_") {
            Some(_) if reader.class_of(model, "init_").is_none() => Ok(vec![0.0; outputs]),
            _ => Err(Wrong::Missing("init_")),
        };
    };
    let number = |key| reader.number(&init, key).map(|number| vec![number]).ok_or(Wrong::Missing(key));
    let numbers = |key| reader.numbers(&init, key).ok_or(Wrong::Missing(key));
    let base = match init.name() {
        // Until 0.20.
        "PriorProbabilityEstimator" => numbers("priors")?,
        "LogOddsEstimator" | "ScaledLogOddsEstimator" => number("prior")?,
        "MeanEstimator" => number("mean")?,
        "QuantileEstimator" => number("quantile")?,
        "ZeroEstimator" => vec![0.0; outputs],
        "DummyRegressor" => numbers("constant_")?,
        "DummyClassifier" if reader.text(&init, "strategy") == Some("prior") => {
            let least = f64::from(f32::EPSILON);
            let priors: Vec<f64> =
                numbers("class_prior_")?.into_iter().map(|prior| prior.clamp(least, 1.0 - least)).collect();
            match (loss, priors.as_slice()) {
                ("MultinomialDeviance", _) => priors.into_iter().map(libm::log).collect(),
                ("HalfMultinomialLoss", _) => {
                    let mean = priors.iter().map(|&prior| libm::log(prior)).sum::<f64>() / priors.len() as f64;
                    priors.iter().map(|prior| libm::log(prior / libm::exp(mean))).collect()
                }
                ("ExponentialLoss", &[_, second]) => vec![0.5 * libm::log(second / (1.0 - second))],
                (_, &[_, second]) => vec![libm::log(second / (1.0 - second))],
                _ => return Err(Wrong::Missing("class_prior_")),
            }
        }
        other => return Err(Wrong::Unsupported(format!("the first estimator `{}`", other.escape_debug()))),
    };
    if base.len() == outputs { Ok(base) } else { Err(Wrong::Missing("init_")) }
}
