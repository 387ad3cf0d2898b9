//! What is written: the same bytes for the same contents, layers that stay, programs that run in an empty root.

use crate::elf::{AARCH64, DYNAMIC, INTERPRETER, LOAD, X86_64, dynamic, elf, program};
use modeldeploy_format::Digest;
use modeldeploy_image::{Contents, Error, Image, Name, Pack, docker_archive, of_static, read, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

pub(crate) const PACKS: [&[u8]; 2] = [&[7; 3000], b"the smaller pack"];

pub(crate) fn contents<'a>(program: &'a [u8], packs: &[&'a [u8]]) -> Contents<'a> {
    Contents {
        file_name: "shop".into(),
        program,
        packs: packs.iter().map(|bytes| Pack { of: "encoder 1.0.0".into(), bytes }).collect(),
        arguments: vec![],
        variables: vec!["MODELDEPLOY_LISTEN=0.0.0.0:8080".into()],
        ports: vec![8080],
        labels: BTreeMap::from([("org.opencontainers.image.version".into(), "1.2.0".into())]),
        created: 0,
    }
}

pub(crate) fn name() -> Name {
    Name::parse("shop", "1.2.0").expect("a name")
}

fn written(contents: &Contents<'_>, into: &Path) -> Image {
    write(contents, &name(), into).expect("an image")
}

/// All files of a folder with their bytes, by their names.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for part in ["", "blobs/sha256"] {
        for entry in fs::read_dir(folder.join(part)).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.path().is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                found.insert(name, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn the_same_contents_are_the_same_image_whatever_their_order_and_their_folder() {
    let folder = tempdir().expect("a folder");
    let program = program("shop");
    let one = written(&contents(&program, &PACKS), &folder.path().join("one"));
    let swapped = [PACKS[1], PACKS[0], PACKS[1]];
    let two = written(&contents(&program, &swapped), &folder.path().join("further/down"));
    assert_eq!(one.digest, two.digest);
    assert_eq!(files(&one.folder), files(&two.folder));
    let archives = ["one.tar", "two.tar"].map(|file| folder.path().join(file));
    docker_archive(&one, &archives[0]).expect("an archive");
    docker_archive(&two, &archives[1]).expect("an archive");
    assert!(fs::read(&archives[0]).expect("a file") == fs::read(&archives[1]).expect("a file"));
    // Written over itself it stays, and nothing is left of what was before.
    let over = written(&contents(&crate::elf::program("other"), &PACKS), &one.folder);
    assert_ne!(over.digest, two.digest);
    assert_eq!(files(&over.folder).len(), files(&two.folder).len());
    written(&contents(&program, &PACKS), &over.folder);
    assert_eq!(files(&over.folder), files(&two.folder));
}

#[test]
fn a_change_of_the_program_ships_the_program_and_one_of_a_model_that_model() {
    let folder = tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let [first, second] = ["first", "second"].map(program);
    let before = written(&contents(&first, &PACKS), &at("before"));
    let code = written(&contents(&second, &PACKS), &at("code"));
    let digests = |image: &Image| image.layers.iter().map(|layer| layer.digest).collect::<Vec<_>>();
    assert_eq!(digests(&before)[..2], digests(&code)[..2]);
    assert_ne!(digests(&before)[2], digests(&code)[2]);
    // The heaviest lies lowest, and weights are as they are.
    let sizes: Vec<u64> = before.layers.iter().map(|layer| layer.size).collect();
    assert!(sizes[0] > 3000 && sizes[0] == before.layers[0].unpacked, "{sizes:?}");
    assert!(before.layers[2].size < before.layers[2].unpacked, "the program is compressed");
    let other = [PACKS[0], b"a pack of another version".as_slice()];
    let model = written(&contents(&first, &other), &at("model"));
    let changed = digests(&before).iter().zip(digests(&model)).map(|(one, two)| *one == two).collect::<Vec<_>>();
    assert_eq!(changed, [true, false, true]);
    // Another service with the same model has the same layer.
    let mut another = contents(&second, &PACKS[..1]);
    another.file_name = "till".into();
    another.labels.clear();
    assert_eq!(digests(&written(&another, &at("till")))[0], digests(&before)[0]);
}

#[test]
fn what_is_written_is_read_back_from_a_folder_and_from_an_archive() {
    let folder = tempdir().expect("a folder");
    let program = program("shop");
    let image = written(&contents(&program, &PACKS), &folder.path().join("image"));
    let archive = folder.path().join("shop.tar");
    docker_archive(&image, &archive).expect("an archive");
    for path in [&image.folder, &archive] {
        assert!(read::is_image(path));
        let found = read::open(path).expect("an image");
        assert_eq!((found.digest, found.path.as_str(), found.layers), (image.digest, "/shop", 3));
        assert!(found.program == program);
        assert_eq!((found.user.as_str(), found.platform.to_string().as_str()), ("65534:65534", "linux/amd64"));
        assert_eq!(found.labels["org.opencontainers.image.version"], "1.2.0");
        let mut packs: Vec<_> = found.packs.iter().map(|pack| (pack.digest, pack.size)).collect();
        packs.sort_by_key(|pack| pack.1);
        assert_eq!(packs, [PACKS[1], PACKS[0]].map(|pack| (Digest::of(pack), pack.len() as u64)));
    }
    // Without weights of its own it is one layer, and nothing tells of packs.
    let alone = written(&contents(&program, &[]), &folder.path().join("alone"));
    let found = read::open(&alone.folder).expect("an image");
    assert_eq!((found.layers, found.packs.len()), (1, 0));
}

#[test]
fn only_a_program_that_needs_nothing_gets_into_an_image() {
    let load = || (LOAD, vec![0x90; 64]);
    for (what, bytes, said) in [
        ("static", program("x"), Ok("linux/amd64")),
        ("static, at any address", elf(X86_64, 1, &[load(), (DYNAMIC, dynamic(&[5, 6]))]), Ok("linux/amd64")),
        ("for another processor", elf(AARCH64, 1, &[load()]), Ok("linux/arm64")),
        (
            "dynamic",
            elf(X86_64, 1, &[load(), (INTERPRETER, b"/lib64/ld-linux-x86-64.so.2\0".to_vec())]),
            Err("asks for the loader /lib64/ld-linux-x86-64.so.2"),
        ),
        ("with a library", elf(X86_64, 1, &[load(), (DYNAMIC, dynamic(&[1]))]), Err("asks for libraries")),
        ("a library", elf(X86_64, 0, &[load()]), Err("it is a library")),
        ("for no processor", elf(4711, 1, &[load()]), Err("ELF machine 4711")),
        ("a script", b"#!/bin/sh\nexec shop\n".to_vec(), Err("no ELF executable")),
        ("cut off", program("x")[..80].to_vec(), Err("cannot be read")),
        ("nothing", vec![], Err("no ELF executable")),
    ] {
        match (of_static(&bytes), said) {
            (Ok(platform), Ok(said)) => assert_eq!(platform.to_string(), said, "{what}"),
            (Err(Error::Program(why)), Err(said)) => assert!(why.contains(said), "{what}: {why}"),
            (got, _) => panic!("{what}: {got:?}"),
        }
    }
    // The test itself is a program of this system; Rust links those dynamically unless told otherwise.
    let own = fs::read(std::env::current_exe().expect("a path")).expect("a program");
    assert!(matches!(of_static(&own), Err(Error::Program(why)) if why.contains("asks for the loader")));
}

#[test]
fn what_cannot_stand_in_an_image_is_refused_before_anything_is_written() {
    let folder = tempdir().expect("a folder");
    let into = folder.path().join("image");
    let program = program("shop");
    let refused = |change: &dyn Fn(&mut Contents<'_>), said: &str| {
        let mut contents = contents(&program, &[]);
        change(&mut contents);
        match write(&contents, &name(), &into) {
            Err(Error::Input(why)) => assert!(why.contains(said), "{why}"),
            other => panic!("{said}: {other:?}"),
        }
        assert!(!into.exists());
    };
    for name in ["", "a/b", "..", "packs", "shöp", &"x".repeat(81)] {
        refused(&|contents| contents.file_name = name.into(), "cannot be the program's name");
    }
    refused(&|contents| contents.variables.push("LISTEN".into()), "`LISTEN` is no variable");
    refused(&|contents| contents.variables.push("=1".into()), "`=1` is no variable");
    refused(&|contents| contents.created = u64::MAX, "past the year 9999");
    let many: Vec<Vec<u8>> = (0..101_u8).map(|byte| vec![byte]).collect();
    refused(
        &|contents| {
            contents.packs = many.iter().map(|bytes| Pack { of: String::new(), bytes: bytes.clone().leak() }).collect()
        },
        "101 packs",
    );
}

#[test]
fn a_folder_with_something_else_is_left_as_it_is() {
    let folder = tempdir().expect("a folder");
    let program = program("shop");
    let list = |count: usize| {
        let one = "{\"mediaType\": \"a/b\", \"digest\": \"sha256:0\", \"size\": 1}";
        format!("{{\"schemaVersion\": 2, \"manifests\": [{}]}}", vec![one; count].join(","))
    };
    for (file, text, said) in [
        ("notes.txt", "mine".to_owned(), "holds files that are no image"),
        ("index.json", list(2), "holds 2 images"),
        ("index.json", "{}".to_owned(), "index.json is none of an image"),
    ] {
        let into = folder.path().join(said.replace(' ', "-"));
        fs::create_dir(&into).expect("a folder");
        fs::write(into.join(file), &text).expect("a file");
        match write(&contents(&program, &[]), &name(), &into) {
            Err(Error::Input(why)) => assert!(why.contains(said), "{why}"),
            other => panic!("{said}: {other:?}"),
        }
        assert_eq!(fs::read_to_string(into.join(file)).expect("a file"), text);
        assert_eq!(fs::read_dir(&into).expect("a folder").count(), 1);
    }
}
