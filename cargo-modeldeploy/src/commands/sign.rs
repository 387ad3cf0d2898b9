//! `sign`: a statement about a program, a lock, a pack or an index, signed, beside the file; or the signature of a model's folder.
//!
//! Of a program with a bill the statement is its provenance: one signature says which bytes it is, what they were made of and how. Of
//! anything else it is that these bytes are what the signer means.

use super::audit;
use crate::believed::{KEY, attestations, beside, refused, refused_signature};
use crate::built::Origin;
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Mapping, map, write_atomically};
use modeldeploy_format::index::Vectors;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::{Artifact, Digest};
use modeldeploy_trust::Date;
use modeldeploy_trust::keys::{SecretKey, read_secret};
use modeldeploy_trust::model_signing::{self, Bundle, FILE_NAME};
use modeldeploy_trust::statement::Statement;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What cannot be signed.
const UNSIGNABLE: Code = Code("MD1117");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy sign target/release/shop --key keys/release.key       writes target/release/shop.intoto.jsonl
  cargo modeldeploy sign Model.lock --key keys/release.key --expires 2027-06-30
  cargo modeldeploy sign models/query-encoder --key keys/ml-team.key      writes models/query-encoder/model.sig";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, lock, pack or index, or the model's folder
    file: PathBuf,
    /// The private key, as `keygen` or openssl make one (PKCS#8, PEM)
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Where the signature goes, if not beside the file
    #[arg(long, value_name = "PATH")]
    signature: Option<PathBuf>,
    /// The last day on which the signature counts, as 2027-06-30; not for models' folders
    #[arg(long, value_name = "DAY")]
    expires: Option<Date>,
    #[command(flatten)]
    origin: Origin,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let key = read_secret(&args.key).map_err(|refusal| refused(KEY, &refusal, &args.key))?;
    if args.file.is_dir() {
        return folder(args, &key, output);
    }
    let bytes = map(&args.file)?;
    let digest = Digest::of(bytes.bytes());
    let (kind, statement) = statement(args, &bytes, &digest, output)?;
    let path = args.signature.clone().unwrap_or_else(|| beside(&args.file));
    let mut all = attestations(&path)?.unwrap_or_default();
    let refused = |refusal| refused_signature(&refusal, &path);
    all.sign(&statement.until(args.expires), &digest, &key).map_err(refused)?;
    write_atomically(&path, all.to_text().as_bytes())?;
    signed(kind, &args.file, &key, &path, Some(&digest), output)
}

fn signed(
    kind: &str,
    file: &Path,
    key: &SecretKey,
    path: &Path,
    digest: Option<&Digest>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let id = key.public().id();
    output.step("Signed", format_args!("the {kind} {}", file.display()));
    output.result(
        format_args!("{}: signed by {id}", path.display()),
        json!({"file": file, "kind": kind, "digest": digest, "signature": path, "keyid": id.0}),
    )?;
    Ok(())
}

fn unsignable(path: &Path, why: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(UNSIGNABLE, why).at(path.display().to_string()).help(help)
}

/// What is said of a file. Whoever signs vouches for it, so that it is proved first.
fn statement(
    args: &Args,
    bytes: &Mapping,
    digest: &Digest,
    output: &mut Output<'_>,
) -> Result<(&'static str, Statement), Failure> {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let kind = kind(bytes.bytes());
    let damaged = |why: String| {
        unsignable(&args.file, format!("the {kind} is damaged: {why}"), "make it again: who signs vouches for it")
    };
    match kind {
        PROGRAM => {
            let (_, audited) = audit::prove_program(&args.file)?;
            if let Some(statement) = args.origin.statement(&name, *digest, &audited, output)? {
                return Ok((kind, statement));
            }
            output.note("the program does not say how it was built, so that only its bytes are signed: `cargo modeldeploy build --release` adds a bill");
        }
        "pack" => {
            Artifact::parse(&Aligned::copy(bytes.bytes())).map(drop).map_err(|error| damaged(error.to_string()))?
        }
        "index" => {
            Vectors::parse(&Aligned::copy(bytes.bytes())).map(drop).map_err(|error| damaged(error.to_string()))?
        }
        "lock" => {}
        _ => {
            let help = "name a program, Model.lock, a pack or an index, or a model's folder";
            return Err(unsignable(&args.file, "it is nothing that is signed here", help).into());
        }
    }
    Ok((kind, Statement::of_file(&name, digest, kind, bytes.bytes().len() as u64)))
}

/// An executable.
pub(super) const PROGRAM: &str = "program";

/// What a file is, by its first bytes or, of a lock, by all of them.
pub(super) fn kind(bytes: &[u8]) -> &'static str {
    let is_lock = || std::str::from_utf8(bytes).is_ok_and(|text| Lock::parse(text).is_ok());
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => PROGRAM,
        [b'M', b'D', b'P', b'A', b'C', b'K', b'\r', b'\n', ..] => "pack",
        [b'M', b'D', b'I', b'N', b'D', b'E', b'X', b'\n', ..] => "index",
        // No lock is as long as a model.
        _ if bytes.len() < 64 << 20 && is_lock() => "lock",
        _ => "file",
    }
}

fn folder(args: &Args, key: &SecretKey, output: &mut Output<'_>) -> Result<(), Failure> {
    if args.expires.is_some() {
        let help =
            "leave `--expires` out; a key that signs models is trusted until it is taken out of `policy.signatures`";
        return Err(unsignable(&args.file, "signatures of models have no last day in their specification", help).into());
    }
    let path = args.signature.clone().unwrap_or_else(|| args.file.join(FILE_NAME));
    if let Ok(there) = std::fs::read(&path)
        && !Bundle::parse(&there).is_ok_and(|bundle| bundle.names(key.public()))
    {
        let help = "keep it, and write yours beside it: `--signature FOLDER/model.NAME.sig`";
        return Err(unsignable(&path, "there is a signature by another key", help).into());
    }
    let mut others = beside_model(&args.file)?;
    others.extend(path.strip_prefix(&args.file).ok().map(|own| own.to_string_lossy().replace('\\', "/")));
    others.sort();
    others.dedup();
    let help = "mend that and sign again";
    let text = model_signing::sign(&args.file, &others, key);
    let text = text.map_err(|refusal| unsignable(&args.file, refusal.to_string(), help))?;
    write_atomically(&path, text.as_bytes())?;
    signed("model", &args.file, key, &path, None, output)
}

/// The names of the signatures in a model's folder: `model.sig` and `model.WHO.sig`.
pub(super) fn beside_model(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let rest = name.strip_prefix("model.");
        if name == FILE_NAME || rest.is_some_and(|rest| rest.ends_with(".sig")) {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}
