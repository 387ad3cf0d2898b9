//! The unit, as systemd's own tool reads it, and as sha256sum and the service's own table of system calls have it.

use crate::variants::facts;
use modeldeploy_deploy::facts::Program;
use modeldeploy_deploy::{Settings, Target, Templates, render};
use modeldeploy_format::Digest;
use modeldeploy_house::skipped;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

/// The service's own table.
const CALLS: &str = include_str!("../../../service/src/sandbox/uses/table.rs");
/// What a service calls before it gives up the rest: it opens a port, tells systemd, and closes its sandbox.
const BEFORE: [&str; 12] = [
    "bind",
    "connect",
    "execve",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "listen",
    "prctl",
    "seccomp",
    "set_tid_address",
    "socket",
    "wait4",
];

/// The unit of a program at that path with these bytes.
fn unit(path: &str, bytes: &[u8]) -> String {
    let settings: Settings = toml::from_str(&format!("[systemd]\nprogram = \"{path}\"\n")).expect("settings");
    let mut facts = facts();
    facts.program = Some(Program { digest: Digest::of(bytes), size: bytes.len() as u64 });
    let rendering = render(Target::Systemd, &facts, &settings, &Templates::new(None).expect("templates"));
    rendering.unwrap_or_else(|wrong| panic!("{wrong:#?}")).files.remove(0).text
}

fn setting<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

#[test]
fn only_the_bytes_that_were_rendered_are_started() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shop");
    // A name that a unit can have: the folder's own may have other characters.
    let unit = unit("/usr/local/bin/shop", b"the program");
    let [line] = setting(&unit, "StandardInputText")[..] else { panic!("{unit}") };
    let line = line.replace("/usr/local/bin/shop", path.to_str().expect("UTF-8")) + "\n";
    let [command] = setting(&unit, "ExecStartPre")[..] else { panic!("{unit}") };
    let words: Vec<&str> = command.split(' ').collect();
    for (bytes, is_right) in [(&b"the program"[..], true), (b"the prograM", false), (b"", false)] {
        std::fs::write(&path, bytes).expect("written");
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sha256sum");
        child.stdin.take().expect("its input").write_all(line.as_bytes()).expect("written");
        assert_eq!(child.wait().expect("its end").success(), is_right, "{bytes:?}");
    }
    std::fs::remove_file(&path).expect("removed");
}

#[test]
fn systemd_reads_the_unit_without_a_complaint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shop.service");
    std::fs::write(&path, unit("/bin/true", b"")).expect("written");
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&path).output() else {
        return skipped("systemd-analyze is not here");
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && said.is_empty(), "{said}");
    let security =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(&path).output();
    let security = security.expect("it was here");
    assert!(security.status.success(), "{}", String::from_utf8_lossy(&security.stdout));
}

/// What a filter lets through, by systemd's own sets.
fn expand(filter: &str) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for word in filter.split(' ') {
        if !word.starts_with('@') {
            calls.insert(word.to_owned());
            continue;
        }
        let listed = Command::new("systemd-analyze").args(["syscall-filter", word]).output().expect("it is here");
        assert!(listed.status.success(), "{word}");
        let text = String::from_utf8(listed.stdout).expect("UTF-8");
        let words = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        words.for_each(|inner| calls.extend(expand(inner)));
    }
    calls
}

#[test]
fn the_unit_lets_through_what_the_service_calls() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skipped("systemd-analyze is not here");
    }
    let unit = unit("/bin/true", b"");
    let filters = setting(&unit, "SystemCallFilter");
    let (denied, allowed): (Vec<&str>, Vec<&str>) = filters.into_iter().partition(|filter| filter.starts_with('~'));
    let mut allowed: BTreeSet<String> = allowed.into_iter().flat_map(expand).collect();
    for call in denied.into_iter().flat_map(|filter| expand(&filter[1..])) {
        allowed.remove(&call);
    }
    let names = CALLS
        .split("SYS_")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
    let uses: BTreeSet<&str> = names.chain(BEFORE).collect();
    assert!(uses.len() > 90, "the table has {} calls", uses.len());
    let missing: Vec<&&str> = uses.iter().filter(|call| !allowed.contains(**call)).collect();
    assert!(missing.is_empty(), "the unit forbids {missing:?}");
    for call in ["mount", "ptrace", "bpf", "init_module", "reboot", "setuid", "chown", "keyctl", "shmget", "chroot"] {
        assert!(!allowed.contains(call), "the unit allows {call}");
    }
}
