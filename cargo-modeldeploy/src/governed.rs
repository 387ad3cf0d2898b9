//! What `modeldeploy.toml` asks of models, asked of those of a workspace: before they are locked, and before they are built.

use crate::believed;
use crate::exit::Failure;
use crate::settings::Settings;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::manifest::{Manifest, ModelEntry};
use modeldeploy_compiler::pipeline;
use modeldeploy_format::lock::{Lock, LockedFile};
use modeldeploy_trust::model_signing::{Bundle, Covered, FILE_NAME, Manifest as Listing, Trusted, verify};
use modeldeploy_trust::policy::{Facts, Listed, Rule, Signed, judge};
use modeldeploy_trust::{Date, Refusal};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The errors of broken rules.
pub(crate) const RULES: [Code; 6] =
    [Code("MD1102"), Code("MD1103"), Code("MD1104"), Code("MD1105"), Code("MD1106"), Code("MD1107")];

/// The folder beside `Model.lock` for signatures of models that have no folder of their own in the repository.
const SIGNATURES: &str = "signatures";

/// The most signatures of a model that are looked at.
const MOST: usize = 16;

/// The rules of a workspace.
pub(crate) struct Governed<'w> {
    workspace: &'w pipeline::Workspace,
    settings: Settings,
    trusted: Trusted,
    today: Date,
}

impl<'w> Governed<'w> {
    /// Reads the settings beside the lock of a workspace, with the keys that they name.
    pub(crate) fn read(workspace: &'w pipeline::Workspace) -> Result<Governed<'w>, Failure> {
        let settings = Settings::of(&workspace.root)?;
        let trusted = settings.signers()?;
        Ok(Governed { workspace, settings, trusted, today: Date::today() })
    }

    /// Asks what manifests alone can answer, of the models of these names, or of all.
    pub(crate) fn manifests(&self, names: &[String]) -> Result<(), Failure> {
        let models = self.workspace.models().into_iter();
        let chosen = models.filter(|(_, entry)| names.is_empty() || names.contains(&entry.name));
        settle(chosen.flat_map(|(_, entry)| self.asked(entry, None, &[])).collect())
    }

    /// Asks all of it, of a model whose files are known.
    pub(crate) fn files(
        &self,
        manifest: &Manifest,
        entry: &ModelEntry,
        files: &[LockedFile],
    ) -> Result<(), Vec<Diagnostic>> {
        let broken = self.asked(entry, Some(files), &self.signed(manifest, entry, files));
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// Asks all of it, of all that a lock pins.
    pub(crate) fn lock(&self, lock: &Lock) -> Result<(), Failure> {
        let models = self.workspace.models().into_iter();
        let locked = models.filter_map(|(manifest, entry)| Some((manifest, entry, lock.model(&entry.name)?)));
        settle(
            locked
                .flat_map(|(manifest, entry, model)| {
                    self.files(manifest, entry, &model.files).err().unwrap_or_default()
                })
                .collect(),
        )
    }

    fn asked(&self, entry: &ModelEntry, files: Option<&[LockedFile]>, signed: &[Signed]) -> Vec<Diagnostic> {
        let facts = Facts {
            model: &entry.name,
            source: &entry.source,
            license: entry.license.as_deref(),
            released: entry.released.as_deref(),
            files,
            signed,
        };
        let broken = judge(self.settings.policy(), &facts, self.today).into_iter();
        broken.map(|it| Diagnostic::new(code(it.rule), it.message).at(&entry.place).help(it.help)).collect()
    }

    /// The signatures of a model, each held against the files.
    fn signed(&self, manifest: &Manifest, entry: &ModelEntry, files: &[LockedFile]) -> Vec<Signed> {
        if self.trusted.keys.is_empty() && self.trusted.roots.is_empty() {
            return vec![];
        }
        // What has to be fetched first has no signature beside it yet; those of the workspace count all the same.
        let folder = manifest.folder(entry).unwrap_or_default();
        let beside = self.workspace.root.join(SIGNATURES);
        let stem = FILE_NAME.trim_end_matches(".sig");
        let paths = named(&folder, stem).into_iter().chain(named(&beside, &entry.name)).take(MOST);
        paths.map(|path| self.one(&path, &folder, files)).collect()
    }

    fn one(&self, path: &Path, folder: &Path, files: &[LockedFile]) -> Signed {
        let wrong = |why: String| Signed::Wrong(format!("{}: {why}", path.display()));
        let bytes = match believed::read(path) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => return wrong(error.message),
        };
        let proved = Bundle::parse(&bytes).and_then(|bundle| verify(&bundle, &self.trusted, SystemTime::now()));
        match proved {
            Ok((signer, listing)) => {
                let unlisted = files.iter().filter_map(|file| unlisted(&listing, folder, file)).collect();
                Signed::By { signer: signer.to_string(), unlisted }
            }
            Err(Refusal::Untrusted(why)) => Signed::Stranger(format!("{}: {why}", path.display())),
            Err(refusal) => wrong(refusal.to_string()),
        }
    }
}

/// The file, if the signature is not of it as the lock has it.
fn unlisted(listing: &Listing, folder: &Path, file: &LockedFile) -> Option<Listed> {
    let covered = match listing.covers(&file.path, file.size, &file.digest) {
        // The digest as a whole that the lock pins says nothing of shards: the bytes themselves must have both.
        Covered::Shards => {
            let read = File::open(folder.join(&file.path)).and_then(|mut it| listing.covers_bytes(&file.path, &mut it));
            match read {
                Ok((covered, whole)) if whole == file.digest => covered,
                Ok(_) => Covered::Differs,
                Err(_) => Covered::No,
            }
        }
        other => other,
    };
    let listed = |differs| Some(Listed { path: file.path.clone(), differs });
    match covered {
        Covered::Yes => None,
        Covered::Differs => listed(true),
        Covered::No | Covered::Shards => listed(false),
    }
}

/// `STEM.sig` and `STEM.WHO.sig` in a folder, sorted.
fn named(folder: &Path, stem: &str) -> Vec<PathBuf> {
    let is_one = |name: &str| {
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".sig"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_one)).collect();
    found.sort();
    found
}

fn code(rule: Rule) -> Code {
    RULES[match rule {
        Rule::Licenses => 0,
        Rule::Sources => 1,
        Rule::MaxAge => 2,
        Rule::MaxSize => 3,
        Rule::Signatures => 4,
        Rule::SignedFiles => 5,
    }]
}

fn settle(broken: Vec<Diagnostic>) -> Result<(), Failure> {
    if broken.is_empty() { Ok(()) } else { Err(broken.into()) }
}
