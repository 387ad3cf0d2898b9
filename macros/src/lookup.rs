//! Finds `Model.lock` and the entry of a name, and proves that it is the manifest's own.

use modeldeploy_format::Digest;
use modeldeploy_format::lock::{
    FILE_NAME, LINKED_AT_MOST, Lock, LockedIndex, LockedModel, LockedPack, STORE_FOLDER, manifest_digest,
    manifest_settings, store_path,
};
use modeldeploy_format::pack::LAYOUT_FINGERPRINT;
use modeldeploy_format::variables::{self, PLACE};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a macro knows of where it is.
pub(crate) struct Surroundings {
    /// The folder of the package's manifest.
    pub(crate) package_folder: PathBuf,
    /// The package's name.
    pub(crate) package: String,
    /// Where the store was moved to, if it was.
    pub(crate) store: Option<OsString>,
    /// Whether to link where debug assertions are on too.
    pub(crate) link: bool,
    /// How the weights are to get in, if it was said.
    pub(crate) weights: Option<OsString>,
    /// The files of the bill that goes into the program, without their endings.
    pub(crate) bill: Option<PathBuf>,
}

/// How weights get into a program that is built to be shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// By the linker.
    Linked,
    /// After the linker, by `cargo modeldeploy build`.
    Attached,
    /// Not at all: they stay files beside it.
    Detached,
    /// They are mapped from the store, as in debug: for tests.
    Stored,
}

/// The lock and what depends on where it lies.
pub(crate) struct Found {
    /// The lock's folder.
    pub(crate) folder: PathBuf,
    pub(crate) lock: Lock,
    /// Files whose change makes the expansion another.
    pub(crate) tracked: Vec<PathBuf>,
    pub(crate) store: PathBuf,
    /// Whether to link where debug assertions are on too.
    pub(crate) link: bool,
    /// How weights get in where they are linked or not.
    weights: Weights,
    /// The files of the bill that goes into the program, without their endings.
    pub(crate) bill: Option<PathBuf>,
}

/// One file of the store.
pub(crate) struct Stored {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// Its path in the store.
    pub(crate) file: String,
    /// Its whole path.
    pub(crate) path: PathBuf,
    /// How it gets into a program that is built to be shipped.
    pub(crate) weights: Weights,
}

type Lookup<T> = Result<T, String>;

impl Surroundings {
    /// As cargo says it to the compiler.
    pub(crate) fn of_cargo() -> Surroundings {
        let variable = |name| std::env::var_os(name);
        Surroundings {
            package_folder: variable("CARGO_MANIFEST_DIR").unwrap_or_default().into(),
            package: variable("CARGO_PKG_NAME").unwrap_or_default().to_string_lossy().into_owned(),
            store: variable(variables::STORE).filter(|moved| !moved.is_empty()),
            link: variable(variables::LINK).is_some_and(|asked| asked == "1"),
            weights: variable(variables::PLACE).filter(|asked| !asked.is_empty()),
            bill: variable(variables::BILL).map(PathBuf::from),
        }
    }

    /// The lock of the package: in its folder, or in the nearest one above.
    pub(crate) fn lock(&self) -> Lookup<Found> {
        let above = self.package_folder.ancestors().find(|folder| folder.join(FILE_NAME).is_file());
        let folder = above.ok_or_else(|| {
            let place = self.package_folder.display();
            format!("no {FILE_NAME} in {place} or above it\nhelp: `cargo modeldeploy lock` makes one")
        })?;
        let path = folder.join(FILE_NAME);
        let text =
            std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let lock =
            Lock::parse(&text).map_err(|error| format!("{error}\n--> {}\nhelp: {}", path.display(), error.help()))?;
        let store = match &self.store {
            Some(moved) => folder.join(moved),
            None => folder.join(STORE_FOLDER),
        };
        let weights = self.weights(&lock)?;
        let manifest = self.package_folder.join("Cargo.toml");
        let tracked = std::iter::once(path).chain(manifest.is_file().then_some(manifest)).collect();
        Ok(Found { folder: folder.to_owned(), lock, tracked, store, link: self.link, weights, bill: self.bill.clone() })
    }

    /// As it was said; where nothing was, by how much the lock pins.
    fn weights(&self, lock: &Lock) -> Lookup<Weights> {
        match self.weights.as_ref().map(|asked| asked.to_string_lossy()).as_deref() {
            None if lock.bytes() > LINKED_AT_MOST => Ok(Weights::Attached),
            None | Some("linked") => Ok(Weights::Linked),
            Some("attached") => Ok(Weights::Attached),
            Some("detached") => Ok(Weights::Detached),
            Some("stored") => Ok(Weights::Stored),
            Some(other) => Err(format!(
                "{PLACE} is `{other}`, and can be `linked`, `attached`, `detached` or `stored`\n\
                 help: `cargo modeldeploy build --release` sets it, with `--attach` or `--detached` where that is wanted"
            )),
        }
    }

    /// The settings' digest in this package's manifest, if it names the entry.
    fn settings(&self, kind: &str, name: &str) -> Option<Digest> {
        let text = std::fs::read_to_string(self.package_folder.join("Cargo.toml")).ok()?;
        let manifest = text.parse().ok()?;
        manifest_settings(&manifest, kind, name).map(manifest_digest)
    }

    /// An entry of this package has the settings that were locked. Those of another package are its own affair.
    fn check_fresh(&self, kind: &str, name: &str, package: &str, locked: Digest) -> Lookup<()> {
        if package != self.package {
            return Ok(());
        }
        let said = match self.settings(kind, name) {
            Some(settings) if settings == locked => return Ok(()),
            Some(_) => format!("the settings of {kind} `{name}` in Cargo.toml are not those that were locked"),
            None => format!("it has {kind} `{name}` of package `{package}`, whose Cargo.toml names none"),
        };
        Err(format!("{FILE_NAME} is stale: {said}\nhelp: `cargo modeldeploy lock` brings it up to date"))
    }

    fn unknown(&self, kind: &str, name: &str, known: &[&str]) -> String {
        if self.settings(kind, name).is_some() {
            return format!("{kind} `{name}` is not locked yet\nhelp: `cargo modeldeploy lock` locks it");
        }
        let near = known.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
        let near = match near {
            Some((distance, known)) if distance <= name.len().div_ceil(3) => format!("; did you mean `{known}`?"),
            _ if known.is_empty() => format!("; it has no {kind}"),
            _ => format!("; it has `{}`", known.join("`, `")),
        };
        let help = format!("`cargo modeldeploy add FOLDER --name {name} --task embed` adds a model");
        let help = if kind == "model" { format!("\nhelp: {help}") } else { String::new() };
        format!("no {kind} `{name}` in {FILE_NAME}{near}{help}")
    }

    /// The model of that name, and its pack.
    pub(crate) fn model<'f>(&self, found: &'f Found, name: &str) -> Lookup<(&'f LockedModel, Stored)> {
        let known: Vec<_> = found.lock.models.iter().map(|model| model.name.as_str()).collect();
        let model = found.lock.model(name).ok_or_else(|| self.unknown("model", name, &known))?;
        self.check_fresh("model", name, &model.package, model.manifest)?;
        let pack = pack(model)?;
        Ok((model, found.stored(pack.digest, pack.size, "pack", found.weights)))
    }

    /// The index of that name, and its file.
    pub(crate) fn index<'f>(&self, found: &'f Found, name: &str) -> Lookup<(&'f LockedIndex, Stored)> {
        let known: Vec<_> = found.lock.indexes.iter().map(|index| index.name.as_str()).collect();
        let index = found.lock.index(name).ok_or_else(|| self.unknown("index", name, &known))?;
        self.check_fresh("index", name, &index.package, index.manifest)?;
        // A service may ask for an index of its own when its sandbox has closed, and no file is opened any more.
        let weights = match found.weights {
            Weights::Detached if found.lock.bytes() > LINKED_AT_MOST => Weights::Attached,
            Weights::Detached => Weights::Linked,
            other => other,
        };
        Ok((index, found.stored(index.digest, index.size, "index", weights)))
    }
}

/// The pack whose weights are laid out for this version's kernels.
fn pack(model: &LockedModel) -> Lookup<&LockedPack> {
    let layout = format!("{LAYOUT_FINGERPRINT:016x}");
    model.packs.iter().find(|pack| pack.layout == layout).ok_or_else(|| {
        let locked: Vec<_> = model.packs.iter().map(|pack| pack.layout.as_str()).collect();
        format!(
            "model `{}` is locked for the layout {}, this version of modeldeploy reads {layout}\n\
             help: `cargo modeldeploy lock` packs it anew",
            model.name,
            locked.join(", ")
        )
    })
}

impl Found {
    fn stored(&self, digest: Digest, size: u64, kind: &str, weights: Weights) -> Stored {
        let whole = store_path(&digest, kind);
        let file = Path::new(&whole).strip_prefix(STORE_FOLDER).expect("files of the store lie in it");
        let path = self.store.join(file);
        Stored { digest, size, file: file.to_string_lossy().into_owned(), path, weights }
    }
}
