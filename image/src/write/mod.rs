//! Images, written: what goes into one, and its folder in the layout of OCI.

mod archive;
mod layer;
mod layout;
mod name;

pub use archive::docker_archive;
pub use name::Name;

use crate::platform::{Platform, of_static};
use crate::spec::{self, Configuration, Execution, Manifest, Nothing, RootFs, Step};
use crate::{Error, PACKS_FOLDER, PACKS_VARIABLE, USER};
use layout::Layout;
use modeldeploy_format::Digest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many packs an image may have: Docker stops at 127 layers.
const MOST_PACKS: usize = 100;

/// What goes into an image.
#[derive(Clone, Debug, Default)]
pub struct Contents<'a> {
    /// What the program is called in the root of the image.
    pub file_name: String,
    /// The program: static, for Linux.
    pub program: &'a [u8],
    /// Weights that the program opens when it starts, each to be a layer of its own below the program's.
    pub packs: Vec<Pack<'a>>,
    /// Arguments that whoever starts the image may replace.
    pub arguments: Vec<String>,
    /// Variables, as `NAME=value`.
    pub variables: Vec<String>,
    /// Ports of TCP on which it answers.
    pub ports: Vec<u16>,
    /// Facts about the image: labels of its configuration and annotations of its manifest.
    pub labels: BTreeMap<String, String>,
    /// When it was made, in seconds since the beginning of 1970: what it says of itself, whatever the clock says.
    pub created: u64,
}

/// Weights of a model in an image.
#[derive(Clone, Debug)]
pub struct Pack<'a> {
    /// What they are of, for people.
    pub of: String,
    /// Their bytes.
    pub bytes: &'a [u8],
}

/// An image in a folder.
#[derive(Clone, Debug)]
pub struct Image {
    /// The folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: Name,
    /// What it runs on.
    pub platform: Platform,
    /// The image's digest, which is that of its manifest.
    pub digest: Digest,
    /// The lowest first.
    pub layers: Vec<Layer>,
    /// Of the manifest, the configuration and the layers: what a registry gets.
    pub size: u64,
    pub(crate) manifest: Manifest,
}

impl Image {
    /// The manifest, whose bytes the image's digest is of.
    pub fn manifest(&self) -> Vec<u8> {
        spec::to_bytes(&self.manifest)
    }

    /// Its layers and its configuration: digest, size in bytes, and the file that each is.
    pub fn blobs(&self) -> impl Iterator<Item = (Digest, u64, PathBuf)> {
        self.manifest.layers.iter().chain([&self.manifest.config]).map(|blob| {
            let digest = blob.digest.parse().expect("`write` made it of a digest");
            (digest, blob.size, self.folder.join(archive::blob(&blob.digest)))
        })
    }
}

/// A layer of an image.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Of the blob.
    pub digest: Digest,
    /// Of the blob, in bytes.
    pub size: u64,
    /// Unpacked, in bytes.
    pub unpacked: u64,
    /// What is in it.
    pub holds: String,
}

/// Writes the image of `contents` into the folder `into`, in the place of the one that is there.
///
/// The same contents give the same bytes, whatever the clock, the user, the umask and the folder are.
///
/// # Errors
///
/// If the program is not static, something of the contents cannot stand in an image, or the folder cannot be written or holds something
/// else than one image.
pub fn write(contents: &Contents<'_>, name: &Name, into: &Path) -> Result<Image, Error> {
    let platform = of_static(contents.program)?;
    check(contents)?;
    let created = created(contents.created)?;
    let mut layout = Layout::open(into)?;
    let (mut layers, mut descriptors, mut diff_ids, mut history) = (vec![], vec![], vec![], vec![]);
    for layer in layer::all(contents) {
        let put = layout.put_layer(&layer)?;
        diff_ids.push(put.unpacked.0.to_string());
        history.push(Step {
            created: Some(created.clone()),
            created_by: Some("cargo modeldeploy image".into()),
            comment: Some(layer.holds.clone()),
            empty_layer: None,
        });
        layers.push(Layer {
            digest: put.blob.digest,
            size: put.blob.descriptor.size,
            unpacked: put.unpacked.1,
            holds: layer.holds,
        });
        descriptors.push(put.blob.descriptor);
    }
    let configuration = Configuration {
        created: Some(created),
        platform: platform.clone(),
        config: execution(contents),
        rootfs: RootFs { kind: "layers".into(), diff_ids },
        history,
    };
    let config = layout.put(spec::CONFIG, &spec::to_bytes(&configuration))?.descriptor;
    let manifest = Manifest {
        schema_version: 2,
        media_type: spec::MANIFEST.into(),
        config,
        layers: descriptors,
        annotations: contents.labels.clone(),
    };
    let mut written = layout.put(spec::MANIFEST, &spec::to_bytes(&manifest))?;
    let size =
        written.descriptor.size + manifest.config.size + manifest.layers.iter().map(|layer| layer.size).sum::<u64>();
    let digest = written.digest;
    written.descriptor.platform = Some(platform.clone());
    written.descriptor.annotations.insert(spec::REF_NAME.into(), name.tag().into());
    written.descriptor.annotations.insert(spec::FULL_NAME.into(), name.full());
    layout.finish(written.descriptor)?;
    Ok(Image { folder: into.to_owned(), name: name.clone(), platform, digest, layers, size, manifest })
}

/// What of it cannot stand in an image.
fn check(contents: &Contents<'_>) -> Result<(), Error> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    let name = &contents.file_name;
    if name.is_empty() || name.len() > 80 || name.starts_with('.') || name == PACKS_FOLDER || !plain(name) {
        return Err(Error::input(format!(
            "`{name}` cannot be the program's name in an image: 1 to 80 letters, digits and -_.+, no dot first, not `{PACKS_FOLDER}`"
        )));
    }
    if let Some(variable) = contents
        .variables
        .iter()
        .find(|variable| variable.split_once('=').is_none_or(|(name, _)| name.is_empty()) || variable.contains('\0'))
    {
        return Err(Error::input(format!("`{variable}` is no variable: NAME=value is one")));
    }
    if contents.packs.len() > MOST_PACKS {
        let count = contents.packs.len();
        return Err(Error::input(format!(
            "{count} packs are more than the {MOST_PACKS} layers that can be in an image"
        )));
    }
    Ok(())
}

/// How it runs: as nobody, with nothing but the program and what was asked for.
fn execution(contents: &Contents<'_>) -> Execution {
    let mut env = contents.variables.clone();
    if !contents.packs.is_empty() {
        env.push(format!("{PACKS_VARIABLE}=/{PACKS_FOLDER}"));
    }
    env.sort();
    Execution {
        user: format!("{USER}:{USER}"),
        exposed_ports: contents.ports.iter().map(|port| (format!("{port}/tcp"), Nothing {})).collect(),
        env,
        entrypoint: vec![format!("/{}", contents.file_name)],
        cmd: contents.arguments.clone(),
        working_dir: "/".into(),
        labels: contents.labels.clone(),
        stop_signal: "SIGTERM".into(),
    }
}

/// Seconds since the beginning of 1970 as documents have them.
fn created(seconds: u64) -> Result<String, Error> {
    // The end of the year 9999, after which years have five digits.
    if seconds > 253_402_300_799 {
        return Err(Error::input(format!("{seconds} s after 1970 is past the year 9999")));
    }
    Ok(humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string())
}
