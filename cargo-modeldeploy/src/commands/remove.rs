//! `remove`: takes a model, and the indexes that it makes, out of the manifest that names them.

use crate::exit::Failure;
use crate::output::Output;
use crate::workspace::Workspace;
use cargo_metadata::Package;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::manifest::{TWICE, UNREADABLE, remove_model};
use modeldeploy_compiler::store::write_atomically;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy remove query-encoder
  cargo modeldeploy remove query-encoder --package shop";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model's name
    name: String,
    /// The package whose manifest names it; without it the one that does
    #[arg(long, short)]
    package: Option<String>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// A manifest without the model.
struct Rest<'w> {
    package: &'w Package,
    text: String,
    indexes: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?;
    let packages = match &args.package {
        Some(name) => vec![workspace.package(Some(name))?],
        None => workspace.packages().iter().collect(),
    };
    let Rest { package, text, indexes } = rest(args, &workspace, packages)?;
    let (path, shown) = (package.manifest_path.as_std_path(), package.manifest_path.as_str());
    write_atomically(path, text.as_bytes())?;
    output.step("Removed", format_args!("model `{}` from {shown}", args.name));
    indexes.iter().for_each(|index| output.step("Removed", format_args!("index `{index}`, which it made")));
    let dependents = dependents(&workspace, &args.name);
    for ranker in &dependents {
        output.note(format_args!(
            "`{ranker}` takes embeddings of `{name}`, and is not locked without it: name another encoder in its features.toml, or remove it",
            name = args.name
        ));
    }
    if dependents.is_empty() {
        output.note("`cargo modeldeploy lock` brings Model.lock up to date");
    }
    output
        .result("", json!({"removed": args.name, "indexes": indexes, "dependents": dependents, "manifest": shown}))?;
    Ok(())
}

/// The rankers of the workspace that were locked against embeddings of a model. Without a lock that can be read nothing is known of them.
fn dependents(workspace: &Workspace, name: &str) -> Vec<String> {
    let Ok(models) = workspace.models() else { return vec![] };
    let locked = models.lock().map(|lock| lock.models).unwrap_or_default();
    let takes = locked.into_iter().filter(|model| model.signature.embeddings().any(|of| of.model == name));
    takes.map(|model| model.name).filter(|name| models.select(std::slice::from_ref(name)).is_ok()).collect()
}

/// The only one of these packages whose manifest has the model. What else is wrong with a manifest is no matter here: the model that
/// is to go may be what is wrong.
fn rest<'w>(args: &Args, workspace: &Workspace, packages: Vec<&'w Package>) -> Result<Rest<'w>, Failure> {
    let (mut found, mut errors) = (vec![], vec![]);
    for package in packages {
        let shown = package.manifest_path.as_str();
        let text = std::fs::read_to_string(&package.manifest_path)
            .map_err(|error| Diagnostic::new(UNREADABLE, format!("the manifest cannot be read: {error}")).at(shown))?;
        match remove_model(&text, shown, &args.name) {
            Ok((text, indexes)) => found.push(Rest { package, text, indexes }),
            Err(error) => errors.push(error),
        }
    }
    match (found.len(), args.package.is_some()) {
        (1, _) => Ok(found.remove(0)),
        (0, true) => Err(errors.into()),
        (0, false) => {
            // Gives the error with the names that there are.
            workspace.models()?.select(std::slice::from_ref(&args.name))?;
            Err(errors.into())
        }
        _ => {
            let names: Vec<String> = found.iter().map(|rest| format!("`{}`", rest.package.name)).collect();
            let message = format!("several packages have a model `{}`: {}", args.name, names.join(", "));
            Err(Diagnostic::new(TWICE, message)
                .at(workspace.root().display().to_string())
                .help(format!("name one with `--package {}`", found[0].package.name))
                .into())
        }
    }
}
