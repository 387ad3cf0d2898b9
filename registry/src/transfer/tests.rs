//! A file that is cut off at every byte, grows, shrinks or is another one.

use super::*;
use std::time::Duration;

const FILE: &[u8] = b"the bytes of a file";

fn options() -> Options {
    Options { tries: 2, wait: Duration::ZERO, slowest: 1, ..Options::default() }
}

fn wanted() -> Wanted<'static> {
    Wanted { path: "model.safetensors", size: FILE.len() as u64, proof: Proof::Sha256(Digest::of(FILE)) }
}

/// Fails after the bytes that it has.
struct Cut(&'static [u8]);

impl Read for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(&mut buffer[..1])? {
            0 => Err(std::io::ErrorKind::ConnectionReset.into()),
            read => Ok(read),
        }
    }
}

fn nothing_but_right_files(shelf: &Shelf) {
    let path = shelf.file(&Digest::of(FILE));
    assert!(!path.exists() || fs::read(path).expect("a file") == FILE, "a file under a digest that it has not");
}

#[test]
fn a_file_cut_at_any_byte_goes_on_from_there_in_this_run_or_the_next() {
    for cut in 0..FILE.len() {
        for ranges in [true, false] {
            let store = tempfile::tempdir().expect("a temporary folder");
            let shelf = Shelf::new(store.path());
            let mut asked = vec![];
            // Two runs without a try to spare, then a whole one.
            for run in 0..3 {
                let opened = fetch(&shelf, &wanted(), &Options { tries: 1, ..options() }, &|_| {}, &mut |at| {
                    asked.push(at);
                    let from = if ranges { at } else { 0 };
                    let rest = &FILE[from as usize..];
                    let bytes: Box<dyn Read> =
                        if run < 2 { Box::new(Cut(&rest[..rest.len().min(cut)])) } else { Box::new(rest) };
                    Ok(Coming { from, bytes })
                });
                nothing_but_right_files(&shelf);
                if run == 2 {
                    assert_eq!(opened.expect("a file"), Digest::of(FILE), "cut at {cut}");
                }
            }
            assert_eq!(asked[..2], [0, cut as u64], "cut at {cut}");
            assert_eq!(fs::read(shelf.file(&Digest::of(FILE))).expect("a file"), FILE);
        }
    }
}

#[test]
fn a_file_that_goes_on_after_each_break_needs_no_further_run() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    let mut opened = 0;
    let fetched = fetch(&shelf, &wanted(), &options(), &|_| {}, &mut |from| {
        opened += 1;
        Ok(Coming { from, bytes: Box::new(Cut(&FILE[from as usize..][..1])) })
    });
    assert_eq!((fetched.expect("a file"), opened), (Digest::of(FILE), FILE.len()));
}

#[test]
fn wrong_bytes_are_never_kept_and_a_wrong_beginning_is_fetched_anew() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    let partial = shelf.partial(&Digest::of(FILE).hex());
    for (sent, said) in [
        (&b"the bytes of a lie!"[..], "not those that its digest promises"),
        (b"the bytes of a file and more", "more bytes than the 19"),
    ] {
        let error =
            fetch(&shelf, &wanted(), &options(), &|_| {}, &mut |_| Ok(Coming { from: 0, bytes: Box::new(sent) }));
        let error = error.expect_err("a lie");
        assert!(error.kind == Kind::Lie && error.message.contains(said), "{error}");
        assert!(!partial.exists() && !shelf.file(&Digest::of(FILE)).exists());
    }
    // What an earlier run left may be anything, also too long.
    for left in [&b"other"[..], b"longer than the file that it begins", b"the bytes of a lie!"] {
        fs::create_dir_all(partial.parent().expect("a folder")).expect("a folder");
        fs::write(&partial, left).expect("written");
        let fetched = fetch(&shelf, &wanted(), &options(), &|_| {}, &mut |from| {
            Ok(Coming { from, bytes: Box::new(&FILE[from as usize..]) })
        });
        assert_eq!(fetched.expect("a file"), Digest::of(FILE));
        fs::remove_file(shelf.file(&Digest::of(FILE))).expect("removed");
    }
}

#[test]
fn a_short_file_is_tried_again_and_then_given_up() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    let mut opened = 0;
    let error = fetch(&shelf, &wanted(), &options(), &|_| {}, &mut |from| {
        opened += 1;
        Ok(Coming { from, bytes: Box::new(&FILE[..10][from.min(10) as usize..]) })
    });
    let error = error.expect_err("too short");
    assert!(error.kind == Kind::Unreachable && error.message.contains("after 10 of 19 bytes"), "{error}");
    assert_eq!(opened, 2);
}

#[test]
fn gits_ids_are_gits() {
    // `printf hello | git hash-object --stdin`
    let id = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";
    let id: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&id[2 * at..][..2], 16).expect("hex")).collect();
    let wanted = Wanted { path: "a", size: 5, proof: Proof::Git(id.try_into().expect("20 bytes")) };
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    for (sent, right) in [(&b"hello"[..], true), (b"Hello", false)] {
        let fetched =
            fetch(&shelf, &wanted, &options(), &|_| {}, &mut |_| Ok(Coming { from: 0, bytes: Box::new(sent) }));
        assert_eq!(fetched.is_ok(), right, "{fetched:?}");
    }
}

#[test]
fn an_empty_file_is_a_file() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    let wanted = Wanted { path: "a", size: 0, proof: Proof::Sha256(Digest::of(b"")) };
    let fetched =
        fetch(&shelf, &wanted, &options(), &|_| {}, &mut |_| Ok(Coming { from: 0, bytes: Box::new(&b""[..]) }));
    assert_eq!(fetched.expect("a file"), Digest::of(b""));
}
