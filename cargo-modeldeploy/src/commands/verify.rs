//! `verify`: who has signed a file or a model's folder, proved; and that what they signed is this, or that sources make it.

use super::audit;
use super::sign::{PROGRAM, beside_model, kind};
use crate::believed::{Believed, OTHER, believed, beside, read, refused_signature, trusted};
use crate::built::{different, own_statement};
use crate::exit::Failure;
use crate::figures::count;
use crate::output::Output;
use crate::rebuild::rebuild;
use crate::settings::{self, Settings};
use modeldeploy_audit::Audit;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::map;
use modeldeploy_format::Digest;
use modeldeploy_trust::Refusal;
use modeldeploy_trust::keys::TrustedKey;
use modeldeploy_trust::model_signing::{Bundle, FILE_NAME, Trusted, compare, verify};
use modeldeploy_trust::provenance::contradiction;
use modeldeploy_trust::statement::Statement;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A model that is not as it was signed.
const MODEL: Code = Code("MD1115");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy verify target/release/shop --key keys/release.pub
  cargo modeldeploy verify target/release/shop --lock Model.lock     by the keys of modeldeploy.toml, and of this lock
  cargo modeldeploy verify models/query-encoder --key keys/ml-team.pub
  cargo modeldeploy verify models/query-encoder --certificate keys/ca.pem --ignore-unsigned-files
  cargo modeldeploy verify target/release/shop --rebuild             built again from these sources, it has the same bytes";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, lock, pack or index; or a model: its folder, or its only file with `--model-signature`
    file: PathBuf,
    /// The file of signatures, if not the one beside it
    #[arg(long, value_name = "PATH", conflicts_with = "model_signature")]
    signature: Option<PathBuf>,
    /// A public key that is trusted; without any, those of modeldeploy.toml
    #[arg(long = "key", value_name = "PUB")]
    keys: Vec<PathBuf>,
    /// How many of the keys must have signed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    threshold: Option<u8>,
    /// The lock that the program must have been built from
    #[arg(long, value_name = "PATH")]
    lock: Option<PathBuf>,
    /// The signature of a model, if it is not `model.sig` in its folder
    #[arg(long, value_name = "PATH")]
    model_signature: Option<PathBuf>,
    /// A root certificate that is trusted to vouch for who signs models
    #[arg(long = "certificate", value_name = "PEM")]
    certificates: Vec<PathBuf>,
    /// Pass over files of a model's folder that were not signed
    #[arg(long)]
    ignore_unsigned_files: bool,
    /// Build the program again from the sources of this workspace, in a fresh folder, and compare every byte; signatures are asked
    /// for only where `--key` or `--signature` is given
    #[arg(long, conflicts_with = "model_signature")]
    rebuild: bool,
    /// Where to build; it must be new or empty, and is kept
    #[arg(long, value_name = "FOLDER", requires = "rebuild")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    if args.file.is_dir() || args.model_signature.is_some() {
        return model(args, output);
    }
    if args.rebuild {
        again(args, output)?;
        if args.keys.is_empty() && args.signature.is_none() {
            return Ok(());
        }
    }
    let bytes = map(&args.file)?;
    let digest = Digest::of(bytes.bytes());
    let kind = kind(bytes.bytes());
    let audited = if kind == PROGRAM { Some(audit::prove_program(&args.file)?.1) } else { None };
    if let Some(path) = &args.lock {
        of_lock(path, audited.as_ref(), &args.file)?;
    }
    let path = args.signature.clone().unwrap_or_else(|| beside(&args.file));
    let trusted = trusted(&args.keys, args.threshold.map(usize::from))?;
    let found = believed(&path, || digest, &trusted)?;
    let (keys, statements) = proved(&found, &path, &trusted)?;
    if let Some(audited) = &audited {
        of_build(&args.file, digest, audited, statements, &path)?;
    }
    let said: Vec<String> = statements.iter().map(said).collect();
    let human = format!("{}: {}\n  {kind} {digest}\n  {}", args.file.display(), found.said(), said.join("\n  "));
    let facts: Vec<_> =
        statements.iter().map(|it| json!({"predicateType": it.predicate_type, "predicate": it.predicate})).collect();
    output.step("Verified", format_args!("{} of {}", count(keys.len(), "signature"), args.file.display()));
    output.result(
        human,
        json!({"file": args.file, "kind": kind, "digest": digest, "signatures": found.facts(), "statements": facts}),
    )?;
    Ok(())
}

/// Builds the program again and says that it is the same.
fn again(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (program, audited) = audit::prove_program(&args.file)?;
    let digest = rebuild(&args.file, &program, &audited, args.folder.as_deref(), output)?;
    let shown = args.file.display();
    output.result(
        format_args!("{shown} was built again from these sources: the same {} bytes, {digest}", program.bytes().len()),
        json!({"file": args.file, "kind": PROGRAM, "digest": digest, "rebuilt": true}),
    )?;
    Ok(())
}

/// Refuses what nobody who is trusted has signed.
fn proved<'f>(
    found: &'f Believed,
    path: &Path,
    (keys, threshold): &(Vec<TrustedKey>, usize),
) -> Result<(&'f [TrustedKey], &'f [Statement]), Diagnostic> {
    let why = match found {
        Believed::By(keys, statements) => return Ok((keys, statements)),
        Believed::Unsigned => "there is no such file: it is not signed".to_owned(),
        Believed::Strangers(_) if keys.is_empty() => format!("no key is trusted here: {}", found.said()),
        Believed::Strangers(_) => format!("{}; {threshold} of the trusted keys must have signed", found.said()),
    };
    Err(refused_signature(&Refusal::Untrusted(why), path))
}

/// What a statement says, in a line.
fn said(statement: &Statement) -> String {
    let mut text = if statement.is_provenance() {
        let builder =
            statement.predicate.pointer("/runDetails/builder/id").and_then(|id| id.as_str()).unwrap_or("nobody");
        format!("its provenance (SLSA v1), built by {}", builder.escape_debug())
    } else {
        format!("a statement of {}", statement.predicate_type.escape_debug())
    };
    if let Ok(Some(last)) = statement.expires() {
        text += &format!(", until {last}");
    }
    text
}

/// Refuses a program of another build than the lock is.
pub(crate) fn of_lock(path: &Path, audited: Option<&Audit>, file: &Path) -> Result<(), Diagnostic> {
    let error = |why: &str, help: &str| {
        Err(Diagnostic::new(crate::built::BUILDS, why).at(file.display().to_string()).help(help))
    };
    let Some(audited) = audited else {
        return error("it is no program, which alone is built from a lock", "leave `--lock` out, or name a program");
    };
    match &audited.bill {
        Some(bill) => different(path, &bill.lock).map_or(Ok(()), Err),
        None => error(
            "the program does not say from which lock it was built",
            "`cargo modeldeploy build --release` puts a bill into a program that has a model",
        ),
    }
}

/// Refuses provenance that says otherwise than the program does: somebody signed what was not so.
fn of_build(
    file: &Path,
    digest: Digest,
    audited: &Audit,
    statements: &[Statement],
    path: &Path,
) -> Result<(), Diagnostic> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut signed = statements.iter().filter(|statement| statement.is_provenance());
    let why = match own_statement(&name, digest, audited) {
        Some(own) => signed.find_map(|signed| contradiction(signed, &own)),
        None => signed.next().map(|_| "the program does not say how it was built".to_owned()),
    };
    match why {
        None => Ok(()),
        Some(why) => Err(Diagnostic::new(OTHER, format!("the signed provenance is not of this program: {why}"))
            .at(path.display().to_string())
            .help("do not use it: ask who signed it how that came about")),
    }
}

/// Proves a model's own signature, and that its files are those that were signed.
fn model(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let path = args.model_signature.clone().unwrap_or_else(|| args.file.join(FILE_NAME));
    let trusted = if args.keys.is_empty() && args.certificates.is_empty() {
        Settings::around()?.signers()?
    } else {
        Trusted { keys: settings::keys(&args.keys)?, roots: settings::roots(&args.certificates)? }
    };
    let refused = |refusal| refused_signature(&refusal, &path);
    let absent = || Refusal::Untrusted("there is no such file: the model is not signed".into());
    let bytes = read(&path)?.ok_or_else(|| refused(absent()))?;
    let bundle = Bundle::parse(&bytes).map_err(refused)?;
    let (signer, manifest) = verify(&bundle, &trusted, SystemTime::now()).map_err(refused)?;
    let mut others = vec![path.clone()];
    if args.file.is_dir() {
        others.extend(beside_model(&args.file)?.iter().map(|name| args.file.join(name)));
    }
    let differences = compare(&args.file, &manifest, &others);
    let shown = args.file.display().to_string();
    let wrong = |why: String| {
        let help = "get the model again from who signed it; do not lock it as it is";
        Diagnostic::new(MODEL, why).at(&shown).help(help)
    };
    let differences = differences.map_err(|error| wrong(error.to_string()))?;
    let grave = differences.iter().filter(|it| !args.ignore_unsigned_files || it.what() != "extra");
    let grave: Vec<Diagnostic> = grave.map(|it| wrong(format!("the model is not as it was signed: {it}"))).collect();
    if !grave.is_empty() {
        return Err(Failure::from(grave));
    }
    let listed = count(manifest.len(), "digest");
    output.result(
        format_args!("{shown}: signed by {signer}\n  every file is as it was signed, {listed}"),
        json!({
            "file": args.file,
            "kind": "model",
            "signatures": [{"keyid": signer.id().0, "name": signer.name(), "trusted": true}],
            "files": manifest.len(),
            "unsigned": differences.iter().map(|it| it.path()).collect::<Vec<_>>(),
        }),
    )?;
    Ok(())
}
