//! `publish`: puts a locked model into a registry, where others find it by its version.

use crate::exit::Failure;
use crate::figures;
use crate::output::Output;
use crate::progress;
use crate::sources::diagnostic;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::pipeline::{Event, STALE, UNKNOWN};
use modeldeploy_registry::artifact::Facts;
use modeldeploy_registry::{Error, Home, Kind, Options, Publication, Registry, default_registry, publish};
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy publish query-encoder                                                   the default registry
  cargo modeldeploy publish query-encoder --to oci://registry.example.com/search/query-encoder
  cargo modeldeploy publish query-encoder --to file:../models/query-encoder --dry-run";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The locked model: its files are published, and what Model.lock knows of it
    model: String,
    /// Where to: `oci://host/path/name`, `file:folder/name` or `registry:name`; without it `registry:` and the model's name
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
    /// Check everything and send nothing
    #[arg(long)]
    dry_run: bool,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let lock = workspace.lock()?;
    let selected = workspace.select(std::slice::from_ref(&args.model))?;
    let (manifest, entry) = *selected.first().expect("a selected model is there");
    let again = format!("`cargo modeldeploy lock {}` first", args.model);
    let Some(model) = lock.model(&args.model) else {
        let message = format!("model `{}` is not locked", args.model);
        return Err(Diagnostic::new(UNKNOWN, message).at(&entry.place).help(again).into());
    };
    if model.manifest != entry.digest {
        let message = format!("model `{}` is locked with other settings than its manifest has", args.model);
        return Err(Diagnostic::new(STALE, message).at(&entry.place).help(again).into());
    }
    let folder = manifest.folder(entry)?;
    let place = args.to.clone().unwrap_or_else(|| format!("registry:{}", args.model));
    let home = Home::parse(&place, Path::new(""), &default_registry())
        .map_err(|what| diagnostic(Error::new(Kind::Reference, what).at(&place)))?;
    let published = progress::during(output, |progress| -> Result<Publication, Error> {
        let registry = Registry::open(&home, &Options::default())?;
        let facts = Facts { name: home.name().to_owned(), ..Facts::of(model)? };
        let total = facts.files.len();
        let at = std::cell::Cell::new(0);
        publish(&registry, facts, &folder, args.dry_run, &|_| {
            at.set(at.get() + 1);
            progress(Event::Stage("Publishing", at.get(), total));
        })
    });
    let published = published.map_err(diagnostic)?;
    let verb = match (published.known, args.dry_run) {
        (true, _) => "Known",
        (false, true) => "Checked",
        (false, false) => "Published",
    };
    output.step(verb, format_args!("{home}@{}", published.facts.version));
    output.result(human(&published), program(&published, &home.to_string()))?;
    Ok(())
}

fn human(published: &Publication) -> String {
    let Publication { facts, digest, since, known } = published;
    let mut text = format!(
        "{} {}\n  {}, {}\n  {digest}",
        facts.name,
        facts.version,
        figures::count(facts.files.len(), "file"),
        figures::bytes(facts.size()),
    );
    if *known {
        text.push_str("\n  it was there already, the same");
    }
    if let Some((version, judged)) = since {
        let _ = write!(text, "\n  since {version}: {}", judged.level);
        judged.reasons.iter().for_each(|(level, reason)| text.push_str(&format!("\n    {level}: {reason}")));
    }
    text
}

fn program(published: &Publication, home: &str) -> serde_json::Value {
    let Publication { facts, digest, since, known } = published;
    json!({
        "name": facts.name,
        "version": facts.version.to_string(),
        "place": home,
        "digest": digest,
        "files": facts.files,
        "known": known,
        "since": since.as_ref().map(|(version, judged)| json!({
            "version": version.to_string(),
            "level": judged.level.to_string(),
            "reasons": judged.reasons.iter().map(|(level, why)| json!({"level": level.to_string(), "why": why})).collect::<Vec<_>>(),
        })),
    })
}
