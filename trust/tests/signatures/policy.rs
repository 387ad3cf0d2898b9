//! Settings and rules: what is read, what is wrong with it, and which models break which rule.

use crate::envelopes::day;
use modeldeploy_format::Digest;
use modeldeploy_format::lock::LockedFile;
use modeldeploy_trust::policy::{Facts, Listed, Rule, Signed, judge, parse};

const WHOLE: &str = r#"[policy]
licenses = ["Apache-2.0", "MIT", "LicenseRef-shop"]
max-age = "365d"
max-size = "1kB"
[policy.sources]
allowed = ["models/*", "oci://registry.shop.example/*"]
forbidden = ["models/old-*", "hf:*"]
[policy.signatures]
required = true
signers = ["keys/a.pub", "keys/b.pub"]
certificates = ["keys/ca.pem"]
threshold = 2
[trust]
keys = ["keys/release.pub"]
threshold = 1
"#;

fn mistakes(text: &str) -> String {
    let found = parse(text).expect_err(text);
    found.iter().map(|it| format!("{}:{} {} ({})\n", it.at.0, it.at.1, it.message, it.help)).collect()
}

#[test]
fn every_key_is_read_and_none_is_needed() {
    let settings = parse(WHOLE).expect("settings");
    let policy = &settings.policy;
    assert_eq!((policy.max_age, policy.max_size), (Some(365), Some(1000)));
    assert_eq!((policy.signatures.required, policy.signatures.threshold), (true, 2));
    assert_eq!(policy.signatures.signers, ["keys/a.pub", "keys/b.pub"]);
    assert_eq!((&settings.trust.keys[..], settings.trust.threshold), (&["keys/release.pub".to_owned()][..], 1));
    for text in ["", "[policy]\n", "[trust]\n", "[policy.signatures]\nrequired = false\n"] {
        let settings = parse(text).expect(text);
        assert!(judge(&settings.policy, &facts(&[], &[]), day("2026-05-31")).is_empty(), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_the_nearest_key() {
    for (from, to, said) in [
        ("licenses", "licences", "2:1 `policy` has no key `licences` (did you mean `licenses`?)"),
        ("[policy]", "[polcy]", "`polcy` (did you mean `policy`?)"),
        ("max-size", "size-max-of-all", "there are `licenses`"),
        ("\"MIT\"", "\"MIT OR Apache-2.0\"", "is not one licence"),
        ("\"MIT\"", "\"NOT-A-LICENCE\"", "2:27 `NOT-A-LICENCE` is not one licence"),
        ("\"MIT\"", "7", "`policy.licenses` is not a list of texts"),
        ("\"365d\"", "\"1y\"", "3:11 `policy.max-age` is not days or weeks"),
        ("\"365d\"", "365", "`policy.max-age` is not days or weeks"),
        ("\"1kB\"", "\"0MB\"", "4:12 `policy.max-size` is not a size"),
        ("allowed = ", "alowed = ", "`policy.sources` has no key `alowed` (did you mean `allowed`?)"),
        ("\"hf:*\"", "\"\"", "a pattern is empty"),
        ("required = true", "required = \"yes\"", "is not `true` or `false`"),
        ("threshold = 2", "threshold = 0", "a whole number from 1"),
        ("threshold = 1", "threshold = 2", "2 keys are asked for, and 1 are named"),
        ("[policy.signatures]", "[policy.signatures", "not TOML"),
        ("\"keys/release.pub\"", "\"\"", "a path is empty"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let found = mistakes(&WHOLE.replacen(from, to, 1));
        assert!(found.contains(said), "{to}: {found}");
    }
    let nobody = mistakes("[policy.signatures]\nrequired = true\n");
    assert!(nobody.contains("2:12 signatures are required, and nobody is named"), "{nobody}");
    let few = mistakes("[policy.signatures]\nsigners = [\"a.pub\"]\nthreshold = 2\n");
    assert!(few.contains("2 signers are asked for, and 1 are named"), "{few}");
    let all = mistakes(&WHOLE.replace("365d", "x").replace("1kB", "y").replace("forbidden", "forbiden"));
    assert_eq!(all.lines().count(), 3, "{all}");
    assert!(mistakes(&" ".repeat(2 << 20)).contains("are the most"));
}

fn file(path: &str, size: u64) -> LockedFile {
    LockedFile { path: path.into(), size, digest: Digest::of(path.as_bytes()) }
}

fn facts<'a>(files: &'a [LockedFile], signed: &'a [Signed]) -> Facts<'a> {
    Facts {
        model: "encoder",
        source: "models/encoder",
        license: Some("MIT"),
        released: Some("2026-01-01"),
        files: Some(files),
        signed,
    }
}

fn by(signer: &str) -> Signed {
    Signed::By { signer: signer.into(), unlisted: vec![] }
}

/// The rules that are broken, each with a word of its message.
fn broken(change: impl FnOnce(&mut Facts<'_>), files: &[LockedFile], signed: &[Signed]) -> Vec<(Rule, String)> {
    let settings = parse(WHOLE).expect("settings");
    let mut facts = facts(files, signed);
    change(&mut facts);
    let found = judge(&settings.policy, &facts, day("2026-05-31"));
    found
        .into_iter()
        .map(|violation| {
            assert!(violation.message.starts_with("model `encoder` breaks `policy."), "{}", violation.message);
            assert!(!violation.help.is_empty());
            (violation.rule, violation.message)
        })
        .collect()
}

#[test]
fn each_rule_is_broken_by_what_it_forbids_and_by_nothing_else() {
    let files = [file("config.json", 400), file("model.safetensors", 600)];
    let signed = [by("a"), by("b")];
    assert_eq!(broken(|_| {}, &files, &signed), []);
    type Change = fn(&mut Facts<'_>);
    let cases: [(Change, Option<(Rule, &str)>); 17] = [
        (|it| it.license = None, Some((Rule::Licenses, "states no licence"))),
        (|it| it.license = Some("GPL-3.0-only"), Some((Rule::Licenses, "its licence is `GPL-3.0-only`"))),
        (|it| it.license = Some("GPL-3.0-only OR MIT"), None),
        (|it| it.license = Some("GPL-3.0-only AND MIT"), Some((Rule::Licenses, "allowed are Apache-2.0, MIT"))),
        (|it| it.license = Some("LicenseRef-shop"), None),
        (|it| it.license = Some("LicenseRef-other"), Some((Rule::Licenses, "LicenseRef-other"))),
        (|it| it.license = Some("Apache-2.0 WITH LLVM-exception"), Some((Rule::Licenses, "WITH"))),
        (|it| it.license = Some("free"), Some((Rule::Licenses, "is not an SPDX expression"))),
        (|it| it.source = "hf:org/model", Some((Rule::Sources, "`hf:*` is forbidden"))),
        (|it| it.source = "models/old-encoder", Some((Rule::Sources, "is forbidden"))),
        (|it| it.source = "models/../other", Some((Rule::Sources, "allowed are `models/*`"))),
        (|it| it.source = "oci://registry.shop.example/encoder@sha256:00", None),
        (|it| it.released = None, Some((Rule::MaxAge, "does not say when it was released"))),
        (|it| it.released = Some("2025-05-31"), None),
        (|it| it.released = Some("2025-05-30"), Some((Rule::MaxAge, "366 days ago, and 365 are the most"))),
        (|it| it.released = Some("2026-06-01"), Some((Rule::MaxAge, "today is 2026-05-31"))),
        (|it| it.released = Some("yesterday"), Some((Rule::MaxAge, "is no date"))),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        let found = broken(change, &files, &signed);
        match expected {
            None => assert_eq!(found, [], "case {at}"),
            Some((rule, said)) => {
                assert_eq!(found.len(), 1, "case {at}: {found:?}");
                assert!(found[0].0 == rule && found[0].1.contains(said), "case {at}: {found:?}");
            }
        }
    }
    let large = [file("config.json", 400), file("model.safetensors", 601)];
    let found = broken(|_| {}, &large, &signed);
    assert!(found.len() == 1 && found[0].0 == Rule::MaxSize && found[0].1.contains("`model.safetensors`"), "{found:?}");
    // Before its files are known, only what a manifest says is asked.
    assert_eq!(broken(|it| it.files = None, &large, &[]), []);
}

#[test]
fn signatures_count_where_they_are_of_every_locked_file() {
    let files = [file("config.json", 1)];
    let partly = |signer: &str, differs| Signed::By {
        signer: signer.into(),
        unlisted: vec![Listed { path: "config.json".into(), differs }],
    };
    let wrong = || Signed::Wrong("model.sig: the signature does not hold".into());
    let stranger = || Signed::Stranger("none of the trusted keys has signed it".into());
    for (what, signed, expected) in [
        ("two signers", vec![by("a"), by("b")], vec![]),
        ("one twice", vec![by("a"), by("a")], vec![(Rule::Signatures, "1 of the signers")]),
        ("none", vec![], vec![(Rule::Signatures, "it has no signature")]),
        ("a stranger", vec![stranger()], vec![(Rule::Signatures, "by none of the signers")]),
        ("a stranger beside two", vec![stranger(), by("a"), by("b")], vec![]),
        (
            "a file is not listed",
            vec![by("a"), partly("b", false)],
            vec![(Rule::SignedFiles, "by b is not of `config.json`")],
        ),
        ("an older one beside two", vec![partly("c", false), by("a"), by("b")], vec![]),
        (
            "one of other bytes beside two",
            vec![partly("c", true), by("a"), by("b")],
            vec![(Rule::SignedFiles, "other bytes of")],
        ),
        ("a wrong one", vec![wrong()], vec![(Rule::Signatures, "does not hold")]),
        ("a wrong one beside two", vec![wrong(), by("a"), by("b")], vec![(Rule::Signatures, "does not hold")]),
    ] {
        let found = broken(|_| {}, &files, &signed);
        assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
        for ((rule, message), (expected, said)) in found.iter().zip(expected) {
            assert!(*rule == expected && message.contains(said), "{what}: {message}");
        }
    }
    // A wrong signature counts against a model though none is asked for.
    let settings = parse("[policy.signatures]\nsigners = [\"a.pub\"]\n").expect("settings");
    let today = day("2026-05-31");
    for (signed, count) in [(vec![], 0), (vec![stranger()], 0), (vec![wrong()], 1), (vec![partly("a", true)], 1)] {
        assert_eq!(judge(&settings.policy, &facts(&files, &signed), today).len(), count, "{signed:?}");
    }
}
