//! Images that others made: Docker's archives, layers over layers, programs named as shells name them.

use crate::elf::program;
use crate::forge::{Entry, Forged, archive, file, folder, gzip, link, list, pax, put};
use modeldeploy_image::Error;
use modeldeploy_image::read::{Found, Limits, open, open_archive};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use tempfile::tempdir;

pub(crate) fn opened(files: &BTreeMap<String, Vec<u8>>) -> Result<Found, Error> {
    open_archive(Cursor::new(archive(files)), Limits::default())
}

/// The program that an image of these layers starts, as a text.
fn started(layers: &[Vec<Entry>], execution: Value) -> String {
    let found = opened(&Forged::of(layers).starting(execution).layout()).expect("an image");
    format!("{} {}", found.path, String::from_utf8_lossy(&found.program))
}

#[test]
fn dockers_archives_and_folders_of_others_are_read() {
    let shop = program("shop");
    let plain = Forged::of(&[vec![folder("./"), file("./shop", &shop)]]);
    let mut packed = plain.clone();
    packed.layers[0] = gzip(&packed.layers[0]);
    // Of several members, as tools that compress in parallel write it.
    let mut members = plain.clone();
    let (one, two) = members.layers[0].split_at(700);
    members.layers[0] = [gzip(one), gzip(two)].concat();
    for (what, forged) in [("plain", plain), ("gzip", packed), ("members", members)] {
        for files in [forged.layout(), forged.docker()] {
            let found = opened(&files).expect(what);
            assert!(found.program == shop, "{what}");
        }
        let both = forged.layout();
        let here = tempdir().expect("a folder");
        for (name, bytes) in &both {
            let path = here.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        assert!(open(here.path()).expect(what).program == shop, "{what}");
    }
}

#[test]
fn what_upper_layers_change_or_take_away_counts() {
    let shop = json!({"Entrypoint": ["/app/shop"]});
    let below = vec![folder("app/"), file("app/shop", b"old"), file("app/notes", b"")];
    assert_eq!(started(std::slice::from_ref(&below), shop.clone()), "/app/shop old");
    assert_eq!(started(&[below.clone(), vec![file("app/shop", b"new")]], shop.clone()), "/app/shop new");
    assert_eq!(started(&[below.clone(), vec![file("app/.wh.notes", b"")]], shop.clone()), "/app/shop old");
    let opaque = vec![folder("app/"), file("app/.wh..wh..opq", b""), file("app/shop", b"new")];
    assert_eq!(started(&[below.clone(), opaque], shop.clone()), "/app/shop new");
    for gone in [
        vec![file("app/.wh.shop", b"")],
        vec![file(".wh.app", b"")],
        vec![folder("app/"), file("app/.wh..wh..opq", b"")],
        vec![file("app", b"a file in the place of the folder")],
    ] {
        let refused = opened(&Forged::of(&[below.clone(), gone]).starting(shop.clone()).layout());
        assert!(matches!(&refused, Err(Error::Unreadable(why)) if why.contains("is not in it")), "{refused:?}");
    }
    let again = [below, vec![file(".wh.app", b"")], vec![folder("app/"), file("app/shop", b"again")]];
    assert_eq!(started(&again, shop), "/app/shop again");
}

#[test]
fn a_program_is_found_as_the_container_finds_it() {
    let layers =
        [vec![folder("usr/"), folder("usr/bin/"), file("usr/bin/shop", b"b"), file("shop", b"a"), folder("bin/")]];
    for (execution, said) in [
        (json!({"Entrypoint": ["/shop"]}), "/shop a"),
        (json!({"Cmd": ["/shop", "--listen"]}), "/shop a"),
        (json!({"Entrypoint": ["shop"]}), "/usr/bin/shop b"),
        (json!({"Entrypoint": ["shop"], "Env": ["PATH=/bin:/"]}), "/shop a"),
        (json!({"Entrypoint": ["./shop"], "WorkingDir": "/usr/bin"}), "/usr/bin/shop b"),
        (json!({"Entrypoint": ["../bin/./shop"], "WorkingDir": "/usr/lib"}), "/usr/bin/shop b"),
        (json!({"Entrypoint": ["/../../shop"]}), "/shop a"),
    ] {
        assert_eq!(started(&layers, execution), said);
    }
    // A name longer than a header has room for.
    let long = format!("{}/shop", "x".repeat(90));
    let layer =
        vec![folder(&format!("{}/", "x".repeat(90))), pax(&[("mtime", "1.5"), ("path", &long)]), file("cut", b"l")];
    assert_eq!(started(&[layer], json!({"Entrypoint": [format!("/{long}")]})), format!("/{long} l"));
}

#[test]
fn what_starts_no_program_of_its_own_is_told() {
    let layer = vec![file("shop", b"a"), link("till", "shop"), folder("bin/"), link("sbin", "bin"), folder("app/")];
    for (execution, said) in [
        (json!({}), "starts no program"),
        (json!({"Entrypoint": [""]}), "starts no program"),
        (json!({"Entrypoint": ["/till"]}), "the link /till"),
        (json!({"Entrypoint": ["/sbin/shop"]}), "the link /sbin"),
        (json!({"Entrypoint": ["/app"]}), "is not in it"),
        (json!({"Entrypoint": ["shop"]}), "the link /sbin"),
        (json!({"Entrypoint": ["/shop/x"]}), "is not in it"),
    ] {
        match opened(&Forged::of(std::slice::from_ref(&layer)).starting(execution.clone()).layout()) {
            Err(Error::Unreadable(why)) => assert!(why.contains(said), "{execution}: {why}"),
            other => panic!("{execution}: {other:?}"),
        }
    }
}

#[test]
fn one_image_of_a_list_is_read_and_of_several_none_is_chosen() {
    let forged = Forged::of(&[vec![file("shop", b"a")]]);
    let mut files = forged.layout();
    let index: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
    let image = index["manifests"][0].clone();
    let mut attestation = image.clone();
    attestation["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    let mut other = image.clone();
    other["platform"] = json!({"architecture": "arm64", "os": "linux"});
    let nested =
        put(&mut files, "application/vnd.oci.image.index.v1+json", &list(&[image.clone(), attestation.clone()]));
    let twice = put(&mut files, "application/vnd.oci.image.index.v1+json", &list(std::slice::from_ref(&nested)));
    for (manifests, said) in [
        (vec![image.clone(), attestation], None),
        (vec![nested], None),
        (vec![twice], Some("which is no image")),
        (vec![image, other], Some("linux/arm64")),
        (vec![], Some("lists no image")),
    ] {
        files.insert("index.json".into(), list(&manifests));
        match (opened(&files), said) {
            (Ok(found), None) => assert_eq!(found.program, b"a"),
            (Err(Error::Unreadable(why)), Some(said)) => assert!(why.contains(said), "{why}"),
            (other, _) => panic!("{said:?}: {other:?}"),
        }
    }
}
