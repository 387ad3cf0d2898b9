//! The store keeps what it is given, notices any damage, and never leaves a half-written file.

use super::*;
use std::process::Command;
use std::sync::mpsc;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::at(folder.path().join("store"));
    (folder, store)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() { files.extend(self::files(&entry.path())) } else { files.push(entry.path()) }
    }
    files
}

#[test]
fn what_is_put_is_got_by_its_digest() {
    let (_folder, store) = store();
    let digest = store.put(b"abc", Kind::Pack).expect("stored");
    // FIPS 180-2's vector.
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(store.path(&digest, Kind::Pack), store.root().join(format!("sha256/ba/{hex}.pack")));
    assert_eq!(&store.get(&digest, Kind::Pack).expect("there")[..], b"abc");
    assert!(store.has(&digest, Kind::Pack) && !store.has(&digest, Kind::Index));
    assert_eq!(store.put(b"abc", Kind::Pack).expect("stored again"), digest);
    assert_eq!(files(store.root()).len(), 1);
}

#[test]
fn one_byte_flipped_is_noticed_and_mended_by_the_next_put() {
    let (_folder, store) = store();
    let digest = store.put(b"weights", Kind::Compressed).expect("stored");
    let path = store.path(&digest, Kind::Compressed);
    let mut bytes = fs::read(&path).expect("the file");
    bytes[3] ^= 1;
    fs::write(&path, bytes).expect("damaged");
    let error = store.get(&digest, Kind::Compressed).map(drop).expect_err("damaged").to_string();
    for said in ["error[MD0802]", "damaged", &path.display().to_string(), "cargo modeldeploy lock"] {
        assert!(error.contains(said), "{said} is not in {error}");
    }
    store.put(b"weights", Kind::Compressed).expect("stored again");
    assert!(store.get(&digest, Kind::Compressed).is_ok());
}

#[test]
fn an_absent_file_is_named_with_the_command_that_makes_it() {
    let (_folder, store) = store();
    let error = store.get(&Digest::of(b"x"), Kind::Pack).map(drop).expect_err("absent").to_string();
    assert!(error.contains("MD0801") && error.contains(".pack") && error.contains("cargo modeldeploy lock"), "{error}");
}

#[test]
fn what_no_lock_names_is_found() {
    let (_folder, store) = store();
    assert_eq!(store.others(&[]).expect("an empty store"), []);
    let kept = store.put(b"kept", Kind::Pack).expect("stored");
    let other = store.put(b"other", Kind::Pack).expect("stored");
    let others = store.others(&[store.path(&kept, Kind::Pack)]).expect("the store");
    assert_eq!(others, [(store.path(&other, Kind::Pack), 5)]);
}

#[test]
fn the_second_of_two_holders_waits_for_the_first() {
    let (_folder, store) = store();
    let hold = store.hold(store.root(), || panic!("nobody else has it")).expect("held");
    let (say, heard) = mpsc::channel();
    std::thread::scope(|scope| {
        let (store, said) = (&store, say.clone());
        scope.spawn(move || {
            let _hold = store.hold(store.root(), || said.send("waiting").expect("heard")).expect("held at last");
            said.send("held").expect("heard");
        });
        assert_eq!(heard.recv(), Ok("waiting"));
        assert!(heard.try_recv().is_err(), "the second has it while the first does");
        drop(hold);
        assert_eq!(heard.recv(), Ok("held"));
    });
}

#[test]
fn the_store_knows_the_workspaces_that_held_it() {
    let (folder, store) = store();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    for workspace in [&a, &b] {
        fs::create_dir_all(workspace).expect("a folder");
        drop(store.hold(workspace, || {}).expect("held"));
        drop(store.hold(&workspace.join("."), || {}).expect("held again"));
    }
    let [a, b] = [a, b].map(|path| fs::canonicalize(path).expect("there"));
    assert_eq!(store.sharers(&a), Ok(vec![b.clone()]));
    store.forget(std::slice::from_ref(&b)).expect("forgotten");
    assert_eq!(store.sharers(&a), Ok(vec![]));
    fs::write(store.root().join("workspaces.json"), "[1]").expect("damaged");
    let error = store.sharers(&a).expect_err("damaged").to_string();
    assert!(error.contains("MD0803") && error.contains("workspaces.json"), "{error}");
}

/// A shell's `ulimit -f` makes every write past 512 bytes fail, as a full disk does.
#[test]
fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("Model.lock");
    fs::write(&path, "old").expect("a file");
    let this = std::env::current_exe().expect("this test's program");
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" --exact store::tests::writes_much --nocapture"])
        .arg(this)
        .env("MODELDEPLOY_TEST_WRITE", &path)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("MD0803") && said.contains("cannot be written"), "{said}");
    assert_eq!(fs::read_to_string(&path).expect("the old file"), "old");
    assert_eq!(files(folder.path()), [path]);
}

/// The child of the test above; alone it writes to a folder of its own and succeeds.
#[test]
fn writes_much() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let asked = std::env::var_os("MODELDEPLOY_TEST_WRITE");
    let path = asked.clone().map_or(folder.path().join("much"), PathBuf::from);
    let written = write_atomically(&path, &vec![7; 1 << 20]);
    match asked {
        Some(_) => println!("{}", written.expect_err("the limit")),
        None => assert_eq!(written.map(|()| fs::read(&path).expect("written").len()), Ok(1 << 20)),
    }
}

#[cfg(unix)]
#[test]
fn permissions_and_links_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&real, "old").expect("a file");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("permissions");
    symlink(&real, &link).expect("a link");
    write_atomically(&link, b"new").expect("written");
    assert_eq!(fs::read(&real).expect("the file"), b"new");
    assert_eq!(fs::metadata(&real).expect("the file").permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
}
