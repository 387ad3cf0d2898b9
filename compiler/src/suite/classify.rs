//! The file of a classification suite: texts with their labels.

use super::search::open;
use super::{EMPTY, Example};
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
) -> Option<Vec<Example>> {
    let Some(section) = top.section("examples") else {
        source.fail(0, "the suite has no `[examples]`", "add it: [examples] file = \"reviews.jsonl\"");
        return None;
    };
    let text = section.string("text").unwrap_or_else(|| "text".into());
    let pair = section.string("pair");
    let label = section.string("label").unwrap_or_else(|| "label".into());
    let file = open(source, &section, folder, digests, problems);
    section.finish();
    let file = file?;
    let mut examples = vec![];
    for (line, object) in file.objects(problems) {
        let text = file.field(line, &object, &text, problems);
        let label = file.field(line, &object, &label, problems);
        let pair = pair.as_ref().map(|key| file.field(line, &object, key, problems));
        if let (Some(text), Some(label)) = (text, label) {
            examples.push(Example { text, pair: pair.flatten(), label });
        }
    }
    if examples.is_empty() && problems.is_empty() {
        problems.add(EMPTY, "there are no examples", file.place(1), "put one JSON object on each line");
    }
    Some(examples)
}
