//! Sessions that are filled up: with what, as `features.toml` says it of each of their features.

use crate::section::{Section, Source};
use modeldeploy_format::features::{Feature, Features, Side};

/// What fills a session up, if it says so.
pub(super) fn pad(source: &Source<'_>, section: &Section<'_, '_>, side: Option<Side>) -> Option<f64> {
    let (id, number) = (section.whole("pad-id"), section.number("pad"));
    let at = section.at(if id.is_some() { "pad-id" } else { "pad" });
    let pad = match (id, number) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            source.fail(at, "`pad-id` and `pad` are two answers", "take one away: `pad-id` is an id, `pad` a number");
            return None;
        }
        (Some(id), None) => match u32::try_from(id) {
            Ok(id) => f64::from(id),
            Err(_) => {
                source.fail(at, "it is no id", "write one below 2^32, such as 0");
                return None;
            }
        },
        (None, Some(number)) => number,
    };
    if side.is_some_and(|side| side != Side::Session) {
        source.fail(at, "only sessions are filled up", "take it away, or say of = \"session\"");
        return None;
    }
    Some(pad)
}

/// Features and what fills each up, as all of a ranker's.
pub(super) fn features(found: impl IntoIterator<Item = (Feature, Option<f64>)>) -> Result<Features, String> {
    let (features, pads): (Vec<Feature>, Vec<Option<f64>>) = found.into_iter().unzip();
    let of_session = features.iter().zip(pads).filter(|(feature, _)| feature.side == Side::Session);
    let pads: Vec<Option<f64>> = of_session.map(|(_, pad)| pad).collect();
    match pads.iter().copied().collect::<Option<Vec<f64>>>() {
        Some(pads) if !pads.is_empty() => Features::new(features)?.filled_up(pads),
        _ if pads.iter().any(Option::is_some) => {
            Err("some features of the session say what fills it up, and others do not".to_owned())
        }
        _ => Features::new(features),
    }
}
