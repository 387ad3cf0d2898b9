//! What goes wrong with the store and the disk.

use crate::shop::{Said, Shop};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_byte_flipped_in_the_store_is_noticed_and_mended() {
    let shop = Shop::locked("");
    let lock = shop.read("Model.lock");
    for ending in ["pack", "compressed", "golden"] {
        let path = shop.stored(ending);
        let good = fs::read(&path).expect("a file");
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(&path, &bad).expect("damaged");
        if ending == "pack" {
            shop.run(&["inspect", "encoder"]).code(1).errs(&["MD0802", "damaged", "cargo modeldeploy lock"]);
        }
        shop.run(&["lock"]).code(0);
        assert_eq!(fs::read(&path).expect("a file"), good, "{ending}");
        assert_eq!(shop.read("Model.lock"), lock);
    }
}

#[test]
fn a_build_makes_what_the_store_lacks() {
    let shop = Shop::locked("");
    let pack = shop.stored("pack");
    let good = fs::read(&pack).expect("the pack");
    fs::remove_file(&pack).expect("removed");
    shop.run(&["build"]).code(0).errs(&["Packed encoder"]);
    assert_eq!(fs::read(&pack).expect("the pack"), good);
    fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    shop.run(&["build"]).code(0).errs(&["Packed encoder"]);
    assert_eq!(fs::read(&pack).expect("the pack"), good);

    // Neither the store nor the model's folder: the lock alone cannot give a pack.
    fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    fs::remove_dir_all(shop.path("models")).expect("removed");
    shop.run(&["build"]).code(1).errs(&["the pack of `encoder` cannot be made", "put the model's files back"]);
}

#[test]
fn a_store_that_cannot_be_written_serves_what_it_has() {
    let shop = Shop::locked("");
    // As on a read-only disk: nobody, not even root, can hold the store.
    fs::remove_file(shop.path(".modeldeploy/hold")).expect("removed");
    fs::create_dir(shop.path(".modeldeploy/hold")).expect("a folder in its place");
    let built = shop.run(&["build"]).code(0);
    assert!(!built.err.contains("Packed"), "{}", built.err);
    fs::remove_file(shop.stored("pack")).expect("removed");
    shop.run(&["build"]).code(1).errs(&["MD0803", "the store cannot be held", "MODELDEPLOY_STORE"]);
}

#[test]
fn clean_keeps_what_is_locked() {
    let shop = Shop::locked("");
    let first = shop.files(".modeldeploy/sha256");
    shop.append("Cargo.toml", "quantize = \"f32\"\n");
    shop.run(&["lock"]).code(0);
    let removed = shop.run(&["clean", "--format", "json"]).code(0).json();
    assert_eq!(removed["files"], first.len());
    let kept = shop.files(".modeldeploy/sha256");
    assert!(kept.len() == 4 && kept.iter().all(|path| !first.contains(path)), "{kept:?}");
    shop.run(&["clean"]).code(0).errs(&["Removed 0 files"]);
    shop.run(&["clean", "--all"]).code(0).errs(&["Removed 4 files"]);
    assert_eq!(shop.files(".modeldeploy/sha256"), [] as [std::path::PathBuf; 0]);
}

#[test]
fn workspaces_that_share_a_store_keep_each_others_files() {
    let [a, b] = [Shop::with_encoder(""), Shop::with_encoder("quantize = \"f32\"\n")];
    let shared = Shop::empty();
    let run = |shop: &Shop, args: &[&str]| {
        Said::of(shop.command(args).env("MODELDEPLOY_STORE", shared.path("store"))).code(0)
    };
    run(&a, &["lock"]);
    run(&b, &["lock"]);
    let both = shared.files("store/sha256");
    run(&a, &["clean"]).errs(&["Removed 0 files"]);
    assert_eq!(shared.files("store/sha256"), both);

    // Its own files alone leave with `--all`, and come back.
    run(&a, &["clean", "--all"]).errs(&["Removed 4 files"]);
    let built = run(&b, &["build"]);
    assert!(!built.err.contains("Packed"), "{}", built.err);
    run(&a, &["build"]).errs(&["Packed encoder"]);
    // Beside a pack a build writes how it is divided; that the lock's entry came out, whoever makes all of it again knows.
    let of_both = |paths: Vec<std::path::PathBuf>| -> Vec<std::path::PathBuf> {
        let own = |path: &std::path::PathBuf| path.extension().is_none_or(|it| it != "parts" && it != "derived");
        paths.into_iter().filter(own).collect()
    };
    assert_eq!(of_both(shared.files("store/sha256")), of_both(both));
    let both = shared.files("store/sha256");

    // A lock that cannot be read may name anything.
    let lock = b.read("Model.lock");
    b.write("Model.lock", "<<<<<<< HEAD\n");
    let stopped = Said::of(a.command(&["clean"]).env("MODELDEPLOY_STORE", shared.path("store")));
    stopped.code(1).errs(&["MD0703", &b.path("Model.lock").display().to_string()]);
    assert_eq!(shared.files("store/sha256"), both);
    b.write("Model.lock", &lock);

    let gone = b.path("").display().to_string();
    drop(b);
    run(&a, &["clean"]).errs(&["no Model.lock any more", gone.trim_end_matches('/'), "Removed 5 files"]);
    let again = run(&a, &["clean"]).errs(&["Removed 0 files"]);
    assert!(!again.err.contains("any more"), "{}", again.err);
}

/// Whoever waits says so when the wait begins.
#[test]
fn a_wait_for_the_store_is_said_as_it_begins() {
    let shop = Shop::locked("");
    for command in ["lock", "build", "clean"] {
        let held = fs::File::options().append(true).open(shop.path(".modeldeploy/hold")).expect("the store's");
        held.lock().expect("held");
        let mut child =
            shop.command(&[command]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let err = BufReader::new(child.stderr.take().expect("its errors"));
        let (say, heard) = mpsc::channel();
        let reader = std::thread::spawn(move || err.lines().map_while(Result::ok).for_each(|line| _ = say.send(line)));
        let said = heard.recv_timeout(Duration::from_secs(120)).expect("a line while the store is held");
        assert!(said.contains("another build has the store: this one waits"), "{command}: {said}");
        drop(held);
        assert!(child.wait().expect("it ends").success(), "{command}");
        reader.join().expect("it ends");
    }
}

/// A shell's `ulimit -f` makes every write past its limit fail, as a full disk does.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let shop = Shop::with_encoder("");
    let limited = |args: &str| {
        let script = format!("trap '' XFSZ; ulimit -f 8; exec \"$0\" modeldeploy {args}");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_cargo-modeldeploy")]);
        shop.prepare(&mut command);
        Said::of(&mut command)
    };
    limited("lock").code(1).errs(&["MD0803", "cannot be written", "free some space"]);
    assert!(!shop.path("Model.lock").exists());
    // What is whole may stay; a part of a file may not.
    for path in shop.files(".modeldeploy/sha256") {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("a file");
        assert_eq!(modeldeploy_format::Digest::of(&bytes).hex(), name);
    }
    shop.run(&["lock"]).code(0);

    let lock = shop.read("Model.lock");
    shop.append("Cargo.toml", "quantize = \"f32\"\n");
    limited("lock").code(1).errs(&["MD0803"]);
    assert_eq!(shop.read("Model.lock"), lock);
}
