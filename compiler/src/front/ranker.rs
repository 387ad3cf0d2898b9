//! A ranker's folder: one file of trees, `features.toml` if its features are more than numbers, and `golden.tsv` if its maker says
//! what some candidates must get.

use super::folder::Folder;
use super::{SourceFile, codes};
use crate::diagnostic::Diagnostic;
use crate::features::{self, Column, Expected};
use crate::trees::{self, Ensemble};
use modeldeploy_format::features::Features;
use modeldeploy_format::{Signature, Task};
use std::path::Path;

/// The names that a file of trees may have.
const TREES: [&str; 6] = ["model.txt", "model.json", "model.ubj", "model.model", "model.bin", "model.pkl"];

const FEATURES: &str = "features.toml";
const GOLDEN: &str = "golden.tsv";

/// A ranker that was read.
#[derive(Clone, Debug)]
pub struct LoadedRanker {
    /// Its trees.
    pub ensemble: Ensemble,
    /// What a service gives, and what becomes of it.
    pub features: Features,
    /// What its maker says of some candidates.
    pub expected: Vec<Expected>,
    /// What it takes and gives.
    pub signature: Signature,
    /// Every file that was read, sorted by path.
    pub files: Vec<SourceFile>,
    /// The paths of files that were looked for and not there, sorted.
    pub absent: Vec<String>,
}

/// Reads a ranker's folder.
///
/// # Errors
///
/// All that is wrong with it: `MD01xx` for the folder, `MD16xx` for trees and features.
pub fn load_ranker(dir: &Path) -> Result<LoadedRanker, Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    let mut folder = Folder::open(dir).map_err(one)?;
    let there: Vec<&str> = TREES.into_iter().filter(|name| folder.has(name)).collect();
    let &[name] = there.as_slice() else {
        let root = folder.root().display().to_string();
        let (message, help) = if there.is_empty() {
            let help = "LightGBM: `booster.save_model(\"model.txt\")`; XGBoost: `booster.save_model(\"model.ubj\")`";
            (format!("the folder has no file of trees: {}", TREES.join(", ")), help)
        } else {
            (format!("the folder has several files of trees: {}", there.join(", ")), "leave the one that is meant")
        };
        return Err(vec![Diagnostic::new(codes::NO_FILE, message).at(root).help(help)]);
    };
    let mut errors = vec![];
    let bytes = folder.map(name).map_err(one)?;
    let ensemble = trees::read(&folder.place(name), bytes.bytes())?;
    let (specification, golden) = (text(&mut folder, FEATURES), text(&mut folder, GOLDEN));
    let mut keep = |text: Result<Option<String>, Diagnostic>| text.map_err(|error| errors.push(error)).ok().flatten();
    let (specification, golden) = (keep(specification), keep(golden));
    if !errors.is_empty() {
        return Err(errors);
    }
    let columns: Vec<Column> = ensemble.features.iter().map(|name| Column::number(name)).collect();
    let features = features::features(&folder.place(FEATURES), specification.as_deref(), &columns)?;
    let expected = match &golden {
        Some(text) => features::expected(&folder.place(GOLDEN), text, &features, ensemble.outputs())?,
        None => vec![],
    };
    let (files, absent) = folder.finish();
    let signature = Signature {
        task: Task::Rank,
        max_tokens: 1,
        outputs: u32::try_from(ensemble.outputs()).expect("an ensemble that was checked has fewer"),
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    Ok(LoadedRanker { ensemble, features, expected, signature, files, absent })
}

fn text(folder: &mut Folder, name: &str) -> Result<Option<String>, Diagnostic> {
    let Some(bytes) = folder.read(name)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let message = format!("the file is not UTF-8: byte {} cannot stand there", error.utf8_error().valid_up_to());
        Diagnostic::new(codes::BAD_KEY, message).at(folder.place(name)).help("save it as UTF-8")
    })
}
