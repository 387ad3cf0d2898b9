//! Programs of every form and of several linkers, to which packs are attached, which then run, and say what they find.

use modeldeploy_attach::{Attached, Source, attach, is_attached};
use modeldeploy_format::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The lengths of the parts: of two parts of a pack, and of another pack.
const SIZES: [u64; 3] = [64 << 10, (5 << 20) + 3, 100];

/// Options of the compiler for each form of a program.
const FORMS: [(&str, &[&str]); 3] =
    [("pie", &["-fPIE", "-pie"]), ("static-pie", &["-fPIE", "-static-pie"]), ("fixed", &["-fno-pie", "-no-pie"])];

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn pack(size: u64, seed: usize) -> Vec<u8> {
    (0..size as usize).map(|at| (at.wrapping_add(seed).wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

struct Bench {
    folder: TempDir,
    packs: [Vec<u8>; 2],
}

impl Bench {
    fn new() -> Bench {
        let packs = [pack(SIZES[0] + SIZES[1], 0), pack(SIZES[2], 99)];
        let bench = Bench { folder: tempfile::tempdir().expect("a folder"), packs };
        for (name, bytes) in ["first", "second"].iter().zip(&bench.packs) {
            fs::write(bench.path(name), bytes).expect("written");
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a pack is, as the store would have it.
    fn find(&self, asked: &Digest) -> Option<Source> {
        let parts = format!("among {}\n{} {}\n{} {}\n", digest(0), SIZES[0], digest(3), SIZES[1], digest(4));
        match asked.as_bytes()[0] {
            1 => Some(Source { path: self.path("first"), division: Some(parts.parse().expect("a division")) }),
            2 => Some(Source { path: self.path("second"), division: None }),
            _ => None,
        }
    }

    /// The program compiled with these options; none if this machine's compiler or linker does not have them.
    fn program(&self, name: &str, options: &[&str]) -> Option<PathBuf> {
        let path = self.path(name);
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-o"]).arg(&path).args(options);
        compiler.args(
            ["FIRST_A", "FIRST_B", "SECOND"].iter().zip(SIZES).map(|(name, size)| format!("-D{name}=\"{size}\"")),
        );
        compiler.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program.c"));
        let said = compiler.output();
        let is_done = said.as_ref().is_ok_and(|said| said.status.success());
        if !is_done {
            eprintln!("skipped: no {name} with {options:?} here: {said:?}");
        }
        is_done.then_some(path)
    }

    /// What the program must say.
    fn expected(&self) -> String {
        let (a, b) = self.packs[0].split_at(SIZES[0] as usize);
        let sum = |part: &[u8]| part.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let parts = [a, b, &self.packs[1]];
        let lines: String = parts.iter().map(|part| format!("0 {} {}\n", part.len(), sum(part))).collect();
        lines + "set 7\n"
    }
}

/// The linkers: the compiler's own, GNU's, and the one that Rust brings for itself.
fn linkers() -> Vec<(&'static str, Vec<String>)> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("a compiler");
    let sysroot = String::from_utf8(sysroot.stdout).expect("UTF-8");
    let target = format!("{}/lib/rustlib/{}-unknown-linux-gnu/bin/gcc-ld", sysroot.trim(), std::env::consts::ARCH);
    vec![
        ("default", vec![]),
        ("bfd", vec!["-fuse-ld=bfd".into()]),
        ("rust-lld", vec![format!("-B{target}"), "-fuse-ld=lld".into()]),
    ]
}

fn run(program: &Path) -> String {
    let output = Command::new(program).output().expect("the program runs");
    assert!(output.status.success(), "{}: {output:?}", program.display());
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a tool says of a program; none if it is not here.
fn asked(tool: &str, args: &[&str], program: &Path) -> Option<String> {
    let output = Command::new(tool).args(args).arg(program).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn packs_are_where_the_records_say_in_every_form_of_program() {
    let bench = Bench::new();
    let mut seen = 0;
    for (linker, link) in linkers() {
        for (form, options) in FORMS {
            let name = format!("{form}-{linker}");
            let options: Vec<&str> = options.iter().copied().chain(link.iter().map(String::as_str)).collect();
            let Some(program) = bench.program(&name, &options) else { continue };
            seen += 1;
            check(&bench, &name, &program);
        }
    }
    assert!(seen > 0, "no program could be compiled");
}

fn check(bench: &Bench, name: &str, program: &Path) {
    assert_eq!(run(program), "nothing\nnothing\nnothing\nset 7\n", "{name}");
    // Cargo has it under a second name, too.
    let (linked, second) = (fs::read(program).expect("it"), program.with_extension("second"));
    fs::hard_link(program, &second).expect("a second name");
    let before = asked("eu-elflint", &["--gnu-ld"], program);

    let attached = attach(program, |digest| bench.find(digest)).expect("attached").expect("it awaits two packs");
    assert_eq!(attached.digests, [digest(1), digest(2)], "{name}");
    assert!(fs::read(&second).expect("the other") == linked, "{name}: the linked file stays as it is");
    let whole = fs::read(program).expect("it");
    assert!(is_attached(&whole) && !is_attached(&linked), "{name}");
    assert_eq!(run(program), bench.expected(), "{name}");
    assert_eq!(attach(program, |_| None).expect("nothing is awaited any more"), None, "{name}");

    // The same again is the same file.
    fs::copy(&second, program).expect("copied");
    attach(program, |digest| bench.find(digest)).expect("attached");
    assert!(fs::read(program).expect("it") == whole, "{name}: another file of the same");

    if let Some(said) = asked("readelf", &["--segments", "--sections", "--notes", "--wide"], program) {
        assert!(said.contains(".modeldeploy-attached") && !said.contains("readelf: "), "{name}: {said}");
    }
    // What another reader of the specification finds that it did not find before.
    if let (Some(before), Some(after)) = (before, asked("eu-elflint", &["--gnu-ld"], program)) {
        let more: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
        assert!(more.iter().all(|line| line.contains("No errors")), "{name}: {more:#?}");
    }
    for strip in ["strip", "llvm-strip", "eu-strip"] {
        let stripped = program.with_extension(strip);
        fs::copy(program, &stripped).expect("copied");
        if asked(strip, &[], &stripped).is_none() {
            eprintln!("skipped: no {strip} here");
            continue;
        }
        assert_eq!(run(&stripped), bench.expected(), "{name}, {strip}");
        assert!(is_attached(&fs::read(&stripped).expect("it")), "{name}, {strip}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_attached_leaves_the_program_as_it_was() {
    let bench = Bench::new();
    let Some(program) = bench.program("program", &[]) else { return };
    let linked = fs::read(&program).expect("it");
    let refused = |what: &str, find: &dyn Fn(&Digest) -> Option<Source>, said: &str| {
        let wrong = attach(&program, find).expect_err(what).to_string();
        assert!(wrong.contains(said), "{what}: {wrong}");
        assert!(fs::read(&program).expect("it") == linked, "{what}");
        let left = fs::read_dir(bench.folder.path()).expect("a folder").count();
        assert_eq!(left, 3, "{what}: something else is left");
    };
    refused("absent", &|_| None, "which the store does not have");
    refused("not divided", &|digest| Some(Source { division: None, ..bench.find(digest)? }), "divided otherwise");
    fs::write(bench.path("second"), b"cut").expect("written");
    refused("cut", &|digest| bench.find(digest), "it has 3 bytes");
    fs::remove_file(bench.path("second")).expect("removed");
    let wrong = attach(&program, |digest| bench.find(digest)).expect_err("gone");
    assert!(wrong.path.ends_with("second") && wrong.why.contains("No such file"), "{wrong:?}");

    // The linker was told to leave the note out.
    let script = bench.path("script");
    fs::write(&script, "SECTIONS { /DISCARD/ : { *(.note.modeldeploy) } } INSERT AFTER .rodata;").expect("written");
    let option = format!("-Wl,-T,{}", script.display());
    if let Some(program) = bench.program("without", &[&option]) {
        let wrong = attach(&program, |digest| bench.find(digest)).expect_err("no room").to_string();
        assert!(wrong.contains("no .note.modeldeploy"), "{wrong}");
    }
}

#[test]
fn what_is_no_program_of_ours_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"MZ\x90"] {
        fs::write(&path, bytes).expect("written");
        let left: Option<Attached> = attach(&path, |_| None).expect("nothing to do");
        assert_eq!(left, None);
        assert_eq!(fs::read(&path).expect("it"), bytes);
    }
    assert_eq!(attach(&std::env::current_exe().expect("this"), |_| None).expect("nothing to do"), None);
}
