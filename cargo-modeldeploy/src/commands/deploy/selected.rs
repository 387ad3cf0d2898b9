//! What the commands have in common: which package, which settings, and the flags that go before them.

use super::facts;
use super::number::failure;
use crate::exit::Failure;
use crate::output::Output;
use crate::workspace::Workspace;
use clap::ValueEnum;
use modeldeploy_deploy::facts::Facts;
use modeldeploy_deploy::{
    Kind, Layout, Pinned, Problem, Rendering, Settings, TARGETS, Target, Templates, read_layout, render, settings,
};
use std::path::{Path, PathBuf};

/// Templates that are taken without being named.
const OWN_TEMPLATES: &str = "deploy/templates";

/// A target by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetName(pub(super) Target);

impl ValueEnum for TargetName {
    fn value_variants<'a>() -> &'a [TargetName] {
        const ALL: [TargetName; TARGETS.len()] =
            [TargetName(TARGETS[0].1), TargetName(TARGETS[1].1), TargetName(TARGETS[2].1), TargetName(TARGETS[3].1)];
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

/// Which service, and what is said of it before its settings.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// The service's package
    #[arg(long, short, value_name = "NAME")]
    package: Option<String>,
    /// The settings, if they are not in `deploy.toml` beside the package's manifest
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The image, pinned: NAME@sha256:…
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// The folder of the image, an OCI layout, that pins it
    #[arg(long, value_name = "FOLDER")]
    image_layout: Option<PathBuf>,
    /// The image that answers some of the requests
    #[arg(long, value_name = "IMAGE")]
    canary_image: Option<String>,
    /// Its share of them in percent; the other image has the rest
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    canary_weight: Option<u32>,
    /// What the objects are called, if it is not the package's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The namespace
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// The program, whose models and bytes are proved as `audit` does
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// A service with its settings.
pub(super) struct Selected {
    pub(super) facts: Facts,
    pub(super) settings: Settings,
    /// The package's folder.
    folder: PathBuf,
}

impl Selection {
    /// Reads what is deployed and how.
    pub(super) fn read(&self, output: &mut Output<'_>) -> Result<Selected, Failure> {
        let workspace = Workspace::find(self.manifest_path.as_deref())?;
        let package = workspace.package(self.package.as_deref())?;
        let folder = package.manifest_path.parent().expect("a manifest lies in a folder").as_std_path().to_owned();
        let layout = self.image_layout.as_deref().map(read_layout).transpose().map_err(|problem| failure([problem]))?;
        let settings = self.settings(&folder, layout.as_ref()).map_err(|problem| failure([problem]))?;
        let facts = facts::read(&workspace, package, self.program.as_deref(), output)?;
        if let Some(layout) = &layout {
            facts::agree(&facts, layout).map_err(failure)?;
        }
        Ok(Selected { facts, settings, folder })
    }

    /// The settings of the file, with what the flags say in their place.
    fn settings(&self, folder: &Path, layout: Option<&Layout>) -> Result<Settings, Problem> {
        let file = self.config.clone().or_else(|| Some(folder.join(settings::FILE)).filter(|file| file.is_file()));
        let mut settings = file.map_or_else(|| Ok(Settings::default()), |file| settings::read(&file))?;
        settings.name = self.name.clone().or(settings.name);
        settings.namespace = self.namespace.clone().or(settings.namespace);
        settings.image = self.image.clone().or(settings.image);
        if let Some(layout) = layout {
            let name = settings.image.clone().ok_or_else(|| {
                Problem::new(Kind::Absent, "a layout has a digest, and no name by which a cluster finds it")
                    .at("--image-layout")
                    .help("name the repository that it is pushed to: `--image registry.example/NAME`, or `image` in the settings")
            })?;
            settings.image = Some(Pinned::with(&name, layout.digest)?.to_string());
        }
        if let Some(percent) = self.canary_weight {
            let weights = settings::Weights { stable: 100 - percent, canary: percent };
            let canary = settings.canary.take();
            settings.canary = Some(match canary {
                Some(canary) => settings::Canary { weights, ..canary },
                None => settings::Canary { image: None, weights, by: settings::By::default() },
            });
        }
        if let Some(image) = &self.canary_image {
            let canary = settings.canary.as_mut().ok_or_else(|| {
                Problem::new(Kind::Absent, "the canary has no share of the requests")
                    .at("--canary-image")
                    .help("give it in percent: `--canary-weight 10`, or as `[canary]` in the settings")
            })?;
            canary.image = Some(image.clone());
        }
        Ok(settings)
    }
}

impl Selected {
    /// Renders for a target, with the templates of that folder, or the package's own, or those inside.
    pub(super) fn render(
        &self,
        target: Target,
        folder: Option<&Path>,
        output: &mut Output<'_>,
    ) -> Result<Rendering, Failure> {
        let own = || Some(self.folder.join(OWN_TEMPLATES)).filter(|folder| folder.is_dir());
        let folder = folder.map(Path::to_owned).or_else(own);
        if let Some(folder) = &folder {
            output.step("Using", format_args!("the templates of {}", folder.display()));
        }
        let templates = Templates::new(folder.as_deref()).map_err(failure)?;
        let rendering = render(target, &self.facts, &self.settings, &templates).map_err(failure)?;
        rendering.notes.iter().for_each(|note| output.note(note));
        Ok(rendering)
    }
}
