//! scikit-learn's gradient boosting from a pickle of protocol 0, as versions 0.18 to 0.20 leave it: the classes' own fields, as
//! `sklearn/ensemble/gradient_boosting.py` and `sklearn/tree/_tree.pyx` name them.
//!
//! Later versions write other protocols, whose models come by way of ONNX.

use super::codes::{malformed, unsupported};
use super::pickle::{Object, Pickle, Value};
use super::tree::{NoTree, Node, Split, Test};
use super::{Ensemble, Link, MAX_FEATURES, MAX_OUTPUTS, Missing, Number, Tree, codes};
use crate::diagnostic::Diagnostic;

/// Bytes of a node: children, feature, threshold, impurity, samples, weighted samples.
const NODE_BYTES: usize = 56;

/// The model that the pickle is.
pub(super) fn read(place: &str, bytes: &[u8]) -> Result<Ensemble, Vec<Diagnostic>> {
    if bytes.starts_with(b"\x80") {
        return Err(unsupported(
            place,
            "a pickle of a protocol after 0: export scikit-learn's model as LightGBM, XGBoost or ONNX have it",
        ));
    }
    let pickle =
        Pickle::parse(bytes).map_err(|why| malformed(place, format!("not a pickle that is read here: {why}")))?;
    let reader = Reader { pickle: &pickle, len: bytes.len() };
    let model =
        reader.instance(&pickle.root).ok_or_else(|| malformed(place, "the pickle is no instance of a class"))?;
    let link = match (model.class.rsplit('.').next(), reader.class_of(&model, "loss_")) {
        (Some("GradientBoostingClassifier"), Some("BinomialDeviance")) => Link::Sigmoid(1.0),
        (Some("GradientBoostingClassifier"), Some("MultinomialDeviance")) => Link::Softmax,
        (Some("GradientBoostingRegressor"), Some(_)) => Link::Identity,
        (class, loss) => {
            let (class, loss) = (class.unwrap_or_default(), loss.unwrap_or("none"));
            return Err(unsupported(place, format!("the class `{class}` with the loss `{loss}`")));
        }
    };
    ensemble(&reader, &model, link).map_err(|why| match why {
        Wrong::Missing(what) => malformed(place, format!("`{what}` is missing, or is not what it should be")),
        Wrong::Unsupported(what) => unsupported(place, what),
        Wrong::Tree(at, why) => vec![
            Diagnostic::new(codes::BAD_TREE, why)
                .at(format!("{place}, tree {at}"))
                .help("pickle the model again, with protocol 0"),
        ],
    })
}

enum Wrong {
    Missing(&'static str),
    Unsupported(String),
    Tree(usize, String),
}

fn ensemble(reader: &Reader<'_>, model: &Instance<'_>, link: Link) -> Result<Ensemble, Wrong> {
    let whole = |key| reader.whole(model, key).and_then(|whole| usize::try_from(whole).ok());
    let count = whole("n_features_").filter(|count| (1..=MAX_FEATURES).contains(count));
    let features = count.ok_or(Wrong::Missing("n_features_"))?;
    let rate = reader.number(model, "learning_rate").ok_or(Wrong::Missing("learning_rate"))?;
    let (shape, estimators) = reader.objects(model, "estimators_").ok_or(Wrong::Missing("estimators_"))?;
    let [_, outputs] = shape;
    if !(1..=MAX_OUTPUTS).contains(&outputs) || !estimators.len().is_multiple_of(outputs) {
        return Err(Wrong::Missing("estimators_"));
    }
    let init = reader.field(model, "init_").and_then(|init| reader.instance(init)).ok_or(Wrong::Missing("init_"))?;
    let base = match init.class.rsplit('.').next() {
        Some("PriorProbabilityEstimator") => reader.doubles(&init, "priors").ok_or(Wrong::Missing("priors"))?,
        Some("LogOddsEstimator") => vec![reader.number(&init, "prior").ok_or(Wrong::Missing("prior"))?],
        Some("MeanEstimator") => vec![reader.number(&init, "mean").ok_or(Wrong::Missing("mean"))?],
        Some("QuantileEstimator") => vec![reader.number(&init, "quantile").ok_or(Wrong::Missing("quantile"))?],
        other => return Err(Wrong::Unsupported(format!("the first estimator `{}`", other.unwrap_or_default()))),
    };
    if base.len() != outputs {
        return Err(Wrong::Missing("init_"));
    }
    let (mut trees, mut met) = (Vec::with_capacity(estimators.len()), 0);
    for (at, estimator) in estimators.iter().enumerate() {
        let wrong = |why: String| Wrong::Tree(at, why);
        let nodes = reader.nodes(estimator, rate).map_err(wrong)?;
        // One estimator may stand in many places: the trees take no more bytes than there are.
        met += nodes.len() * NODE_BYTES;
        if met > reader.len {
            return Err(wrong(
                "there are fewer bytes than the nodes take: one tree stands in several places".to_owned(),
            ));
        }
        let tree = Tree::grow((at % outputs) as u32, &nodes, false).map_err(|NoTree(why)| wrong(why))?;
        trees.push(tree);
    }
    let features = (0..features).map(|at| format!("x{at}")).collect();
    Ok(Ensemble { features, inputs: Number::F32, sums: Number::F64, base, trees, linear: vec![], divisor: 1.0, link })
}

struct Reader<'a> {
    pickle: &'a Pickle,
    /// The bytes of the file.
    len: usize,
}

/// An object of a class, with the fields that it was set to.
struct Instance<'a> {
    class: String,
    fields: &'a Object,
}

impl<'a> Reader<'a> {
    /// What `copy_reg._reconstructor(class, base, state)` would make, or a call of the class itself.
    fn instance(&self, value: &Value) -> Option<Instance<'a>> {
        let object = self.pickle.object(value)?;
        let class = match (&*object.class, object.items.first()) {
            ("copy_reg._reconstructor", Some(Value::Name(class))) => &**class,
            (class, _) => class,
        };
        let fields = self.pickle.object(object.state.as_ref()?)?;
        Some(Instance { class: class.to_owned(), fields })
    }

    fn field(&self, instance: &Instance<'a>, key: &str) -> Option<&'a Value> {
        instance.fields.entries.get(key)
    }

    fn class_of(&self, instance: &Instance<'a>, key: &str) -> Option<&'a str> {
        let object = self.pickle.object(self.field(instance, key)?)?;
        match object.items.first()? {
            Value::Name(class) => class.rsplit('.').next(),
            _ => None,
        }
    }

    fn whole(&self, instance: &Instance<'a>, key: &str) -> Option<i64> {
        match *self.field(instance, key)? {
            Value::Whole(whole) => Some(whole),
            _ => None,
        }
    }

    /// A number, which may be numpy's: `scalar(dtype, bytes)`.
    fn number(&self, instance: &Instance<'a>, key: &str) -> Option<f64> {
        let value = self.field(instance, key)?;
        match value {
            Value::Number(number) => Some(*number),
            Value::Whole(whole) => (whole.unsigned_abs() <= 1 << 53).then_some(*whole as f64),
            other => {
                let object = self.pickle.object(other).filter(|it| &*it.class == "numpy.core.multiarray.scalar")?;
                let [dtype, bytes] = object.items.as_slice() else { return None };
                (self.dtype(dtype)? == "<f8").then_some(())?;
                Some(f64::from_le_bytes(self.bytes(bytes)?.try_into().ok()?))
            }
        }
    }

    /// The bytes of `_codecs.encode(text, "latin1")`.
    fn bytes(&self, value: &Value) -> Option<Vec<u8>> {
        let object = self.pickle.object(value).filter(|it| &*it.class == "_codecs.encode")?;
        match object.items.first()? {
            Value::Text(text) => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            _ => None,
        }
    }

    /// The kind of an array's items with its byte order, as `<f8`; of structures, their length: `V56`.
    fn dtype(&self, value: &Value) -> Option<String> {
        let object = self.pickle.object(value).filter(|it| &*it.class == "numpy.dtype")?;
        let Some(Value::Text(kind)) = object.items.first() else { return None };
        let order = match self.pickle.tuple(object.state.as_ref()?)?.get(1)? {
            Value::Text(order) if &**order != "|" => order,
            _ => "",
        };
        Some(format!("{order}{kind}"))
    }

    /// An array's shape, its items' kind and what holds them.
    fn array(&self, instance: &Instance<'a>, key: &str) -> Option<(Vec<usize>, String, &'a Value)> {
        let object = self.pickle.object(self.field(instance, key)?)?;
        let state = self.pickle.tuple(object.state.as_ref()?)?;
        let [_version, shape, dtype, Value::Whole(0), data] = state else { return None };
        let dim = |dim: &Value| match *dim {
            Value::Whole(whole) => usize::try_from(whole).ok(),
            _ => None,
        };
        Some((self.pickle.tuple(shape)?.iter().map(dim).collect::<Option<_>>()?, self.dtype(dtype)?, data))
    }

    fn doubles(&self, instance: &Instance<'a>, key: &str) -> Option<Vec<f64>> {
        let (_, _, data) = self.array(instance, key).filter(|(_, dtype, _)| dtype == "<f8")?;
        let bytes = self.bytes(data)?;
        let (words, rest) = bytes.as_chunks::<8>();
        rest.is_empty().then(|| words.iter().map(|word| f64::from_le_bytes(*word)).collect())
    }

    /// An array of objects of two dimensions.
    fn objects(&self, instance: &Instance<'a>, key: &str) -> Option<([usize; 2], &'a [Value])> {
        let (shape, _, data) = self.array(instance, key).filter(|(_, dtype, _)| dtype == "O8")?;
        let items = self.pickle.object(data).filter(|it| &*it.class == "list")?.items.as_slice();
        let shape: [usize; 2] = shape.try_into().ok()?;
        (shape[0].checked_mul(shape[1]) == Some(items.len())).then_some((shape, items))
    }

    /// The nodes of a `DecisionTreeRegressor`, its values times the learning rate.
    fn nodes(&self, estimator: &Value, rate: f64) -> Result<Vec<Node>, String> {
        let estimator = self.instance(estimator).ok_or("no instance of a class")?;
        let tree = self.field(&estimator, "tree_").and_then(|tree| self.instance(tree)).ok_or("`tree_` is missing")?;
        let array = self.array(&tree, "nodes").filter(|(shape, dtype, _)| shape.len() == 1 && dtype == "V56");
        let (_, _, data) = array.ok_or("`nodes` are not what they should be")?;
        let bytes = self.bytes(data).ok_or("`nodes` are not what they should be")?;
        let values = self.doubles(&tree, "values").ok_or("`values` are no numbers")?;
        let (records, rest) = bytes.as_chunks::<NODE_BYTES>();
        if !rest.is_empty() || values.len() != records.len() {
            return Err(format!("{} values and {} bytes of nodes", values.len(), bytes.len()));
        }
        let nodes = records.iter().zip(values).map(|(record, value)| {
            let word = |at: usize| i64::from_le_bytes(record[at * 8..at * 8 + 8].try_into().expect("eight bytes"));
            let [left, right, feature] = [word(0), word(1), word(2)];
            if left == -1 && right == -1 {
                return Ok(Node::Leaf(rate * value));
            }
            let index = |index: i64| u32::try_from(index).map_err(|_| format!("a child or a feature is {index}"));
            let threshold = f64::from_bits(word(3).cast_unsigned());
            if threshold.is_nan() {
                return Err("a threshold is NaN".to_owned());
            }
            // These versions refuse NaN; what compares as false goes right.
            let (test, missing) = (Test::AtMost(threshold), Missing::Right);
            let (left, right, feature) = (index(left)?, index(right)?, index(feature)?);
            Ok(Node::Split(Split { feature, test, missing, left, right }))
        });
        nodes.collect()
    }
}
