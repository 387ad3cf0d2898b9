//! A registry in a plain folder: an OCI image layout for each model, `<folder>/<name>/`, which any tool that knows layouts reads.
//!
//! `index.json` has a descriptor for each version, under `org.opencontainers.image.ref.name`; a yanked one has the reason as
//! `org.modeldeploy.yanked`. Blobs are written before the index names them, the index by a rename, by one writer at a time.

use crate::artifact::{ARTIFACT, Artifact, Descriptor, Facts, MANIFEST};
use crate::error::{Error, Kind};
use crate::reference::{Home, check_repository};
use crate::registry::Listed;
use crate::shelf::{Hasher, facts as file_facts};
use crate::transfer::Coming;
use modeldeploy_format::Digest;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const YANKED: &str = "org.modeldeploy.yanked";

/// The longest index or manifest.
const LIMIT: u64 = 16 << 20;

/// One model of a folder registry.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    name: String,
}

/// `index.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    manifests: Vec<Descriptor>,
}

impl Folder {
    /// The model `name` of the registry in `root`, which need not be there yet.
    pub fn new(root: &Path, name: &str) -> Folder {
        Folder { root: root.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(&self.name).join(path)
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.path("blobs/sha256").join(digest.hex())
    }

    fn index(&self) -> Result<Option<Index>, Error> {
        let path = self.path("index.json");
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let wrong = |what: String| {
            let help = "restore the registry's folder from where it is kept, or publish into another one";
            Error::new(Kind::Lie, what).at(path.display()).help(help)
        };
        parse_index(&bytes).map(Some).map_err(wrong)
    }

    fn known(&self) -> Result<Index, Error> {
        self.index()?.ok_or_else(|| {
            Error::new(Kind::Absent, format!("there is no model `{}` in the registry", self.name))
                .at(self.root.display())
                .help("`cargo modeldeploy search` lists what there is, `publish` adds to it")
        })
    }

    pub(crate) fn versions(&self) -> Result<Vec<Listed>, Error> {
        let index = self.known()?;
        let listed = |descriptor: &Descriptor| {
            let version = Version::parse(descriptor.annotations.get(REF_NAME)?).ok()?;
            Some(Listed { version, marked: descriptor.annotations.contains_key(YANKED) })
        };
        Ok(index.manifests.iter().filter_map(listed).collect())
    }

    pub(crate) fn yanked(&self, version: &Version) -> Result<Option<String>, Error> {
        let index = self.known()?;
        Ok(self.descriptor(&index, version)?.annotations.get(YANKED).cloned())
    }

    fn descriptor<'i>(&self, index: &'i Index, version: &Version) -> Result<&'i Descriptor, Error> {
        let wanted = version.to_string();
        let found = index.manifests.iter().find(|it| it.annotations.get(REF_NAME) == Some(&wanted));
        found.ok_or_else(|| Error::new(Kind::Absent, format!("`{}` has no version {version}", self.name)).at(self))
    }

    pub(crate) fn manifest(&self, version: &Version) -> Result<(Vec<u8>, Digest), Error> {
        let digest = self.descriptor(&self.known()?, version)?.digest;
        Ok((self.manifest_of(&digest)?, digest))
    }

    pub(crate) fn manifest_of(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let path = self.blob_path(digest);
        let bytes = read(&path)?
            .ok_or_else(|| Error::new(Kind::Absent, format!("the registry has no manifest {digest}")).at(self))?;
        if Digest::of(&bytes) == *digest {
            return Ok(bytes);
        }
        Err(Error::new(Kind::Lie, "the manifest's bytes are not those that its digest promises").at(path.display()))
    }

    pub(crate) fn blob(&self, digest: &Digest, from: u64) -> Result<Coming, Error> {
        let path = self.blob_path(digest);
        let open = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(from))?;
            Ok(file)
        };
        let file =
            open().map_err(|error: std::io::Error| Error::io("the registry's file cannot be read", &path, &error))?;
        Ok(Coming { from, bytes: Box::new(file) })
    }

    pub(crate) fn store(
        &self,
        facts: &Facts,
        artifact: &Artifact,
        files: &[PathBuf],
        heard: &dyn Fn(&str),
    ) -> Result<(), Error> {
        self.change(|index| {
            for (file, path) in facts.files.iter().zip(files) {
                heard(&file.path);
                let to = self.blob_path(&file.digest);
                if file_facts(&to) != Some((file.size, file.digest)) {
                    copy(path, &to, &file.digest)?;
                }
            }
            for bytes in [&artifact.config, &artifact.manifest] {
                write(&self.blob_path(&Digest::of(bytes)), bytes)?;
            }
            write(&self.path("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
            index.manifests.push(Descriptor {
                media_type: MANIFEST.into(),
                digest: artifact.digest(),
                size: artifact.manifest.len() as u64,
                artifact_type: Some(ARTIFACT.into()),
                annotations: BTreeMap::from([(REF_NAME.into(), facts.version.to_string())]),
            });
            Ok(())
        })
    }

    pub(crate) fn yank(&self, version: &Version, reason: Option<&str>) -> Result<(), Error> {
        self.descriptor(&self.known()?, version)?;
        let wanted = version.to_string();
        self.change(|index| {
            for descriptor in index.manifests.iter_mut().filter(|it| it.annotations.get(REF_NAME) == Some(&wanted)) {
                match reason {
                    Some(reason) => drop(descriptor.annotations.insert(YANKED.into(), reason.into())),
                    None => drop(descriptor.annotations.remove(YANKED)),
                }
            }
            Ok(())
        })
    }

    /// Changes the index while no other process does.
    fn change(&self, change: impl FnOnce(&mut Index) -> Result<(), Error>) -> Result<(), Error> {
        let path = self.path("lock");
        let hold = || {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let file = File::options().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        let held = hold().map_err(|error: std::io::Error| Error::io("the registry cannot be held", &path, &error))?;
        let mut index = self.index()?.unwrap_or(Index {
            schema_version: 2,
            media_type: "application/vnd.oci.image.index.v1+json".into(),
            manifests: vec![],
        });
        change(&mut index)?;
        let bytes = serde_json::to_vec_pretty(&index).expect("string keys and plain values");
        write(&self.path("index.json"), &bytes)?;
        drop(held);
        Ok(())
    }

    pub(crate) fn models(root: &Path) -> Result<Vec<Home>, Error> {
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(Error::io("the registry cannot be read", root, &error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let is_model = |name: &String| check_repository(name).is_ok() && root.join(name).join("index.json").is_file();
        let mut names: Vec<String> = names.filter(is_model).collect();
        names.sort();
        Ok(names.into_iter().map(|name| Home::Folder { root: root.to_owned(), name }).collect())
    }
}

impl std::fmt::Display for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "file:{}/{}", self.root.display(), self.name)
    }
}

fn parse_index(bytes: &[u8]) -> Result<Index, String> {
    let index: Index = serde_json::from_slice(bytes).map_err(|error| format!("it is no index of a layout: {error}"))?;
    if index.schema_version == 2 { Ok(index) } else { Err("it is an index of another version".into()) }
}

/// A file's bytes up to the limit, or `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = vec![];
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("the registry's file cannot be read", path, &error)),
    };
    let read = file.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::io("the registry's file cannot be read", path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Error::new(Kind::Lie, format!("the file has more than {LIMIT} bytes")).at(path.display()));
    }
    Ok(Some(bytes))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    persist(path, |file| file.write_all(bytes))
}

/// Copies a file, if it has that digest.
fn copy(from: &Path, to: &Path, digest: &Digest) -> Result<(), Error> {
    let unreadable = |error: &std::io::Error| Error::io("the model's file cannot be read", from, error);
    let mut source = File::open(from).map_err(|error| unreadable(&error))?;
    let mut hasher = Hasher::default();
    persist(to, |file| {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match source.read(&mut buffer)? {
                0 => break,
                read => {
                    hasher.update(&buffer[..read]);
                    file.write_all(&buffer[..read])?;
                }
            }
        }
        if hasher.finish() == *digest { Ok(()) } else { Err(std::io::Error::other("it changed while it was copied")) }
    })
}

fn persist(path: &Path, fill: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let done = || {
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".draft-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Others may fetch from it; the process' umask takes from it what it usually does.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut draft = builder.tempfile_in(folder)?;
        fill(draft.as_file_mut())?;
        draft.as_file().sync_all()?;
        draft.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    done().map_err(|error: std::io::Error| Error::io("the registry cannot be written", path, &error))
}

/// Reads an index, as a fuzz target wants it: whether it is one.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_index(bytes: &[u8]) -> Result<usize, String> {
    parse_index(bytes).map(|index| index.manifests.len())
}
