//! Those of cargo's own flags that matter here too: how loud it is, what it writes to stdout, and which profile it builds.

use std::ffi::{OsStr, OsString};

/// Cargo's short flags whose value may follow in the same word: what comes after them is no flag.
const WITH_VALUE: &str = "pjFZC";

/// Whether a profile is asked for.
pub(crate) fn has_profile(args: &[OsString]) -> bool {
    profile(args).is_some()
}

/// Whether the profile that is asked for is another than cargo's own for development, so that what it builds is to be shipped.
pub(crate) fn ships(args: &[OsString]) -> bool {
    profile(args).is_some_and(|name| name != "dev" && name != "test")
}

/// The profile that is asked for.
pub(crate) fn profile(args: &[OsString]) -> Option<String> {
    if args.iter().any(|arg| arg == "--release" || shorts(arg).contains(&'r')) {
        return Some("release".into());
    }
    values(args, "--profile").pop()
}

/// The arguments without those that say how loud cargo is.
pub(crate) fn without_verbosity(args: &[OsString]) -> Vec<OsString> {
    let loud = |flag: &char| matches!(flag, 'v' | 'q');
    let mut kept = vec![];
    for arg in args.iter().filter(|arg| *arg != "--verbose" && *arg != "--quiet") {
        let flags = shorts(arg);
        if !flags.iter().any(loud) {
            kept.push(arg.clone());
            continue;
        }
        // Of `-vrp=x` the rest stays, `-rp=x`; of `-vv` nothing.
        let text = arg.to_str().expect("its flags were read");
        let rest: String = text[1 + flags.len()..].into();
        let flags: String = flags.into_iter().filter(|flag| !loud(flag)).collect();
        if !flags.is_empty() {
            kept.push(format!("-{flags}{rest}").into());
        }
    }
    kept
}

/// What `--message-format` asks for, and the other arguments.
pub(crate) fn message_formats(args: &[OsString]) -> (Vec<String>, Vec<OsString>) {
    let given = values(args, "--message-format");
    let formats = given.iter().flat_map(|value| value.split(',')).map(str::to_owned).collect();
    let mut others = vec![];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--message-format" {
            args.next();
        } else if !arg.to_str().is_some_and(|arg| arg.starts_with("--message-format=")) {
            others.push(arg.clone());
        }
    }
    (formats, others)
}

/// The values of a flag, in their order: those of a long one may follow a `=`, those of a short one the flag itself, as in `-pshop`.
pub(crate) fn values(args: &[OsString], flag: &str) -> Vec<String> {
    let mut found = vec![];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match value(arg, flag) {
            Some("") => found.extend(args.next().and_then(|value| value.to_str()).map(str::to_owned)),
            Some(value) => found.push(value.strip_prefix('=').unwrap_or(value).to_owned()),
            None => {}
        }
    }
    found
}

/// What follows `flag` in the word that has it.
fn value<'a>(arg: &'a OsStr, flag: &str) -> Option<&'a str> {
    let text = arg.to_str()?;
    match flag.strip_prefix("--") {
        Some(_) => text.strip_prefix(flag).filter(|value| value.is_empty() || value.starts_with('=')),
        // `-qpshop` is `-q -p shop`.
        None => {
            let flags = shorts(arg);
            let is_last = flags.last().is_some_and(|last| flag.strip_prefix('-') == Some(&last.to_string()));
            is_last.then(|| &text[1 + flags.len()..])
        }
    }
}

/// Those of cargo's flags that decide on the bytes of a program, each in one form whatever way it was given; not the profile, nor the
/// packages.
pub(crate) fn deciding(args: &[OsString]) -> Vec<String> {
    let features = ["--features", "-F"].iter().flat_map(|flag| values(args, flag));
    let mut features: Vec<String> =
        features.flat_map(|list| list.split([',', ' ']).map(str::to_owned).collect::<Vec<_>>()).collect();
    features.retain(|feature| !feature.is_empty());
    features.sort_unstable();
    features.dedup();
    let mut kept = vec![];
    for flag in ["--all-features", "--no-default-features"] {
        if args.iter().any(|arg| arg == flag) {
            kept.push(flag.to_owned());
        }
    }
    if !features.is_empty() {
        kept.push(format!("--features={}", features.join(",")));
    }
    kept.extend(values(args, "--target").into_iter().map(|target| format!("--target={target}")));
    kept
}

/// Whether cargo may change nothing in `Cargo.lock`.
pub(crate) fn holds_crates(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "--locked" || arg == "--frozen")
}

/// The short flags of one word, as `-qr` has two; those whose value follows end it.
fn shorts(arg: &OsStr) -> Vec<char> {
    let Some(word) = arg.to_str().and_then(|arg| arg.strip_prefix('-')) else { return vec![] };
    let flags = word.chars().take_while(|flag| flag.is_ascii_alphabetic());
    let mut ended = false;
    flags.take_while(|flag| !std::mem::replace(&mut ended, WITH_VALUE.contains(*flag))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_profile_is_found_and_known_to_ship_or_not() {
        for (line, has, ships_it) in [
            ("-p x", false, false),
            ("--release", true, true),
            ("-r", true, true),
            ("-qr -p x", true, true),
            ("-pr", false, false),
            ("--profile dist", true, true),
            ("--profile=dev", true, false),
            ("--profile test", true, false),
            ("--profile-guide", false, false),
            ("--color never", false, false),
        ] {
            assert_eq!((has_profile(&words(line)), ships(&words(line))), (has, ships_it), "{line}");
        }
    }

    #[test]
    fn how_loud_cargo_is_can_be_left_out() {
        for (line, rest) in [
            ("-p x", "-p x"),
            ("-v -p x", "-p x"),
            ("-vv --verbose", ""),
            ("-q --quiet -j 2", "-j 2"),
            ("-qr -p x", "-r -p x"),
            ("-vpvault", "-pvault"),
            ("-pvault", "-pvault"),
            ("--version", "--version"),
        ] {
            assert_eq!(without_verbosity(&words(line)), words(rest), "{line}");
        }
    }

    #[test]
    fn values_follow_a_flag_in_each_of_cargos_ways() {
        for (line, flag, found) in [
            ("-p shop", "-p", &["shop"][..]),
            ("-pshop -p=till", "-p", &["shop", "till"]),
            ("-qpshop -vp till", "-p", &["shop", "till"]),
            ("-Fp -j2 -jp", "-p", &[]),
            ("--package shop --package=till", "--package", &["shop", "till"]),
            ("--packages shop --package", "--package", &[]),
            ("-p", "-p", &[]),
        ] {
            assert_eq!(values(&words(line), flag), found, "{line}");
        }
    }

    #[test]
    fn what_decides_on_the_bytes_has_one_form() {
        for (line, kept) in [
            ("--release -j2 -p shop", &[][..]),
            ("-F b,a --features=c --features a", &["--features=a,b,c"]),
            (
                "--target x86_64-unknown-linux-gnu --all-features",
                &["--all-features", "--target=x86_64-unknown-linux-gnu"],
            ),
            ("--no-default-features -Fa", &["--no-default-features", "--features=a"]),
        ] {
            assert_eq!(deciding(&words(line)), kept, "{line}");
        }
        assert!(holds_crates(&words("-q --frozen")) && !holds_crates(&words("-q")));
    }

    #[test]
    fn message_formats_are_told_from_the_rest() {
        for (line, formats, rest) in [
            ("-p x", &[][..], "-p x"),
            ("--message-format short -p x", &["short"], "-p x"),
            ("-p x --message-format=json,json-diagnostic-short", &["json", "json-diagnostic-short"], "-p x"),
            (
                "--message-format json --message-format=json-render-diagnostics",
                &["json", "json-render-diagnostics"],
                "",
            ),
        ] {
            let (got, others) = message_formats(&words(line));
            assert_eq!(
                (got.as_slice(), others),
                (&formats.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..], words(rest)),
                "{line}"
            );
        }
    }
}
