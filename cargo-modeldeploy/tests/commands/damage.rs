//! What goes wrong with the store and the disk.

use crate::shop::{Said, Shop};
use std::fs;
use std::process::Command;

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
fn clean_keeps_what_is_locked() {
    let shop = Shop::locked("");
    let first = shop.files(".modeldeploy/sha256");
    shop.append("Cargo.toml", "quantize = \"f32\"\n");
    shop.run(&["lock"]).code(0);
    let removed = shop.run(&["clean", "--format", "json"]).code(0).json();
    assert_eq!(removed["files"], first.len());
    let kept = shop.files(".modeldeploy/sha256");
    assert!(kept.len() == 3 && kept.iter().all(|path| !first.contains(path)), "{kept:?}");
    shop.run(&["clean"]).code(0).errs(&["Removed 0 files"]);
    shop.run(&["clean", "--all"]).code(0).errs(&["Removed 3 files"]);
    assert_eq!(shop.files(".modeldeploy/sha256"), [] as [std::path::PathBuf; 0]);
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
