//! `deploy`: manifests of a service from what is locked and measured; applied to a cluster, and compared with what runs there.

mod apply;
mod facts;
mod number;
mod render;
mod selected;
mod status;
mod templates;

use crate::exit::Failure;
use crate::output::Output;
use clap::Subcommand;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy deploy render --target kubernetes --image registry.example/shop@sha256:… --output deploy/rendered
  cargo modeldeploy deploy render --target systemd --program target/release/shop
  cargo modeldeploy deploy apply --target kubernetes --image registry.example/shop --image-layout target/image --wait
  cargo modeldeploy deploy status
  cargo modeldeploy deploy templates --write deploy/templates";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What is done.
#[derive(Debug, Subcommand)]
enum Command {
    /// Write the manifests: Kubernetes, KServe, a systemd unit or a file for Compose
    Render(render::Args),
    /// Render and apply to a cluster, if it takes all of it
    Apply(apply::Args),
    /// Say what runs in a cluster, and whether it is what is stated and locked here
    Status(status::Args),
    /// List the templates, or write them to begin one's own from
    Templates(templates::Args),
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    match &args.command {
        Command::Render(args) => render::run(args, output),
        Command::Apply(args) => apply::run(args, output),
        Command::Status(args) => status::run(args, output),
        Command::Templates(args) => templates::run(args, output),
    }
}
