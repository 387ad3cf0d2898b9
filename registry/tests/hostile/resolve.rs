//! Ranges, yanks and compatibility, on a registry as it should be.

use crate::model::{Stored, facts, options, remote};
use modeldeploy_format::Digest;
use modeldeploy_registry::{Kind, Wish, resolve};
use semver::{Version, VersionReq};

fn range(text: &str) -> VersionReq {
    VersionReq::parse(text).expect("a range")
}

#[test]
fn a_range_gives_its_newest_version_as_cargo_takes_ranges() {
    let versions = ["0.1.0", "0.1.4", "0.2.0", "1.2.0", "1.2.9", "1.10.0", "2.0.0-rc.1", "2.0.0"];
    let server = Stored::versions(&versions).serve();
    let registry = remote(&server, options());
    for (wanted, version) in [
        ("1.2", "1.10.0"),
        ("^1", "1.10.0"),
        ("~1.2", "1.2.9"),
        ("=1.2.0", "1.2.0"),
        ("0.1", "0.1.4"),
        ("*", "2.0.0"),
        ("<2", "1.10.0"),
        (">=2.0.0-rc.1, <2.0.0", "2.0.0-rc.1"),
    ] {
        let resolved = resolve(&registry, &Wish::Newest(&range(wanted))).expect(wanted);
        assert_eq!(resolved.facts.version.to_string(), version, "{wanted}");
    }
}

#[test]
fn a_range_without_a_version_names_the_nearest() {
    let server = Stored::versions(&["1.0.0", "1.2.0", "2.0.0"]).serve();
    let registry = remote(&server, options());
    let error = resolve(&registry, &Wish::Newest(&range("^1.3"))).expect_err("none");
    assert_eq!(error.kind, Kind::NoVersion);
    assert!(error.message.contains("`^1.3`"), "{error}");
    assert_eq!(error.help.as_deref(), Some("the nearest are 1.2.0, 1.0.0, 2.0.0"));
    let (star, absent) = (VersionReq::STAR, Version::new(1, 1, 0));
    let error = resolve(&registry, &Wish::Precise(&star, &absent)).expect_err("none");
    assert!(error.message.contains("no version 1.1.0"), "{error}");
    let (caret, other) = (range("^1"), Version::new(2, 0, 0));
    let error = resolve(&registry, &Wish::Precise(&caret, &other)).expect_err("not in the range");
    assert!(error.message.contains("not in the range `^1`"), "{error}");
}

#[test]
fn a_yanked_version_is_passed_over_and_one_that_was_taken_back_is_not() {
    let mut stored = Stored::versions(&["1.0.0", "1.1.0", "1.2.0"]);
    stored.marker("1.2.0", "true");
    stored.marker("1.1.0", "false");
    let server = stored.clone().serve();
    let resolved = resolve(&remote(&server, options()), &Wish::Newest(&range("1"))).expect("a version");
    assert_eq!(resolved.facts.version.to_string(), "1.1.0");
    assert_eq!(resolved.passed_over, ["1.2.0 was yanked: wrong labels"]);
    let error = resolve(&remote(&server, options()), &Wish::Newest(&range("=1.2.0"))).expect_err("yanked");
    assert!(error.kind == Kind::Yanked && error.message.contains("1.2.0 (wrong labels)"), "{error}");
}

#[test]
fn what_is_not_compatible_is_passed_over_unless_it_is_asked_for() {
    let mut stored = Stored::versions(&["1.0.0", "1.1.0"]);
    let mut other = facts("1.2.0");
    other.space = Some(Digest::of(b"another space"));
    stored.add(&other);
    let server = stored.serve();
    let registry = remote(&server, options());
    let (caret, pinned) = (range("^1"), facts("1.0.0"));
    let resolved = resolve(&registry, &Wish::Compatible(&caret, &pinned)).expect("a version");
    assert_eq!(resolved.facts.version.to_string(), "1.1.0");
    assert!(resolved.passed_over[0].contains("indexes must be made anew"), "{:?}", resolved.passed_over);
    let wanted = Version::new(1, 2, 0);
    let resolved = resolve(&registry, &Wish::Precise(&caret, &wanted)).expect("a version");
    assert_eq!(resolved.facts.version, wanted);
}
