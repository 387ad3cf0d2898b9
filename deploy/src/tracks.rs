//! The images that answer: one, or a first one and its canary, each with its share and its replicas.

use crate::image::Pinned;
use crate::settings::{By, Settings};
use serde::Serialize;

/// An image that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Track {
    /// `stable` or `canary`.
    pub name: &'static str,
    /// What its own objects are called.
    pub object: String,
    /// The image, pinned; none where no image is deployed.
    pub image: Option<String>,
    /// Its share of the requests, in percent.
    pub weight: u32,
    /// The fewest replicas.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// Whether it is the one that the lock here describes.
    pub is_new: bool,
}

/// The tracks of settings that go together.
pub(crate) fn tracks(name: &str, settings: &Settings, image: Option<Pinned>, canary: Option<Pinned>) -> Vec<Track> {
    let (min, max) = (settings.replicas.min, settings.replicas.most());
    let track = |name, object, image: Option<Pinned>, weight| {
        let image = image.map(|image| image.to_string());
        Track { name, object, image, weight, min, max, is_new: false }
    };
    let Some((second, settings)) = canary.zip(settings.canary.as_ref()) else {
        return vec![Track { is_new: true, ..track("stable", name.to_owned(), image, 100) }];
    };
    let mut stable = track("stable", name.to_owned(), image, settings.weights.stable);
    let mut canary = track("canary", format!("{name}-canary"), Some(second), settings.weights.canary);
    canary.is_new = true;
    let share = share(min, settings.weights.canary);
    match settings.by {
        By::Replicas => {
            (canary.min, canary.max) = (share, share);
            (stable.min, stable.max) = (min - share, min - share);
        }
        By::Gateway => canary.min = share,
    }
    vec![stable, canary]
}

/// The canary's replicas of `all`: the nearest to its share, at least one, and fewer than all of several.
fn share(all: u32, percent: u32) -> u32 {
    let nearest = (u64::from(all) * u64::from(percent) + 50) / 100;
    u32::try_from(nearest).unwrap_or(u32::MAX).clamp(1, all.saturating_sub(1).max(1))
}

/// What to say of shares that replicas cannot have.
pub(crate) fn note(tracks: &[Track], settings: &Settings) -> Option<String> {
    let [stable, canary] = tracks else { return None };
    let by_replicas = settings.canary.as_ref().is_some_and(|canary| canary.by == By::Replicas);
    let all = stable.min + canary.min;
    let percent = (f64::from(canary.min) * 100.0 / f64::from(all)).round();
    let is_off = (percent - f64::from(canary.weight)).abs() >= 1.0;
    (by_replicas && is_off).then(|| {
        format!(
            "the canary is to answer {} % and has {} of {all} replicas, which is {percent} %: more replicas come nearer, a gateway shares exactly",
            canary.weight, canary.min
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_replicas_are_the_nearest_that_there_are() {
        for (all, percent, canary) in [
            (10, 10, 1),
            (10, 25, 3),
            (4, 10, 1),
            (4, 99, 3),
            (2, 50, 1),
            (2, 1, 1),
            (1000, 1, 10),
            (1, 50, 1),
            (u32::MAX, 50, 1 << 31),
        ] {
            assert_eq!(share(all, percent), canary, "{percent} % of {all}");
        }
    }

    #[test]
    fn a_share_that_is_not_what_was_asked_for_is_told() {
        let of = |min, stable, second| {
            let text =
                format!("[replicas]\nmin = {min}\n[canary]\nweights = {{ stable = {stable}, canary = {second} }}");
            let settings: Settings = toml::from_str(&text).expect("settings");
            let pinned = |text: &str| Pinned::parse(&format!("{text}@sha256:{}", "0".repeat(64))).ok();
            let tracks = tracks("shop", &settings, pinned("a"), pinned("b"));
            (tracks[0].min, tracks[1].min, note(&tracks, &settings))
        };
        assert_eq!(of(10, 90, 10), (9, 1, None));
        let (stable, canary, note) = of(4, 90, 10);
        assert_eq!((stable, canary), (3, 1));
        assert!(note.is_some_and(|note| note.contains("1 of 4 replicas, which is 25 %")));
    }
}
