//! Images that are altered, or made to be one thing to who reads them and another to who runs them, or to cost who reads them.

use crate::elf::program;
use crate::foreign::opened;
use crate::forge::{Entry, Forged, archive, file, folder, gzip, link, pax, tar};
use crate::written::{PACKS, contents, name};
use modeldeploy_format::Digest;
use modeldeploy_image::read::{Limits, open, open_archive};
use modeldeploy_image::{Error, write};
use serde_json::json;
use std::fs;
use std::io::Cursor;
use tar::EntryType;
use tempfile::tempdir;

#[track_caller]
fn refused(what: &str, found: Result<impl std::fmt::Debug, Error>, said: &str) {
    match found {
        Err(Error::Altered(why) | Error::Unreadable(why)) => assert!(why.contains(said), "{what}: {why}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let shop = || file("shop", b"good");
    let evil = |name: &str| file(name, b"evil");
    let long = |name: &str, bytes: &[u8]| Entry { kind: EntryType::GNULongName, ..file(name, bytes) };
    let global = |it: Entry| Entry { kind: EntryType::XGlobalHeader, ..it };
    let sparse = |it: Entry| Entry { kind: EntryType::GNUSparse, ..it };
    for (layers, said) in [
        (vec![vec![shop(), evil("../shop")]], "leaves the root"),
        (vec![vec![shop(), evil("x/../shop")]], "leaves the root"),
        (vec![vec![shop(), evil("/shop")]], "leaves the root"),
        (vec![vec![shop(), pax(&[("path", "../shop")]), evil("x")]], "leaves the root"),
        (vec![vec![shop(), pax(&[("path", "shop\0x")]), evil("x")]], "leaves the root"),
        // Written through a link, it is the other.
        (vec![vec![shop(), link("x", "."), evil("x/shop")]], "goes through `x`"),
        (vec![vec![shop(), link("x", ".")], vec![evil("x/shop")]], "goes through `x`"),
        (vec![vec![shop()], vec![evil("shop/x")]], "goes through `shop`"),
        (vec![vec![shop(), evil("shop")]], "`shop` is in it twice"),
        (vec![vec![shop(), evil("./shop")]], "`shop` is in it twice"),
        (vec![vec![shop(), link("shop", "x")]], "`shop` is in it twice"),
        (vec![vec![shop(), folder("shop/")]], "`shop` is in it twice"),
        (vec![vec![folder("shop/"), file("shop/x", b""), evil("shop")]], "`shop` is"),
        // A whiteout is of the layers below; some take it for one of its own.
        (vec![vec![shop()], vec![evil("shop"), file(".wh.shop", b"")]], "takes away what the layer itself adds"),
        (vec![vec![shop()], vec![file(".wh.shop", b""), evil("shop")]], "is added and taken away"),
        (vec![vec![shop(), file(".wh.", b"")]], "or nothing"),
        (vec![vec![shop(), file("x/.wh...", b"")]], "or nothing"),
        // Extensions that readers understand differently, or not.
        (vec![vec![shop(), pax(&[("path", "y"), ("path", "shop")]), evil("x")]], "two names"),
        (vec![vec![shop(), long("n", b"y\0"), pax(&[("path", "shop")]), evil("x")]], "two names"),
        (vec![vec![shop(), pax(&[("size", "9")]), evil("x")]], "another size"),
        (vec![vec![shop(), pax(&[("size", "-1")]), evil("x")]], "no number"),
        (vec![vec![shop(), pax(&[("GNU.sparse.name", "shop")]), evil("x")]], "holes"),
        (vec![vec![shop(), global(pax(&[("path", "shop")])), evil("x")]], "all files"),
        (vec![vec![shop(), sparse(evil("x"))]], "is of a kind"),
        (vec![vec![shop(), pax(&[("path", "x")])]], "followed by no file"),
        (vec![vec![shop(), Entry { kind: EntryType::XHeader, ..file("n", b"99 path=shop\n") }, evil("x")]], "damaged"),
        (vec![vec![shop(), Entry { kind: EntryType::XHeader, ..file("n", b"path") }, evil("x")]], "damaged"),
        (vec![vec![shop(), file("x/", b"a folder with bytes")]], "is of a kind"),
        (vec![vec![shop(), Entry { bytes: tar(&[evil("shop")]), ..folder("x/") }]], "is no file and has bytes"),
        (vec![vec![shop(), Entry { bytes: vec![1], ..link("x", "shop") }]], "is no file and has bytes"),
        (vec![vec![shop(), pax(&[("path", "")]), evil("x")]], "gives a file no name"),
    ] {
        refused(said, opened(&Forged::of(&layers).layout()), said);
    }
    // To a reader of lines, the second line of a comment is a name.
    let comment = pax(&[("comment", "two lines\n13 path=shop")]);
    let found = opened(&Forged::of(&[vec![shop(), comment, evil("x")]]).layout()).expect("an image");
    assert_eq!(found.program, b"good");
}

#[test]
fn archives_of_images_with_links_or_two_meanings_are_refused() {
    let forged = Forged::of(&[vec![file("shop", b"good")]]);
    let entries: Vec<Entry> = forged.layout().iter().map(|(name, bytes)| file(name, bytes)).collect();
    let more =
        |entry: Entry| open_archive(Cursor::new(tar(&[entries.clone(), vec![entry]].concat())), Limits::default());
    refused("twice", more(file("index.json", b"{}")), "has `index.json` twice");
    refused("twice", more(file("./index.json", b"{}")), "has `index.json` twice");
    refused("a link", more(link("manifest.json", "/etc/passwd")), "is a link or no file");
    refused("a link twice", more(link("index.json", "x")), "has `index.json` twice");
    // Beside what is listed, links are as Docker writes them.
    assert!(more(link("0123/layer.tar", "../0/layer.tar")).is_ok());
    refused("outside", more(file("../x", b"")), "leaves the root");
    // Docker would run one, containerd the other.
    let evil = Forged::of(&[vec![file("shop", b"evil")]]);
    let both = forged.layout().into_iter().chain(evil.docker()).collect();
    refused("two images", opened(&both), "are of two images");
    let mut other = forged.docker();
    let config = other.keys().find(|name| name.ends_with(".json") && *name != "manifest.json").expect("one").clone();
    other.insert(config, evil.docker().into_iter().find(|(name, _)| name.ends_with(".json")).expect("one").1);
    refused("another configuration", opened(&other), "which is not its name");
    let mut bare = forged.layout();
    bare.remove("oci-layout");
    refused("no layout", opened(&bare), "it has no oci-layout");
    bare.insert("oci-layout".into(), b"{\"imageLayoutVersion\": \"2.0.0\"}".to_vec());
    refused("another layout", opened(&bare), "of version 2.0.0");
    refused("nothing", opened(&[("x".to_owned(), vec![])].into()), "no image: it has neither");
    refused("an empty archive", opened(&[].into()), "no image: it has neither");
}

#[test]
fn every_byte_of_an_image_counts() {
    let folder = tempdir().expect("a folder");
    let program = program("shop");
    let image = write(&contents(&program, &PACKS), &name(), &folder.path().join("image")).expect("an image");
    let blobs = image.folder.join("blobs/sha256");
    for entry in fs::read_dir(blobs).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let whole = fs::read(&entry).expect("a blob");
        for at in (0..whole.len()).step_by(whole.len() / 97 + 1) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&entry, changed).expect("a blob");
            assert!(
                matches!(open(&image.folder), Err(Error::Altered(_) | Error::Unreadable(_))),
                "{entry:?}, byte {at}"
            );
        }
        for other in [&whole[..whole.len() - 1], &[&whole[..], b"\0"].concat(), b""] {
            fs::write(&entry, other).expect("a blob");
            assert!(open(&image.folder).is_err(), "{entry:?}");
        }
        fs::remove_file(&entry).expect("removed");
        refused("gone", open(&image.folder), "is not there");
        #[cfg(unix)]
        {
            let beside = folder.path().join("beside");
            fs::write(&beside, &whole).expect("a blob");
            std::os::unix::fs::symlink(&beside, &entry).expect("a link");
            refused("a link", open(&image.folder), "is a link or no file");
            fs::remove_file(&entry).expect("removed");
        }
        fs::write(&entry, whole).expect("a blob");
    }
    assert!(open(&image.folder).is_ok());
}

#[test]
fn layers_are_held_to_both_of_their_digests() {
    let good = Forged::of(&[vec![file("shop", b"good")]]);
    let mut other = good.clone();
    other.unpacked[0] = Digest::of(b"another");
    refused("unpacked", opened(&other.layout()), "unpacked, the digest");
    refused("unpacked", opened(&other.docker()), "unpacked, the digest");
    let mut fewer = good.clone();
    fewer.unpacked.clear();
    refused("fewer", opened(&fewer.layout()), "its configuration speaks of 0");
    let mut zstd = good.clone();
    zstd.layers[0] = b"\x28\xb5\x2f\xfd\0".to_vec();
    refused("zstd", opened(&zstd.layout()), "compressed by zstd");
    let mut behind = good.clone();
    behind.layers[0] = [gzip(&good.layers[0]), b"behind".to_vec()].concat();
    refused("behind", opened(&behind.layout()), "cannot be unpacked");
    let whole = archive(&good.layout());
    // Behind the last file's bytes lie zeros alone.
    for cut in (0..whole.len() - 1024 - 512).step_by(100) {
        assert!(open_archive(Cursor::new(whole[..cut].to_vec()), Limits::default()).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_pack_is_what_its_name_says() {
    let pack = |name: &str, bytes: &[u8]| file(&format!("packs/{name}.pack"), bytes);
    let execution = json!({"Entrypoint": ["/shop"], "Env": ["MODELDEPLOY_PACKS=/packs"]});
    let image = |layers: &[Vec<Entry>]| opened(&Forged::of(layers).starting(execution.clone()).layout());
    let right = Digest::of(b"weights").hex();
    let below = vec![folder("packs/"), pack(&right, b"weights"), file("packs/notes", b""), folder("packs/more")];
    let found = image(&[below.clone(), vec![file("shop", b"good")]]).expect("an image");
    assert_eq!(found.packs.iter().map(|pack| pack.digest).collect::<Vec<_>>(), [Digest::of(b"weights")]);
    // What lies over it counts.
    refused(
        "over",
        image(&[below.clone(), vec![file("shop", b"good"), pack(&right, b"others")]]),
        "which is not its name",
    );
    let gone = image(&[below, vec![file("shop", b"good"), file(&format!("packs/.wh.{right}.pack"), b"")]]);
    assert!(gone.expect("an image").packs.is_empty());
    // Beside the program, where nothing else is said.
    let beside =
        vec![file("shop", b"good"), folder("shop.packs/"), file(&format!("shop.packs/{right}.pack"), b"weights")];
    assert_eq!(opened(&Forged::of(&[beside]).layout()).expect("an image").packs.len(), 1);
}

#[test]
fn no_image_costs_more_than_the_limits() {
    let limits = Limits { document: 4096, layers: 3, entries: 40, names: 2000, unpacked: 1 << 20, program: 5000 };
    let open = |forged: &Forged| open_archive(Cursor::new(archive(&forged.layout())), limits);
    let shop = || file("shop", b"good");
    assert!(open(&Forged::of(&[vec![shop()]])).is_ok());
    refused("layers", open(&Forged::of(&[vec![shop()], vec![], vec![], vec![]])), "4 layers");
    let many = (0..50).map(|at| file(&format!("x{at}"), b"")).collect();
    refused("entries", open(&Forged::of(&[vec![shop()], many])), "more files");
    let long = pax(&[("path", &"x".repeat(1900))]);
    refused("names", open(&Forged::of(&[vec![shop(), long, file("x", b"")]])), "longer names");
    refused("the program", open(&Forged::of(&[vec![file("shop", &[1; 6000])]])), "has 6000 bytes");
    let mut bomb = Forged::of(&[vec![shop(), file("x", &vec![0; 2 << 20])]]);
    bomb.layers[0] = gzip(&bomb.layers[0]);
    assert!(bomb.layers[0].len() < 20_000);
    refused("a bomb", open(&bomb), "more, unpacked, than is read");
    let name = Entry { kind: EntryType::GNULongName, ..file("n", &vec![b'x'; 3 << 20]) };
    let big = Forged::of(&[vec![shop(), name, file("x", b"")]]);
    refused("a name", open_archive(Cursor::new(archive(&big.layout())), Limits::default()), "more than a megabyte");
    let mut files = Forged::of(&[vec![shop()]]).layout();
    files.insert("index.json".into(), vec![b' '; 5000]);
    refused("a document", open_archive(Cursor::new(archive(&files)), limits), "documents of up to 4096");
    // Deep documents end in an error, not in the stack.
    files.insert("index.json".into(), [b"[".repeat(4000), b"]".repeat(4000)].concat()[..4000].to_vec());
    refused("deep", open_archive(Cursor::new(archive(&files)), limits), "cannot be read");
}
