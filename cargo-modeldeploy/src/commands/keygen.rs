//! `keygen`: a pair of keys to sign with, in files that every tool reads.

use crate::exit::Failure;
use crate::output::Output;
use clap::ValueEnum;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_trust::keys::{Algorithm, SecretKey, write_pair};
use serde_json::json;
use std::path::PathBuf;

/// Files of keys that cannot be written.
const WRITTEN: Code = Code("MD1109");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy keygen keys/ml-team                          keys/ml-team.key and keys/ml-team.pub
  cargo modeldeploy keygen keys/release --algorithm ed25519      programs, locks and packs alone";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the files are called, without their endings; none is ever overwritten
    name: PathBuf,
    /// What it signs with; models are signed by p256 alone
    #[arg(long, value_enum, default_value = "p256")]
    algorithm: Kind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// ECDSA on P-256 with SHA-256
    P256,
    /// Ed25519
    Ed25519,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let algorithm = match args.algorithm {
        Kind::P256 => Algorithm::P256,
        Kind::Ed25519 => Algorithm::Ed25519,
    };
    let failed = |why: String| {
        let help = "name files that are not there yet: who has signed by an older key signs by that one still";
        Diagnostic::new(WRITTEN, why).at(args.name.display().to_string()).help(help)
    };
    let (key, pem) = SecretKey::generate(algorithm).map_err(|refusal| failed(refusal.to_string()))?;
    let pair = write_pair(&args.name, &pem, key.public());
    let [secret, public] = pair.map_err(|error| failed(format!("the keys cannot be written: {error}")))?;
    let id = key.public().id();
    output.note("keep the private key out of git and to yourself: who has it signs as you");
    output.result(
        format_args!("{algorithm} key {id}\n  private {}\n  public  {}", secret.display(), public.display()),
        json!({"keyid": id.0, "algorithm": algorithm.name(), "private": secret, "public": public}),
    )?;
    Ok(())
}
