//! Publishing, fetching and yanking in a plain folder, and folders that somebody else has changed.

use crate::model::{FILES, facts, options, version};
use modeldeploy_format::Digest;
use modeldeploy_registry::{Error, Folder, Home, Kind, Publication, Registry, Shelf, Wish, fetch, publish, resolve};
use semver::VersionReq;
use std::fs;
use std::path::Path;

fn model() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in FILES {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn registry(root: &Path) -> Registry {
    Registry::Folder(Folder::new(root, "encoder"))
}

fn put(root: &Path, facts: modeldeploy_registry::artifact::Facts) -> Result<Publication, Error> {
    publish(&registry(root), facts, model().path(), false, &|_| {})
}

#[test]
fn what_is_published_is_fetched_again() {
    let (root, store) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let registry = registry(root.path());
    assert_eq!(registry.versions().expect_err("nothing yet").kind, Kind::Absent);
    let source = model();
    fs::write(source.path().join("README.md"), "A model.").expect("a file");
    let published = publish(&registry, facts("1.0.0"), source.path(), false, &|_| {}).expect("published");
    assert!(!published.known && published.since.is_none());
    assert!(publish(&registry, facts("1.0.0"), source.path(), false, &|_| {}).expect("the same").known);
    let any = VersionReq::STAR;
    let resolved = resolve(&registry, &Wish::Newest(&any)).expect("a version");
    let shelf = Shelf::new(store.path());
    let pin = fetch(&registry, &resolved.facts, &resolved.digest, &shelf, &options(), &|_, _| {}).expect("fetched");
    assert_eq!(fs::read_to_string(shelf.folder(&pin.tree).join("README.md")).expect("a file"), "A model.");
    let homes = Registry::models(&root.path().display().to_string(), Path::new(""), &options()).expect("models");
    assert_eq!(homes, [Home::Folder { root: root.path().into(), name: "encoder".into() }]);
}

#[test]
fn a_version_is_never_changed_and_must_be_what_its_number_promises() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path(), facts("1.0.0")).expect("published");
    let mut other = facts("1.0.0");
    other.license = None;
    let error = put(root.path(), other).expect_err("another 1.0.0");
    assert!(error.kind == Kind::Unpublishable && error.message.contains("there already, with other bytes"), "{error}");
    let mut other = facts("1.1.0");
    other.space = Some(Digest::of(b"another space"));
    let error = put(root.path(), other.clone()).expect_err("not compatible");
    assert!(error.kind == Kind::Unpublishable && error.message.contains("indexes must be made anew"), "{error}");
    assert!(error.help.as_ref().is_some_and(|help| help.contains("2.0.0")), "{error:?}");
    for version in ["2.0.0-rc.1", "2.0.0"] {
        other.version = semver::Version::parse(version).expect("a version");
        put(root.path(), other.clone()).expect(version);
    }
    let mut changed = facts("1.0.1");
    changed.files[0].digest = Digest::of(b"other bytes");
    let error = put(root.path(), changed).expect_err("a file that is not the locked one");
    assert!(error.message.contains("is not the locked file"), "{error}");
}

#[test]
fn a_yank_is_seen_and_taken_back() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path(), facts("1.0.0")).expect("published");
    let (registry, any) = (registry(root.path()), VersionReq::STAR);
    registry.yank(&version(), Some("it leaks")).expect("yanked");
    let error = resolve(&registry, &Wish::Newest(&any)).expect_err("yanked");
    assert!(error.kind == Kind::Yanked && error.message.contains("1.0.0 (it leaks)"), "{error}");
    registry.yank(&version(), None).expect("taken back");
    resolve(&registry, &Wish::Newest(&any)).expect("a version");
    let absent = semver::Version::new(7, 0, 0);
    assert_eq!(registry.yank(&absent, Some("x")).expect_err("no such version").kind, Kind::Absent);
}

#[test]
fn a_folder_that_was_changed_is_noticed() {
    let root = tempfile::tempdir().expect("a folder");
    let published = put(root.path(), facts("1.0.0")).expect("published");
    let registry = registry(root.path());
    let blob = |digest: &Digest| root.path().join("encoder/blobs/sha256").join(digest.hex());
    let index = root.path().join("encoder/index.json");
    let kept = fs::read(&index).expect("an index");
    for text in ["", "{}", "[]", "{\"schemaVersion\": 3, \"manifests\": []}"] {
        fs::write(&index, text).expect("written");
        assert_eq!(registry.versions().expect_err(text).kind, Kind::Lie, "{text}");
    }
    fs::write(&index, kept).expect("written");
    let manifest = fs::read(blob(&published.digest)).expect("a manifest");
    fs::write(blob(&published.digest), "{}").expect("written");
    assert_eq!(registry.facts(&version()).expect_err("another manifest").kind, Kind::Lie);
    fs::write(blob(&published.digest), manifest).expect("written");
    let (facts, digest) = registry.facts(&version()).expect("facts");
    for (change, kind) in
        [("these are the Weights", Kind::Lie), ("these", Kind::Unreachable), ("these are the weights!", Kind::Lie)]
    {
        fs::write(blob(&facts.files[2].digest), change).expect("written");
        let store = tempfile::tempdir().expect("a folder");
        let fetched = fetch(&registry, &facts, &digest, &Shelf::new(store.path()), &options(), &|_, _| {});
        assert_eq!(fetched.expect_err(change).kind, kind, "{change}");
    }
    fs::remove_file(blob(&facts.files[2].digest)).expect("removed");
    let store = tempfile::tempdir().expect("a folder");
    let fetched = fetch(&registry, &facts, &digest, &Shelf::new(store.path()), &options(), &|_, _| {});
    assert_eq!(fetched.expect_err("no file").kind, Kind::Io);
}
