//! A ranker's folder: one file of trees or one ONNX model, `features.toml` if its features are more than numbers, and a file of what its
//! maker says some candidates must get: `golden.tsv`, or `golden.jsonl` where there are users and sessions.

use super::folder::Folder;
use super::onnx::ranker::{Role, Sessions};
use super::{SourceFile, codes, onnx};
use crate::diagnostic::Diagnostic;
use crate::features::{self, Column, Expected, OTHER_SCORES, SPECIFICATION, Served};
use crate::graph::Graph;
use crate::onnx::{Elem, is_ml_trees, metadata};
use crate::records::TextFile;
use crate::trees::{self, Ensemble};
use modeldeploy_format::features::{EmbeddingOf, Features, MOST_TOGETHER, Side, Takes};
use modeldeploy_format::{Digest, Signature, Task};
use prost::bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;

/// The names that a file of trees may have.
const TREES: [&str; 6] = ["model.txt", "model.json", "model.ubj", "model.model", "model.bin", "model.pkl"];

const FEATURES: &str = "features.toml";
/// The key of an ONNX model's metadata that holds the text of `features.toml`, where there is no such file.
const METADATA: &str = "modeldeploy.features";
const GOLDEN: &str = "golden.tsv";
const GOLDEN_REQUESTS: &str = "golden.jsonl";

/// A ranker that was read.
#[derive(Clone, Debug)]
pub struct LoadedRanker {
    /// What scores.
    pub scorer: LoadedScorer,
    /// What a service gives, and what becomes of it.
    pub features: Features,
    /// What it takes and gives; the spaces of embeddings are [`EmbeddingOf::UNLOCKED`].
    pub signature: Signature,
    /// Where its features are specified, for errors.
    pub specification: String,
    /// Every file that was read, sorted by path.
    pub files: Vec<SourceFile>,
    /// The paths of files that were looked for and not there, sorted.
    pub absent: Vec<String>,
}

/// What scores candidates, and what its maker says of some.
#[derive(Clone, Debug)]
pub enum LoadedScorer {
    /// Trees, and rows with their scores.
    Trees(Box<Ensemble>, Vec<Expected>),
    /// A network, as it was read, and requests with their scores.
    Network(Box<Graph>, Vec<Served>),
}

/// How a ranker is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct RankerOptions {
    /// The most items of a session, of which the last ones count; [`ITEMS`] where it is not given.
    pub max_items: Option<u32>,
    /// The most candidates that a network scores together; 256 where it is not given. Where no axis of the candidates' inputs is dynamic,
    /// one of this size that comes first is their batch.
    pub max_batch: Option<u32>,
}

/// The most items of a session where nothing else is said.
pub const ITEMS: u32 = 50;

impl LoadedRanker {
    /// What it is, in words: `500 trees`.
    pub fn architecture(&self) -> String {
        match &self.scorer {
            LoadedScorer::Trees(ensemble, _) => match ensemble.trees.len() {
                1 => "1 tree".to_owned(),
                count => format!("{count} trees"),
            },
            LoadedScorer::Network(graph, _) => format!("a network of {} nodes", graph.len()),
        }
    }

    /// The same, its embeddings of the spaces that `space` gives.
    #[must_use]
    pub fn in_spaces(mut self, space: impl FnMut(&EmbeddingOf) -> Digest) -> LoadedRanker {
        self.features = self.features.in_spaces(space);
        self.signature.features = self.features.facts();
        self
    }

    /// How many candidates its maker says the scores of.
    pub fn expected(&self) -> usize {
        match &self.scorer {
            LoadedScorer::Trees(_, expected) => expected.len(),
            LoadedScorer::Network(_, served) => served.iter().map(Served::candidates).sum(),
        }
    }
}

/// Reads a ranker's folder.
///
/// # Errors
///
/// All that is wrong with it: `MD01xx` for the folder, `MD16xx` for trees and features.
pub fn load_ranker(dir: &Path, options: RankerOptions) -> Result<LoadedRanker, Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    let mut folder = Folder::open(dir).map_err(one)?;
    let there: Vec<&str> = TREES.into_iter().filter(|name| folder.has(name)).collect();
    if let ([], Some(path)) = (there.as_slice(), onnx::find(&mut folder, "")) {
        let bytes = folder.map(&path).map_err(one)?;
        if is_ml_trees(Bytes::from_owner(bytes)) {
            return load_trees(folder, &path);
        }
        return load_network(folder, &path, options);
    }
    let &[name] = there.as_slice() else {
        let root = folder.root().display().to_string();
        let (message, help) = if there.is_empty() {
            let help = "LightGBM: `booster.save_model(\"model.txt\")`; XGBoost: `booster.save_model(\"model.ubj\")`; scikit-learn: `joblib.dump(model, \"model.pkl\")`; PyTorch: `torch.onnx.export(model, inputs, \"model.onnx\")`";
            (format!("the folder has neither trees ({}) nor a network (model.onnx)", TREES.join(", ")), help)
        } else {
            (format!("the folder has several files of trees: {}", there.join(", ")), "leave the one that is meant")
        };
        return Err(vec![Diagnostic::new(codes::NO_FILE, message).at(root).help(help)]);
    };
    load_trees(folder, name)
}

fn load_trees(mut folder: Folder, name: &str) -> Result<LoadedRanker, Vec<Diagnostic>> {
    let bytes = folder.map(name).map_err(|error| vec![error])?;
    let ensemble = match name.ends_with(".onnx") {
        true => trees::read_onnx(&folder.place(name), bytes.bytes().to_vec())?,
        false => trees::read(&folder.place(name), bytes.bytes())?,
    };
    let mut said = Said::read(&mut folder)?;
    let metadata = if name.ends_with(".onnx") { metadata(bytes.bytes().to_vec()) } else { BTreeMap::new() };
    let specification = said.specified(&folder, name, &metadata);
    let columns: Vec<Column> = ensemble.features.iter().map(|name| Column::number(name)).collect();
    let features = features::features(&specification, said.specification.as_deref(), &columns)?;
    if let Some(&at) = features.of(Side::Session).first() {
        let message = format!(
            "the feature `{}` is a session's, which trees have no column for",
            features.list()[at as usize].name
        );
        let help =
            "give the trees what follows from the session, such as how many of its items are of the candidate's brand";
        return Err(vec![Diagnostic::new(SPECIFICATION, message).at(specification).help(help)]);
    }
    let mut expected = match said.golden.take() {
        Some(text) => features::expected(&folder.place(GOLDEN), &text, &features, ensemble.outputs())?,
        None => vec![],
    };
    for request in said.requests(&folder, &features, ensemble.outputs())? {
        let rows = request.rows(&features).expect("proved when the request was read");
        let scores = request.said.chunks(ensemble.outputs());
        let place = &request.place;
        expected.extend(rows.into_iter().zip(scores).map(|(row, scores)| Expected {
            place: place.clone(),
            row,
            scores: scores.to_vec(),
        }));
    }
    let outputs = u32::try_from(ensemble.outputs()).expect("an ensemble that was checked has fewer");
    let (files, absent) = folder.finish();
    let signature = signature(&features, 1, outputs);
    let scorer = LoadedScorer::Trees(Box::new(ensemble), expected);
    Ok(LoadedRanker { scorer, features, signature, specification, files, absent })
}

fn load_network(mut folder: Folder, path: &str, options: RankerOptions) -> Result<LoadedRanker, Vec<Diagnostic>> {
    let mut max_items = options.max_items.unwrap_or(ITEMS);
    let mut model = onnx::read(&mut folder, path)?;
    let place = folder.place(path);
    let mut said = Said::read(&mut folder)?;
    let specification = said.specified(&folder, path, model.metadata());
    let sides = features::sides(said.specification.as_deref().unwrap_or_default());
    if let Some(batch) = options.max_batch {
        onnx::ranker::free_batch(&mut model, batch as usize, &sides);
    }
    let mut inputs = onnx::ranker::inputs(&model);
    for input in &mut inputs {
        let of_session = sides.iter().any(|sided| sided.side == Side::Session && sided.is_of(&input.name));
        input.items = input.items.filter(|&items| items > 0 && of_session);
        if let Some(items) = input.items {
            input.columns /= items;
            // Where nothing is said, sessions are as long as the file has them.
            max_items = options.max_items.or(u32::try_from(items).ok()).unwrap_or(max_items);
        }
    }
    let mut columns = vec![];
    for input in &inputs {
        if columns.len() + input.columns > MOST_COLUMNS {
            let message = format!("the model has more than {MOST_COLUMNS} columns");
            return Err(vec![Diagnostic::new(SPECIFICATION, message).at(place).help("give it fewer features")]);
        }
        let takes = if input.elem.is_some_and(Elem::is_float) { Takes::Number } else { Takes::Id };
        let name = |at: usize| if input.columns == 1 { input.name.clone() } else { format!("{}[{at}]", input.name) };
        columns.extend((0..input.columns).map(|at| Column { name: name(at), takes }));
    }
    let features = features::features(&specification, said.specification.as_deref(), &columns);
    // Rows of a batch that is taken for columns have none of the names that are specified.
    let features = features.map_err(|mut errors| {
        if let Some(size) = onnx::ranker::fixed_batch(&model, &sides).filter(|&size| size <= MOST_TOGETHER as usize) {
            let message = format!("the inputs of the candidates have {size} rows each, and no axis of candidates");
            let help = format!(
                "say `max-batch = {size}` in the model's entry, `--max-batch {size}`, if these are its candidates"
            );
            errors.push(Diagnostic::new(codes::UNKNOWN_NETWORK, message).at(&place).help(help));
        }
        errors
    })?;
    let (mut roles, mut list) = (vec![], features.list().to_vec());
    // The feature that each column is of: an embedding is of several.
    let whose: Vec<usize> = (0..list.len()).flat_map(|at| features.place(at).map(move |_| at)).collect();
    let mut of_input = &whose[..];
    for input in &inputs {
        let (own, rest) = of_input.split_at(input.columns);
        of_input = rest;
        let Some(&first) = own.first() else { continue };
        let (first, of) = (&features.list()[first], |&at: &usize| &features.list()[at]);
        let other = own.iter().map(of).find(|other| other.side != first.side);
        let side = match other.map(|other| [first.side, other.side]) {
            None => first.side,
            // Columns of the user beside those of candidates are repeated for each.
            Some(sides) if !sides.contains(&Side::Session) => Side::Candidate,
            Some(_) => {
                let message = format!("some columns of the input `{}` are of a session and others are not", input.name);
                let help = "export the model with an input of its own for the session's items";
                return Err(vec![Diagnostic::new(SPECIFICATION, message).at(specification).help(help)]);
            }
        };
        roles.push(Role { input: input.name.clone(), side });
        own.iter().for_each(|&at| list[at].repeated = list[at].side != side);
    }
    let wrong = |why| vec![Diagnostic::new(SPECIFICATION, why).at(&specification).help("docs/rank.md has an example")];
    let pads = features.pads().to_vec();
    let features = Features::new(list).and_then(|features| match options.max_batch {
        Some(batch) => features.scored_together(batch),
        None => Ok(features),
    });
    let features = features.and_then(|features| match pads[..] {
        [] => Ok(features),
        _ => features.filled_up(pads.clone()),
    });
    let features = features.map_err(wrong)?;
    let sessions = Sessions { most: max_items as usize, filled: !pads.is_empty() };
    let network = onnx::ranker::network(&model, &place, &roles, sessions)?;
    let errors: Vec<Diagnostic> = features
        .list()
        .iter()
        .enumerate()
        .filter_map(|(at, feature)| {
            let (below, rows) = (feature.rule.below()?, network.columns[features.place(at).start].rows?);
            (below > rows).then(|| {
                let name = &feature.name;
                let message =
                    format!("feature `{name}` has ids below {below}, and the model's table for it has {rows} rows");
                let help = "is the vocabulary that of this model? `unknown-id` and `first-id` count as well";
                Diagnostic::new(SPECIFICATION, message).at(&specification).help(help)
            })
        })
        .collect();
    let of_session = features.of(Side::Session).iter().map(|&at| (&features.list()[at as usize], at as usize));
    let errors: Vec<Diagnostic> = errors
        .into_iter()
        .chain(of_session.zip(&pads).filter_map(|((feature, at), &pad)| {
            let rows = network.columns[at].rows.filter(|&rows| pad >= rows as f64)?;
            let name = &feature.name;
            let message =
                format!("feature `{name}` is filled up with {pad}, and the model's table for it has {rows} rows");
            let help = "`pad-id` is the id that stood before short sessions in training";
            Some(Diagnostic::new(SPECIFICATION, message).at(&specification).help(help))
        }))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let outputs = match network.graph.outputs() {
        [output] => network.graph.ty(*output).shape.get(1).and_then(|dim| dim.fixed()).unwrap_or(1),
        _ => 1,
    };
    let served = said.requests(&folder, &features, outputs)?;
    let has_session = !features.of(Side::Session).is_empty();
    let outputs = u32::try_from(outputs).expect("a graph that was made has fewer");
    let signature = signature(&features, if has_session { max_items } else { 1 }, outputs);
    let (files, absent) = folder.finish();
    let scorer = LoadedScorer::Network(Box::new(network.graph), served);
    Ok(LoadedRanker { scorer, features, signature, specification, files, absent })
}

/// The most columns that a network may have.
const MOST_COLUMNS: usize = 1 << 16;

fn signature(features: &Features, max_tokens: u32, outputs: u32) -> Signature {
    Signature {
        task: Task::Rank,
        max_tokens,
        outputs,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    }
}

/// What a folder says beside its model.
struct Said {
    specification: Option<String>,
    golden: Option<String>,
    requests: Option<String>,
}

impl Said {
    fn read(folder: &mut Folder) -> Result<Said, Vec<Diagnostic>> {
        let mut errors = vec![];
        let mut read = |name| text(folder, name).map_err(|error| errors.push(error)).ok().flatten();
        let (specification, golden, requests) = (read(FEATURES), read(GOLDEN), read(GOLDEN_REQUESTS));
        if errors.is_empty() { Ok(Said { specification, golden, requests }) } else { Err(errors) }
    }

    /// Where the specification of features stands: the file, or without one the metadata of the model `path`, from which it is taken then.
    fn specified(&mut self, folder: &Folder, path: &str, metadata: &BTreeMap<String, String>) -> String {
        match (&self.specification, metadata.get(METADATA)) {
            (None, Some(text)) => {
                self.specification = Some(text.clone());
                format!("{}, metadata `{METADATA}`", folder.place(path))
            }
            _ => folder.place(FEATURES),
        }
    }

    fn requests(
        &mut self,
        folder: &Folder,
        features: &Features,
        outputs: usize,
    ) -> Result<Vec<Served>, Vec<Diagnostic>> {
        let Some(text) = self.requests.take() else { return Ok(vec![]) };
        let file = TextFile { shown: folder.place(GOLDEN_REQUESTS), digest: Digest::of(text.as_bytes()), text };
        features::requests(&file, features, ("scores", outputs), OTHER_SCORES)
    }
}

fn text(folder: &mut Folder, name: &str) -> Result<Option<String>, Diagnostic> {
    let Some(bytes) = folder.read(name)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let message = format!("the file is not UTF-8: byte {} cannot stand there", error.utf8_error().valid_up_to());
        Diagnostic::new(codes::BAD_KEY, message).at(folder.place(name)).help("save it as UTF-8")
    })
}
