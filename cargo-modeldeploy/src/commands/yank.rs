//! `yank`: no range resolves to a version any more; who has it pinned keeps it.

use crate::exit::Failure;
use crate::output::Output;
use crate::sources::diagnostic;
use modeldeploy_registry::{Error, Home, Kind, Options, Registry, default_registry};
use semver::Version;
use serde_json::json;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy yank oci://registry.example.com/search/query-encoder@1.3.0 --reason 'wrong labels'
  cargo modeldeploy yank registry:query-encoder@1.3.0 --undo";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model and its version, `…@1.3.0`
    reference: String,
    /// Why, for who asks for it
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Take a yank back
    #[arg(long, conflicts_with = "reason")]
    undo: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let wrong = |what: String| {
        diagnostic(Error::new(Kind::Reference, what).at(&args.reference).help("write it as `oci://host/name@1.2.3`"))
    };
    let (place, version) =
        args.reference.rsplit_once('@').ok_or_else(|| wrong("the reference names no version".into()))?;
    let version = Version::parse(version).map_err(|error| wrong(format!("`{version}` is not a version: {error}")))?;
    let home = Home::parse(place, Path::new(""), &default_registry()).map_err(wrong)?;
    let registry = Registry::open(&home, &Options::default()).map_err(diagnostic)?;
    let reason = (!args.undo).then_some(args.reason.as_str());
    registry.yank(&version, reason).map_err(diagnostic)?;
    let verb = if args.undo { "Restored" } else { "Yanked" };
    output.step(verb, format_args!("{home}@{version}"));
    output.result("", json!({"place": home.to_string(), "version": version.to_string(), "yanked": reason}))?;
    Ok(())
}
