//! Images of containers in the command's words: their errors, and the programs inside them.

use crate::exit::Failure;
use crate::figures::count;
use crate::labels;
use modeldeploy_audit::{Audit, Held};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_image::Error;
use modeldeploy_image::read::{self, Found};
use serde_json::{Value, json};
use std::path::Path;

/// Something that cannot stand in an image, or where it cannot be written.
pub(crate) const INPUT: Code = Code("MD1202");
/// No image, or one of a kind that is not read.
const UNREADABLE: Code = Code("MD1203");
/// An image that says what it does not hold.
const ALTERED: Code = Code("MD1204");

/// The image at `path`, if it is one.
pub(crate) fn open(path: &Path) -> Result<Option<Found>, Failure> {
    if !read::is_image(path) {
        return Ok(None);
    }
    read::open(path).map(Some).map_err(|error| failure(&error, &path.display().to_string()))
}

/// Refuses an image that speaks of its models otherwise than its program, which was proved.
pub(crate) fn check(path: &Path, found: &Found, audit: &Audit) -> Result<(), Failure> {
    match labels::contradiction(&found.labels, audit) {
        None => Ok(()),
        Some(why) => Err(failure(&Error::Altered(why), &path.display().to_string())),
    }
}

/// Refuses an image that lacks a pack which its program reads. That those it has are what their names say was proved when it was read.
pub(crate) fn prove_packs(path: &Path, found: &Found, audit: &Audit) -> Result<(), Failure> {
    let has = |pack: &Held| found.packs.iter().any(|it| (it.digest, it.size) == (pack.digest, pack.size));
    match audit.beside.iter().find(|pack| !has(pack)) {
        None => Ok(()),
        Some(pack) => {
            let (digest, folder) = (pack.digest, &found.packs_folder);
            let why = format!("its program reads the pack {digest} from {folder}, and it is not there");
            Err(failure(&Error::Altered(why), &path.display().to_string()))
        }
    }
}

/// What is known of an image, for people: before what is known of its program.
pub(crate) fn human(found: &Found) -> String {
    let user = if found.user.is_empty() { "root" } else { &found.user };
    format!(
        "image {} ({}, {}), which runs {} as {user}\n",
        found.digest,
        found.platform,
        count(found.layers, "layer"),
        found.path
    )
}

/// The same for programs.
pub(crate) fn program(found: &Found) -> Value {
    json!({
        "digest": found.digest,
        "platform": found.platform.to_string(),
        "layers": found.layers,
        "program": found.path,
        "user": found.user,
        "labels": found.labels,
    })
}

/// An error of an image at `place`.
pub(crate) fn failure(error: &Error, place: &str) -> Failure {
    let (code, help) = match error {
        Error::Io(..) => return std::io::Error::other(error.to_string()).into(),
        Error::Program(_) => return super::commands::not_static(Path::new(place), error).into(),
        Error::Input(_) => (INPUT, "`cargo modeldeploy image --help` says what goes into an image"),
        Error::Unreadable(_) => (UNREADABLE, "name a folder in the layout of OCI, or what `docker save` wrote"),
        Error::Altered(_) => (ALTERED, "do not run it: get it again from where it was built, or build it again"),
    };
    Diagnostic::new(code, error.to_string()).at(place).help(help).into()
}
