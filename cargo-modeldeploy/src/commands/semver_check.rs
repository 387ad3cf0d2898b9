//! `semver-check`: whether the step from one version of a model to another is patch, minor or major, and why.

use crate::exit::Failure;
use crate::output::Output;
use crate::sources::diagnostic;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::manifest::is_remote;
use modeldeploy_compiler::pipeline::BAD_LOCK;
use modeldeploy_format::lock::Lock;
use modeldeploy_registry::artifact::Facts;
use modeldeploy_registry::compatible::{Judgement, judge, promised};
use modeldeploy_registry::{Options, Registry, Source, Wish, default_registry, resolve};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A number that promises less than what differs.
const PROMISE: Code = Code("MD1512");
/// What cannot be compared.
pub(crate) const NOTHING: Code = Code("MD1513");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy semver-check registry:query-encoder@1.2.0 query-encoder    what is published and what is locked
  cargo modeldeploy semver-check old/Model.lock Model.lock --model query-encoder
  cargo modeldeploy semver-check oci://registry.example.com/encoder@=1.2.0 oci://registry.example.com/encoder@=1.3.0

It fails where the new number promises less than what differs; `docs/registry.md` has the rules.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The old version: a locked model, a Model.lock, or a reference to a registry
    old: String,
    /// The new version, likewise
    new: String,
    /// Which model of a Model.lock, where it has several
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let [old, new] = [&args.old, &args.new].map(|what| facts(what, args));
    let (old, new) = (old?, new?);
    let judged = judge(&old, &new);
    let promised = promised(&old.version, &new.version);
    output.result(human(&old, &new, &judged), program(&old, &new, &judged, &promised.to_string()))?;
    if judged.level > promised && new.version.pre.is_empty() {
        let message = format!(
            "the step from {} to {} promises {promised} changes, and these are {}",
            old.version, new.version, judged.level
        );
        let help = "give the new one a greater number, or change it so that it keeps the promise";
        return Err(Diagnostic::new(PROMISE, message).at(&args.new).help(help).into());
    }
    Ok(())
}

/// What is known of one side.
fn facts(what: &str, args: &Args) -> Result<Facts, Failure> {
    if is_remote(what) {
        let source = Source::parse(what, Path::new(""), &default_registry()).map_err(diagnostic)?;
        let Source::Registry(reference) = source else {
            let message = "a hub says nothing of what its models take and give";
            return Err(Diagnostic::new(NOTHING, message)
                .at(what)
                .help("lock the model, and compare the locks")
                .into());
        };
        let registry = Registry::open(&reference.home, &Options::default()).map_err(diagnostic)?;
        return Ok(resolve(&registry, &Wish::Newest(&reference.range)).map_err(diagnostic)?.facts);
    }
    let (lock, name) = if Path::new(what).is_file() {
        (read(what)?, args.model.clone())
    } else {
        (Workspace::find(args.manifest_path.as_deref())?.models()?.lock()?, Some(what.to_owned()))
    };
    let found = match (&name, lock.models.as_slice()) {
        (Some(name), _) => lock.model(name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(model) = found else {
        let names: Vec<String> = lock.models.iter().map(|model| format!("`{}`", model.name)).collect();
        let message = match &name {
            Some(name) => format!("no model `{name}` is locked"),
            None => "the lock has not one model".into(),
        };
        let help = format!("it has {}: name one with `--model`", names.join(", "));
        return Err(Diagnostic::new(NOTHING, message).at(what).help(help).into());
    };
    Ok(Facts::of(model).map_err(diagnostic)?)
}

/// A lock that lies anywhere.
pub(crate) fn read(path: &str) -> Result<Lock, Diagnostic> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Diagnostic::new(BAD_LOCK, format!("the lock cannot be read: {error}")).at(path))?;
    Lock::parse(&text).map_err(|error| Diagnostic::new(BAD_LOCK, error.to_string()).at(path).help(error.help()))
}

fn human(old: &Facts, new: &Facts, judged: &Judgement) -> String {
    let mut text = format!("{} {} → {}: {}", new.name, old.version, new.version, judged.level);
    if judged.reasons.is_empty() {
        text.push_str("\n  nothing differs");
    }
    judged.reasons.iter().for_each(|(level, reason)| text.push_str(&format!("\n  {level}: {reason}")));
    text
}

fn program(old: &Facts, new: &Facts, judged: &Judgement, promised: &str) -> serde_json::Value {
    let reasons = judged.reasons.iter().map(|(level, why)| json!({"level": level.to_string(), "why": why}));
    json!({
        "old": old.version.to_string(),
        "new": new.version.to_string(),
        "level": judged.level.to_string(),
        "promised": promised,
        "reasons": reasons.collect::<Vec<_>>(),
    })
}
