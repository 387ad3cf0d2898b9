//! The attacks that the fuzz target begins with: what a registry, a hub or a user may send, wrong on purpose.

use modeldeploy_registry::{Source, artifact, check_index, hub, remote};
use semver::Version;
use std::fs;
use std::path::Path;

/// Odd, and well formed all the same: an address of IPv6; any text may be a challenge, which
/// says nothing then.
const RIGHT: [&str; 1] = ["reference_ipv6"];

#[test]
fn every_attack_is_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/attacks/registry");
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the attacks") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("an attack");
        let (kind, rest) = bytes.split_first().expect("its kind");
        let text = std::str::from_utf8(rest);
        let refused = match kind {
            b'm' => artifact::parse(rest, "encoder", &Version::new(1, 2, 0)).is_err(),
            b'i' => check_index(rest).is_err(),
            b'h' => hub::check_info(rest).is_err(),
            b'c' => {
                let _said_nothing = text.map(remote::challenge);
                true
            }
            b'r' => {
                text.is_err()
                    || Source::parse(text.expect("text"), Path::new("/shop"), "oci://example.com/models").is_err()
            }
            other => panic!("{name} is of the kind {other}"),
        };
        assert_ne!(refused, RIGHT.contains(&name.as_str()), "{name}");
        count += 1;
    }
    assert!(count > 20, "{count} attacks");
}
