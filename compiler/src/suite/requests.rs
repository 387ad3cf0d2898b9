//! The file of a suite of requests.

use super::Requests;
use super::search::open;
use crate::records::Problems;
use crate::section::{Section, Source};
use modeldeploy_format::Digest;
use std::path::Path;

pub(super) fn read(
    source: &Source<'_>,
    top: &Section<'_, '_>,
    folder: &Path,
    digests: &mut Vec<Digest>,
    problems: &mut Problems,
) -> Option<Requests> {
    let relevant = top.number("relevant").unwrap_or(1.0);
    let Some(section) = top.section("requests") else {
        source.fail(0, "the suite has no `[requests]`", "add it: [requests] file = \"requests.jsonl\"");
        return None;
    };
    let file = open(source, &section, folder, digests, problems);
    section.finish();
    Some(Requests { file: file?, relevant })
}
