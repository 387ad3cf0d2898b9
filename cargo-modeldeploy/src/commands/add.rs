//! `add`: names a model in a package's manifest: a folder once it has been read, a registry's or a hub's as `lock` will fetch it.

use crate::exit::Failure;
use crate::output::Output;
use crate::sources;
use crate::workspace::Workspace;
use cargo_metadata::semver::Version;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use modeldeploy_compiler::compress::Precision;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::front::{LoadOptions, Loaded, RankerOptions, codes, load, load_ranker};
use modeldeploy_compiler::manifest::{Manifest, ModelEntry, NAMES, TWICE, UNREADABLE, add_model, is_name, is_remote};
use modeldeploy_compiler::pipeline;
use modeldeploy_compiler::store::write_atomically;
use modeldeploy_format::features::MOST_TOGETHER;
use modeldeploy_format::{Digest, Signature, Task};
use modeldeploy_registry::{Source, default_registry};
use serde_json::json;
use std::path::{Component, Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy add ../all-MiniLM-L6-v2 --name query-encoder --task embed
  cargo modeldeploy add oci://registry.example.com/search/encoder@^1.2 --name query-encoder --task embed
  cargo modeldeploy add models/ranker --name ranker --task score --package shop --quantize bf16";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model's folder, as Hugging Face's libraries write it; or `oci://host/name@^1.2`, `hf:organisation/name@revision` and the like
    source: String,
    /// The name that `#[model("…")]` uses
    #[arg(long, value_parser = name)]
    name: String,
    /// What it is for
    #[arg(long, value_enum)]
    task: TaskName,
    /// The package whose manifest names it; without it that of the current folder
    #[arg(long, short)]
    package: Option<String>,
    /// How its weights are stored; int8 where it is not given, and trees as they are
    #[arg(long, value_parser = Precision::ALL.map(Precision::name))]
    quantize: Option<String>,
    /// Its licence, as an SPDX expression
    #[arg(long)]
    license: Option<String>,
    /// Its own version; a registry's model has one there
    #[arg(long, default_value = "0.1.0", value_parser = version)]
    model_version: String,
    /// The most tokens of a text, without it the model's own limit; or the most items of a session, without it 50
    #[arg(long, value_name = "TOKENS", visible_alias = "max-length")]
    max_tokens: Option<u32>,
    /// The most candidates that a ranker's network scores together, without it 256; the size of its batch where that is fixed
    #[arg(long, value_name = "CANDIDATES", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TOGETHER)))]
    max_batch: Option<u32>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// A task, as the command line names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskName(pub(crate) Task);

impl ValueEnum for TaskName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [TaskName; 4] =
            [TaskName(Task::Embed), TaskName(Task::Score), TaskName(Task::Classify), TaskName(Task::Rank)];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self.0 {
            Task::Embed => "A text to a vector",
            Task::Score => "A query and a document to a relevance",
            Task::Classify => "A text to a score for each label",
            Task::Rank => "The features of candidates to a score for each",
            _ => return None,
        };
        Some(PossibleValue::new(self.0.name()).help(help))
    }
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?;
    free(&workspace.models()?, &args.name)?;
    let package = workspace.package(args.package.as_deref())?;
    let path = package.manifest_path.as_std_path();
    let shown = path.display().to_string();
    let unreadable =
        |error: std::io::Error| Diagnostic::new(UNREADABLE, format!("the manifest cannot be read: {error}")).at(&shown);
    let text = std::fs::read_to_string(path).map_err(unreadable)?;

    let options = LoadOptions { max_tokens: args.max_tokens, ..LoadOptions::new(args.task.0) };
    let package_folder = path.parent().unwrap_or(Path::new(""));
    let (source, loaded) = if is_remote(&args.source) {
        Source::parse(&args.source, package_folder, &default_registry()).map_err(sources::diagnostic)?;
        (args.source.clone(), None)
    } else {
        let folder = Path::new(&args.source);
        let loaded = read(folder, &options, args.max_batch).map_err(|errors| named_by_flag(args, errors))?;
        let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let package_folder = std::fs::canonicalize(package_folder).unwrap_or_else(|_| package_folder.to_owned());
        (relative(&folder, &package_folder), Some(loaded))
    };
    let entry = ModelEntry {
        name: args.name.clone(),
        source,
        origin: None,
        task: args.task.0,
        version: args.model_version.clone(),
        license: args.license.clone(),
        released: None,
        quantize: match (&args.quantize, args.task.0) {
            (None, Task::Rank) => vec![],
            (precision, _) => {
                vec![("default".into(), precision.clone().unwrap_or_else(|| Precision::Int8.name().into()))]
            }
        },
        gate: None,
        max_tokens: args.max_tokens,
        max_batch: args.max_batch,
        calibration: None,
        place: shown.clone(),
        digest: Digest::from_bytes([0; 32]),
    };
    let text = add_model(&text, &shown, &entry)?;
    Manifest::parse(path, &shown, &text)?;
    write_atomically(path, text.as_bytes())?;

    let what = match &loaded {
        Some(Read { signature, architecture, .. }) => {
            format!("`{}` ({architecture}, {} → {} values) in {shown}", entry.name, signature.task, signature.outputs)
        }
        None => format!("`{}` ({}) in {shown}", entry.name, entry.source),
    };
    output.step("Added", what);
    loaded.iter().flat_map(|loaded| &loaded.notes).for_each(|note| output.note(note));
    if loaded.is_some() || args.license.is_some() {
        note_license(args.license.as_deref(), output);
    }
    if !package.dependencies.iter().any(|dependency| dependency.name == "modeldeploy") {
        let version = env!("CARGO_PKG_VERSION");
        output.note(format_args!("the package does not depend on modeldeploy yet: `cargo add modeldeploy@{version}`"));
    }
    let fetches = if loaded.is_some() { "" } else { "fetches, " };
    output.note(format_args!("`cargo modeldeploy lock` {fetches}compresses, measures and pins it next"));
    output.result(
        "",
        json!({
            "name": entry.name,
            "manifest": shown,
            "source": entry.source,
            "architecture": loaded.as_ref().map(|loaded| &loaded.architecture),
            "signature": loaded.as_ref().map(|loaded| &loaded.signature),
            "notes": loaded.as_ref().map_or(&[][..], |loaded| &loaded.notes),
        }),
    )?;
    Ok(())
}

/// What a folder was read as.
struct Read {
    architecture: String,
    signature: Signature,
    notes: Vec<String>,
}

fn read(folder: &Path, options: &LoadOptions, max_batch: Option<u32>) -> Result<Read, Vec<Diagnostic>> {
    if options.task == Task::Rank {
        let loaded = load_ranker(folder, RankerOptions { max_items: options.max_tokens, max_batch })?;
        let architecture = loaded.architecture();
        return Ok(Read { architecture, signature: loaded.signature, notes: vec![] });
    }
    let Loaded { architecture, signature, notes, .. } = load(folder, options)?;
    Ok(Read { architecture, signature, notes })
}

fn name(text: &str) -> Result<String, &'static str> {
    if is_name(text) { Ok(text.to_owned()) } else { Err(NAMES) }
}

fn version(text: &str) -> Result<String, String> {
    Version::parse(text).map(|_| text.to_owned()).map_err(|error| format!("{error}: write it as 1.2.3"))
}

/// What was given as a flag is not in the folder, where the reader of a manifest would look for it.
fn named_by_flag(args: &Args, mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if let Some(tokens) = args.max_tokens {
        let of_tokens = errors.iter_mut().filter(|error| error.code == codes::TOO_MANY_TOKENS);
        of_tokens.for_each(|error| error.place = Some(format!("--max-tokens {tokens}")));
    }
    errors
}

/// Notes a licence that nobody stated, or that no list of licences has.
fn note_license(license: Option<&str>, output: &mut Output<'_>) {
    match license {
        None => output.note("its licence is not stated: `license = \"…\"` in its entry is an SPDX expression"),
        Some(license) => {
            if let Err(error) = spdx::Expression::parse(license) {
                output.note(format_args!(
                    "`{license}` is not an SPDX expression ({}): https://spdx.org/licenses lists the names, and `LicenseRef-…` is a \
                     licence of your own",
                    error.reason
                ));
            }
        }
    }
}

/// Refuses a name that a model of the workspace has: they share one lock.
fn free(models: &pipeline::Workspace, name: &str) -> Result<(), Diagnostic> {
    match models.models().into_iter().find(|(_, entry)| entry.name == name) {
        None => Ok(()),
        Some((manifest, entry)) => {
            Err(Diagnostic::new(TWICE, format!("package `{}` has a model `{name}` already", manifest.package))
                .at(&entry.place)
                .help(format!("choose another `--name`, or `cargo modeldeploy remove {name}` first")))
        }
    }
}

/// `path` as seen from `base`, with `/`; both are absolute.
fn relative(path: &Path, base: &Path) -> String {
    let (path, base): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (path.components().collect(), base.components().collect());
    let shared = path.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let up = base[shared..].iter().map(|_| "..".to_owned());
    let down = path[shared..].iter().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_seen_from_the_manifest() {
        for (path, base, expected) in [
            ("/a/b/model", "/a/b", "model"),
            ("/a/model", "/a/b/shop", "../../model"),
            ("/m", "/a", "../m"),
            ("/a", "/a", "."),
            ("/a/models/x y", "/a", "models/x y"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(base)), expected);
        }
    }
}
