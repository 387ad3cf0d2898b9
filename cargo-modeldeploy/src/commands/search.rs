//! `search`: the models of a registry and their versions.

use crate::exit::Failure;
use crate::output::Output;
use crate::sources::diagnostic;
use modeldeploy_compiler::manifest::is_remote;
use modeldeploy_registry::{Error, Home, Options, Registry, default_registry};
use serde_json::{Value, json};
use std::path::Path;

/// The most models whose versions are asked for.
const MODELS: usize = 50;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy search                                   all of the default registry
  cargo modeldeploy search encoder --in oci://registry.example.com/search
  cargo modeldeploy search oci://registry.example.com/search/query-encoder    the versions of one model";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Part of a name; or where one model lies
    what: Option<String>,
    /// The registry: `oci://host[/path]` or a folder; without it the default one
    #[arg(long = "in", value_name = "REGISTRY")]
    place: Option<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let options = Options::default();
    let default = default_registry();
    let what = args.what.as_deref().unwrap_or_default();
    let homes = if is_remote(what) {
        let home = Home::parse(what, Path::new(""), &default);
        vec![home.map_err(|wrong| diagnostic(Error::new(modeldeploy_registry::Kind::Reference, wrong).at(what)))?]
    } else {
        let place = args.place.as_deref().unwrap_or(&default);
        let homes = Registry::models(place, Path::new(""), &options).map_err(diagnostic)?;
        homes.into_iter().filter(|home| home.to_string().contains(what)).collect()
    };
    if homes.len() > MODELS {
        output.note(format_args!(
            "{} models are found; the first {MODELS} are shown: name more of the name",
            homes.len()
        ));
    }
    let mut found = vec![];
    for home in homes.iter().take(MODELS) {
        found.push(look(home, &options).map_err(diagnostic)?);
    }
    if found.is_empty() {
        output.note("nothing is found");
    }
    let lines: Vec<String> = found.iter().map(line).collect();
    output.result(lines.join("\n"), &found)?;
    Ok(())
}

/// A model with its versions, newest first.
fn look(home: &Home, options: &Options) -> Result<Value, Error> {
    let registry = Registry::open(home, options)?;
    let mut versions = vec![];
    for listed in registry.versions()?.iter().rev() {
        let yanked = registry.yanked(listed)?;
        versions.push(json!({"version": listed.version.to_string(), "yanked": yanked}));
    }
    Ok(json!({"name": home.name(), "place": home.to_string(), "versions": versions}))
}

fn line(found: &Value) -> String {
    let text = |value: &Value| -> String {
        value.as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect()
    };
    let versions = found["versions"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|it| match &it["yanked"] {
        Value::Null => text(&it["version"]),
        reason => format!("{} (yanked: {})", text(&it["version"]), text(reason)),
    });
    let versions: Vec<String> = versions.collect();
    let versions = if versions.is_empty() { "no versions".into() } else { versions.join(", ") };
    format!("{}  {versions}", text(&found["place"]))
}
