//! The user's workspace as cargo sees it: its folder, its packages and what their manifests say of models.

use crate::cargo;
use crate::exit::Failure;
use cargo_metadata::{Metadata, MetadataCommand, Package};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::pipeline;
use std::path::{Path, PathBuf};

/// There is no workspace here, or cargo does not understand it.
pub(crate) const METADATA: Code = Code("MD0902");
/// No package, or more than one, is meant.
pub(crate) const PACKAGE: Code = Code("MD0903");

/// What begins the lines that git puts around the sides of a merge.
const MARKS: [&str; 3] = ["<<<<<<< ", "| =======\n", ">>>>>>> "];

/// The workspace of the current folder.
#[derive(Debug)]
pub(crate) struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo for the workspace around the current folder, or of the manifest at `manifest_path`.
    pub(crate) fn find(manifest_path: Option<&Path>) -> Result<Workspace, Failure> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        if let Some(path) = manifest_path {
            command.manifest_path(path);
        }
        ask(&command).map(|metadata| Workspace { metadata })
    }

    /// What `package` depends on, as cargo resolves it with these flags.
    pub(crate) fn resolve(package: &Package, flags: &[String]) -> Result<Metadata, Failure> {
        ask(MetadataCommand::new().manifest_path(&package.manifest_path).other_options(flags))
    }

    /// The folder of the workspace: `Model.lock` and the store lie there.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Its packages.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// Whether cargo has pinned the crates.
    pub(crate) fn is_locked(&self) -> bool {
        self.root().join("Cargo.lock").is_file()
    }

    /// Where cargo leaves what it builds.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The packages that cargo builds where none is named: that of `manifest` or of the current folder, or the workspace's default ones.
    pub(crate) fn default_packages(&self, manifest: Option<&Path>) -> Vec<&Package> {
        let folder = match manifest {
            Some(manifest) => manifest.parent().and_then(|folder| folder.canonicalize().ok()),
            None => std::env::current_dir().ok(),
        };
        let holds = |package: &&Package| {
            let own = package.manifest_path.parent().map(|folder| folder.as_std_path());
            own.is_some_and(|own| own != self.root() && folder.as_ref().is_some_and(|folder| folder.starts_with(own)))
        };
        match self.packages().iter().filter(holds).max_by_key(|package| package.manifest_path.as_str().len()) {
            Some(package) => vec![package],
            None => self.metadata.workspace_default_packages(),
        }
    }

    /// The manifests of the workspace's packages.
    pub(crate) fn manifests(&self) -> Vec<PathBuf> {
        self.metadata.workspace_packages().iter().map(|package| package.manifest_path.clone().into()).collect()
    }

    /// The manifests of what these packages depend on by paths that lead out of the workspace.
    pub(crate) fn manifests_outside(&self) -> Result<Vec<PathBuf>, Failure> {
        let manifest = self.root().join("Cargo.toml");
        let metadata = ask(MetadataCommand::new().manifest_path(manifest))?;
        let local = metadata.packages.iter().filter(|package| package.source.is_none());
        let outside = local.filter(|package| !metadata.workspace_members.contains(&package.id));
        Ok(outside.map(|package| package.manifest_path.clone().into()).collect())
    }

    /// What the manifests say of models, with the lock and the store.
    pub(crate) fn models(&self) -> Result<pipeline::Workspace, Failure> {
        Ok(pipeline::Workspace::read(self.root(), &self.manifests())?)
    }

    /// The package of that name; without a name the one whose folder this is, or the only one.
    pub(crate) fn package(&self, name: Option<&str>) -> Result<&Package, Failure> {
        let packages = self.metadata.workspace_packages();
        let names = || packages.iter().map(|package| format!("`{}`", package.name)).collect::<Vec<_>>().join(", ");
        let here = std::env::current_dir().ok();
        let is_here = |package: &&&Package| {
            let folder = package.manifest_path.parent().map(|folder| folder.as_std_path().to_owned());
            here.as_ref().is_some_and(|here| folder.is_some_and(|folder| here.starts_with(folder)))
        };
        let found = match name {
            Some(name) => packages.iter().find(|package| package.name.as_str() == name),
            None if packages.len() == 1 => packages.first(),
            None => packages.iter().filter(is_here).max_by_key(|package| package.manifest_path.as_str().len()),
        };
        found.copied().ok_or_else(|| {
            let message = match name {
                Some(name) => format!("there is no package `{name}` in this workspace"),
                None => "this workspace has several packages".to_owned(),
            };
            Diagnostic::new(PACKAGE, message)
                .at(self.root().display().to_string())
                .help(format!("name one with `--package`: {}", names()))
                .into()
        })
    }
}

/// Asks cargo, and says what it says where it refuses.
fn ask(command: &MetadataCommand) -> Result<Metadata, Failure> {
    match command.exec() {
        Ok(metadata) => Ok(metadata),
        Err(cargo_metadata::Error::CargoMetadata { stderr }) => {
            let said = stderr.trim().trim_start_matches("error: ").to_owned();
            let help = if said.starts_with("could not find `Cargo.toml`") {
                "`cargo init` makes a package in this folder"
            } else if MARKS.iter().any(|mark| said.contains(mark)) {
                "git left both sides of a merge in the manifest: keep what is right and remove its marks"
            } else {
                "correct what cargo names, then run this again"
            };
            Err(Diagnostic::new(METADATA, said).help(help).into())
        }
        Err(error) => Err(Diagnostic::new(cargo::CARGO, format!("cargo cannot be asked: {error}")).into()),
    }
}
