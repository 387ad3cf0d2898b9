//! The recipe: how each part of a model is stored and computed.
//!
//! Written in the manifest, kept in the lock as strings:
//!
//! ```text
//! quantize                     = int8            f32 | bf16 | int8
//! quantize.embeddings          = int4            the embedding tables: f32 | bf16 | int8 | int4
//! quantize.encoder.layer.0.*   = bf16            a pattern over the names of nodes and tensors
//! smooth                       = auto            auto | on | off
//! smooth-alpha                 = 0.7             0 to 1
//! max-tokens                   = 256             the most tokens of a text
//! ```
//!
//! Where several patterns match, the one with the most letters that are no wildcard wins; among equals the last of the
//! alphabet. `embeddings` counts as a pattern without letters.

use crate::diagnostic::{Code, Diagnostic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An unknown key of the recipe.
pub const UNKNOWN_KEY: Code = Code("MD0501");
/// A value that its key does not take.
pub const BAD_VALUE: Code = Code("MD0502");

/// The part that stands for all embedding tables.
pub const EMBEDDINGS: &str = "embeddings";

/// What weights are stored as, and with it what arithmetic uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats, as trained.
    F32,
    /// The upper half of a 32-bit float; arithmetic is done in f32.
    Bf16,
    /// 8-bit integers: weights within ±127 with a scale for each output channel, activations asymmetric by token; tables with a
    /// scale for each row, and an offset where it pays.
    Int8,
    /// 4-bit integers with a scale and an offset for each row; only for tables.
    Int4,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 4] = [Precision::F32, Precision::Bf16, Precision::Int8, Precision::Int4];

    /// The name used in manifests and locks: `f32`, `bf16`, `int8`, `int4`.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
            Precision::Int4 => "int4",
        }
    }

    /// The precision of that name.
    pub fn from_name(name: &str) -> Option<Precision> {
        Precision::ALL.into_iter().find(|precision| precision.name() == name)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the scales of an 8-bit linear layer's inputs are evened out by the weights (Xiao et al. 2023, SmoothQuant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Smoothing {
    /// Where it lowers the layer's measured error.
    Auto,
    /// Wherever it is possible.
    On,
    /// Nowhere.
    Off,
}

impl Smoothing {
    /// All of them.
    pub const ALL: [Smoothing; 3] = [Smoothing::Auto, Smoothing::On, Smoothing::Off];

    /// The name used in manifests and locks: `auto`, `on`, `off`.
    pub const fn name(self) -> &'static str {
        match self {
            Smoothing::Auto => "auto",
            Smoothing::On => "on",
            Smoothing::Off => "off",
        }
    }
}

/// The settings that [`Recipe::read`] takes, of the parts that a manifest's `quantize` names; `default` is all that no other is.
pub fn quantize_settings(parts: &[(String, String)]) -> BTreeMap<String, String> {
    let key = |part: &str| if part == "default" { "quantize".to_owned() } else { format!("quantize.{part}") };
    parts.iter().map(|(part, precision)| (key(part), precision.clone())).collect()
}

/// How each part of a model is stored and computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Where no part says otherwise.
    pub default: Precision,
    /// By part: [`EMBEDDINGS`], or a pattern over names with `*` (any letters) and `?` (one letter).
    pub parts: BTreeMap<String, Precision>,
    /// Of the inputs of 8-bit linear layers.
    pub smoothing: Smoothing,
    /// How much of the spread moves from the inputs to the weights, 0 to 1.
    pub alpha: f64,
    /// The most tokens of a text, where it is less than the model's own.
    pub max_tokens: Option<u32>,
}

impl Default for Recipe {
    /// int8 everywhere, smoothed where it helps.
    fn default() -> Recipe {
        Recipe::of(Precision::Int8)
    }
}

impl Recipe {
    /// One precision everywhere, smoothed where it helps.
    pub fn of(default: Precision) -> Recipe {
        Recipe { default, parts: BTreeMap::new(), smoothing: Smoothing::Auto, alpha: 0.7, max_tokens: None }
    }

    /// Reads a recipe from its settings; `place` says in errors where they stand.
    ///
    /// # Errors
    ///
    /// A diagnostic for each key that is unknown and each value that its key does not take.
    pub fn read(settings: &BTreeMap<String, String>, place: &str) -> Result<Recipe, Vec<Diagnostic>> {
        let mut recipe = Recipe::default();
        let errors: Vec<Diagnostic> =
            settings.iter().filter_map(|(key, value)| recipe.set(key, value, place).err()).collect();
        if errors.is_empty() { Ok(recipe) } else { Err(errors) }
    }

    /// The settings that [`read`](Recipe::read) gives this recipe for: what the lock keeps.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let mut settings: BTreeMap<String, String> = [
            ("quantize".to_owned(), self.default.name().to_owned()),
            ("smooth".to_owned(), self.smoothing.name().to_owned()),
            ("smooth-alpha".to_owned(), self.alpha.to_string()),
        ]
        .into();
        settings.extend(self.parts.iter().map(|(part, to)| (format!("quantize.{part}"), to.name().to_owned())));
        settings.extend(self.max_tokens.map(|tokens| ("max-tokens".to_owned(), tokens.to_string())));
        settings
    }

    fn set(&mut self, key: &str, value: &str, place: &str) -> Result<(), Diagnostic> {
        let bad = |takes: &str| {
            Diagnostic::new(BAD_VALUE, format!("`{value}` is not a value of `{key}`"))
                .at(place)
                .help(format!("`{key}` takes {takes}"))
        };
        let precision =
            || Precision::from_name(value).ok_or_else(|| bad("\"f32\", \"bf16\", \"int8\" or, for tables, \"int4\""));
        match key {
            "quantize" => self.default = precision()?,
            "smooth" => {
                let known = Smoothing::ALL.into_iter().find(|smoothing| smoothing.name() == value);
                self.smoothing = known.ok_or_else(|| bad("\"auto\", \"on\" or \"off\""))?;
            }
            "smooth-alpha" => {
                let alpha = value.parse().ok().filter(|alpha| (0.0..=1.0).contains(alpha));
                self.alpha = alpha.ok_or_else(|| bad("a number from 0 to 1, such as 0.7"))?;
            }
            "max-tokens" => {
                let tokens = value.parse().ok().filter(|&tokens| tokens > 0);
                self.max_tokens = Some(tokens.ok_or_else(|| bad("a whole number of tokens, such as 256"))?);
            }
            _ => match key.strip_prefix("quantize.").filter(|part| !part.is_empty()) {
                Some(part) => {
                    self.parts.insert(part.to_owned(), precision()?);
                }
                None => {
                    return Err(Diagnostic::new(UNKNOWN_KEY, format!("the recipe has the unknown key `{key}`"))
                        .at(place)
                        .help("a recipe has `quantize`, `smooth`, `smooth-alpha` and `max-tokens`"));
                }
            },
        }
        Ok(())
    }

    /// Whether a part of the recipe is about a thing known by these names.
    pub(super) fn names(&self, part: &str, names: &[&str], table: bool) -> bool {
        if part == EMBEDDINGS { table } else { names.iter().any(|name| matches(part, name)) }
    }

    /// The precision of a thing known by these names, and the part that decided, if one did.
    pub(super) fn precision(&self, names: &[&str], table: bool) -> (Precision, Option<&str>) {
        let weight = |part: &str| match part {
            EMBEDDINGS => (0, true),
            pattern => (pattern.chars().filter(|letter| !"*?".contains(*letter)).count(), false),
        };
        let parts = self.parts.iter().filter(|(part, _)| self.names(part, names, table));
        let part = parts.max_by_key(|(part, _)| weight(part));
        part.map_or((self.default, None), |(part, &precision)| (precision, Some(part)))
    }
}

/// Whether a name fits a pattern in which `*` is any letters and `?` is one.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where the last star stands, and how far the name was matched when it was met.
    let mut star: Option<(usize, usize)> = None;
    while of < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(&letter) if letter == '?' || letter == name[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((back, met)) = star else { return false };
                star = Some((back, met + 1));
                at = back + 1;
                of = met + 1;
            }
        }
    }
    pattern[at..].iter().all(|&letter| letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_recipe_survives_the_lock() {
        let recipe = Recipe {
            default: Precision::Bf16,
            parts: [("embeddings".to_owned(), Precision::F32), ("encoder.layer.0.*".to_owned(), Precision::Int8)]
                .into(),
            smoothing: Smoothing::Off,
            alpha: 0.55,
            max_tokens: Some(256),
        };
        assert_eq!(Recipe::read(&recipe.settings(), "Model.lock"), Ok(recipe));
        assert_eq!(Recipe::read(&BTreeMap::new(), "Model.lock"), Ok(Recipe::default()));
    }

    #[test]
    fn a_manifest_says_one_precision_or_a_table() {
        let parts = |parts: &[(&str, &str)]| -> Vec<(String, String)> {
            parts.iter().map(|&(part, precision)| (part.to_owned(), precision.to_owned())).collect()
        };
        assert_eq!(quantize_settings(&parts(&[("default", "bf16")])), settings(&[("quantize", "bf16")]));
        let table = parts(&[("default", "int8"), ("embeddings", "f32"), ("encoder.layer.0.*", "bf16")]);
        let recipe = Recipe::read(&quantize_settings(&table), "Cargo.toml").expect("a recipe");
        assert_eq!(recipe.default, Precision::Int8);
        assert_eq!(recipe.precision(&["words"], true), (Precision::F32, Some("embeddings")));
        assert_eq!(recipe.precision(&["encoder.layer.0.output"], false).0, Precision::Bf16);
        assert_eq!(recipe.precision(&["encoder.layer.1.output"], false), (Precision::Int8, None));
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let wrong = settings(&[
            ("quantise", "int8"),
            ("quantize", "int3"),
            ("quantize.", "int8"),
            ("quantize.a.*", "fp8"),
            ("smooth", "maybe"),
            ("smooth-alpha", "NaN"),
            ("max-tokens", "0"),
        ]);
        let errors = Recipe::read(&wrong, "Cargo.toml, model `m`").expect_err("seven mistakes");
        let codes: Vec<&str> = errors.iter().map(|error| error.code.0).collect();
        assert_eq!(codes, ["MD0502", "MD0501", "MD0502", "MD0501", "MD0502", "MD0502", "MD0502"]);
        for (error, key) in errors.iter().zip(wrong.keys()) {
            assert!(error.message.contains(&format!("`{key}`")), "{error}");
            assert_eq!(error.place.as_deref(), Some("Cargo.toml, model `m`"));
            assert!(error.help.is_some());
        }
    }

    #[test]
    fn patterns_match_as_shells_do() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*", "a.b", true),
            ("a*", "ba", false),
            ("*.weight", "layer.0.weight", true),
            ("*.weight", "layer.0.weights", false),
            ("layer.?.*", "layer.1.x", true),
            ("layer.?.*", "layer.11.x", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
            ("层*", "层.0", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn the_most_exact_part_wins() {
        let mut recipe = Recipe::of(Precision::F32);
        recipe.parts = [("*", Precision::Bf16), ("a.*", Precision::Int8), ("embeddings", Precision::F32)]
            .map(|(part, precision)| (part.to_owned(), precision))
            .into();
        assert_eq!(recipe.precision(&["a.b"], false), (Precision::Int8, Some("a.*")));
        assert_eq!(recipe.precision(&["c"], false), (Precision::Bf16, Some("*")));
        assert_eq!(recipe.precision(&["c"], true), (Precision::F32, Some("embeddings")));
        assert_eq!(recipe.precision(&["a.words"], true), (Precision::Int8, Some("a.*")));
    }
}
