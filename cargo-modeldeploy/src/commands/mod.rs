//! The commands: a module each, with its `Args` and its `run`.

mod add;
mod audit;
pub(crate) mod build;
mod check;
mod clean;
mod completions;
mod deploy;
mod diff;
mod eval;
mod explain;
mod fetch;
mod image;
mod init;
mod inspect;
mod keygen;
mod lock;
mod login;
mod provenance;
mod publish;
mod remove;
mod rollback;
mod run;
mod sbom;
mod search;
mod semver_check;
mod sign;
mod test;
mod update;
mod verify;
mod yank;

pub(crate) use build::not_static;

use crate::exit::Failure;
use crate::output::Output;
use clap::Subcommand;

/// The commands, in the order in which a user meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prepare a package for models
    Init(init::Args),
    /// Name a model in a package's manifest
    Add(add::Args),
    /// Take a model out of its manifest
    Remove(remove::Args),
    /// Compress, measure and pin the models: writes Model.lock
    Lock(lock::Args),
    /// Move the pins of models from registries, and say what that changes
    Update(update::Args),
    /// Go back to the pin that a model had before
    Rollback(rollback::Args),
    /// Bring what the lock pins into the store, for work offline
    Fetch(fetch::Args),
    /// Make what the lock pins and call `cargo build`
    Build(build::Args),
    /// Make what the lock pins and call `cargo run`, in release
    Run(run::Args),
    /// Make what the lock pins and call `cargo test`
    Test(test::Args),
    /// Call `cargo check`: models are known by the lock, no weights are needed
    Check(check::Args),
    /// Show what is in a model's folder, a pack or a locked model
    Inspect(inspect::Args),
    /// Compare two locks, packs or models, tensor by tensor
    Diff(diff::Args),
    /// Say whether a change of a model is patch, minor or major
    SemverCheck(semver_check::Args),
    /// Put a locked model into a registry
    Publish(publish::Args),
    /// List the models of a registry
    Search(search::Args),
    /// Take a version out of what ranges resolve to
    Yank(yank::Args),
    /// Prove a name and a password to a registry, and keep them
    Login(login::Args),
    /// Say which models are inside a program or an image, and prove it
    Audit(audit::Args),
    /// Write a program's bill of materials, CycloneDX or SPDX
    Sbom(sbom::Args),
    /// Build a static program and write it and its weights as a container image
    Image(image::Args),
    /// Say how a program was built, as SLSA's provenance
    Provenance(provenance::Args),
    /// Make a pair of keys to sign with
    Keygen(keygen::Args),
    /// Sign a program, a lock, a pack or a model's folder
    Sign(sign::Args),
    /// Prove who has signed a file or a model, or that sources make a program
    Verify(verify::Args),
    /// Write a service's manifests, apply them, and compare what runs with what is locked
    Deploy(deploy::Args),
    /// Measure a model on a suite: the f32 reference and the pack, side by side
    Eval(eval::Args),
    /// Say what an error means and what to do
    Explain(explain::Args),
    /// Drop what no lock names from the store
    Clean(clean::Args),
    /// Write completions for a shell
    Completions(completions::Args),
}

/// Runs a command.
pub(crate) fn run(command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(&args, output),
        Command::Add(args) => add::run(&args, output),
        Command::Remove(args) => remove::run(&args, output),
        Command::Lock(args) => lock::run(&args, output),
        Command::Update(args) => update::run(&args, output),
        Command::Rollback(args) => rollback::run(&args, output),
        Command::Fetch(args) => fetch::run(&args, output),
        Command::Build(args) => build::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::Test(args) => test::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Inspect(args) => inspect::run(&args, output),
        Command::Diff(args) => diff::run(&args, output),
        Command::SemverCheck(args) => semver_check::run(&args, output),
        Command::Publish(args) => publish::run(&args, output),
        Command::Search(args) => search::run(&args, output),
        Command::Yank(args) => yank::run(&args, output),
        Command::Login(args) => login::run(&args, output),
        Command::Audit(args) => audit::run(&args, output),
        Command::Sbom(args) => sbom::run(&args, output),
        Command::Image(args) => image::run(&args, output),
        Command::Provenance(args) => provenance::run(&args, output),
        Command::Keygen(args) => keygen::run(&args, output),
        Command::Sign(args) => sign::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Deploy(args) => deploy::run(&args, output),
        Command::Eval(args) => eval::run(&args, output),
        Command::Clean(args) => clean::run(&args, output),
        Command::Explain(args) => explain::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
    }
}
