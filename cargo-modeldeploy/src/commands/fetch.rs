//! `fetch`: brings what the lock pins into the store, or any model of a registry into a folder.

use crate::exit::Failure;
use crate::figures;
use crate::output::Output;
use crate::progress;
use crate::sources::{self, Want, diagnostic};
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::manifest::is_remote;
use modeldeploy_compiler::pipeline::Event;
use modeldeploy_compiler::store::IO;
use modeldeploy_registry::hub::Hub;
use modeldeploy_registry::{Options, Pin, Registry, Shelf, Source, Wish, default_registry, resolve};
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy fetch                  what Model.lock pins; then everything works offline
  cargo modeldeploy fetch query-encoder
  cargo modeldeploy fetch oci://registry.example.com/search/query-encoder@^1.2 --to models/query-encoder";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The models, without any all that are locked; with `--to` a reference
    models: Vec<String>,
    /// Put the files of a reference into this folder, which must not be there
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Some(to) = &args.to {
        return copy(args, to, output);
    }
    let mut workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let lock = workspace.lock()?;
    let names: Vec<String> = workspace
        .select(&args.models)?
        .into_iter()
        .filter(|(_, entry)| is_remote(&entry.source) && lock.model(&entry.name).is_some_and(|it| it.origin.is_some()))
        .map(|(_, entry)| entry.name.clone())
        .collect();
    if names.is_empty() {
        output.note("nothing is to be fetched: no locked model comes from a registry or a hub");
    } else {
        sources::settle(&mut workspace, &names, Want::Pinned, output)?;
        output.step("Fetched", names.join(", "));
    }
    output.result("", json!({"fetched": names}))?;
    Ok(())
}

/// Puts a reference's files into a folder, outside of any workspace.
fn copy(args: &Args, to: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    let [reference] = args.models.as_slice() else {
        let message = "`--to` wants one reference, such as `oci://host/name@^1.2`";
        return Err(Diagnostic::new(sources::UNCHANGED, message).help("name the reference before it").into());
    };
    let written = |error: std::io::Error| {
        Diagnostic::new(IO, format!("the folder cannot be written: {error}")).at(to.display().to_string())
    };
    if to.exists() {
        let error = Diagnostic::new(IO, "the folder is there already").at(to.display().to_string());
        return Err(error.help("name another, or remove it").into());
    }
    let source = Source::parse(reference, Path::new(""), &default_registry()).map_err(diagnostic)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(written)?;
    let draft = tempfile::Builder::new().prefix(".modeldeploy-").tempdir_in(parent).map_err(written)?;
    let (shelf, options) = (Shelf::new(draft.path()), Options::default());
    let pin = progress::during(output, |progress| -> Result<Pin, modeldeploy_registry::Error> {
        let heard = |done: u64, total: u64| progress(Event::Stage("Fetching", done as usize, total as usize));
        match &source {
            Source::Registry(reference) => {
                let registry = Registry::open(&reference.home, &options)?;
                let resolved = resolve(&registry, &Wish::Newest(&reference.range))?;
                resolved.passed_over.iter().for_each(|said| progress(Event::Note(said)));
                modeldeploy_registry::fetch(&registry, &resolved.facts, &resolved.digest, &shelf, &options, &heard)
            }
            Source::Hub { repository, revision } => {
                Hub::from_env().fetch(repository, revision, &shelf, &options, &heard)
            }
        }
    });
    let pin = pin.map_err(diagnostic)?;
    std::fs::rename(shelf.folder(&pin.tree), to).map_err(written)?;
    let version = pin.version.as_deref().unwrap_or(&pin.revision);
    output.step("Fetched", format_args!("{reference}: {version} into {}", to.display()));
    let files = walk(to).map_err(written)?;
    output.step("Proved", format_args!("{}, {}", figures::count(files.0, "file"), figures::bytes(files.1)));
    output.result(
        "",
        json!({"reference": reference, "version": pin.version, "revision": pin.revision, "tree": pin.tree}),
    )?;
    Ok(())
}

/// How many files a folder has, and their bytes.
fn walk(folder: &Path) -> std::io::Result<(usize, u64)> {
    let (mut count, mut size) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let facts = entry.metadata()?;
        if facts.is_dir() {
            let (more, bytes) = walk(&entry.path())?;
            (count, size) = (count + more, size + bytes);
        } else {
            (count, size) = (count + 1, size + facts.len());
        }
    }
    Ok((count, size))
}
