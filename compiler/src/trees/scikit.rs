//! scikit-learn's trees as `pickle.dump` and `joblib.dump` leave them: the classes' own fields, as scikit-learn's sources of versions 0.18
//! to 1.9 name them. Nothing is executed.

mod boosting;
mod categorical;
mod fields;
mod forest;
mod histogram;
mod nodes;

use super::codes::{malformed, unsupported};
use super::pickle::Pickle;
use super::{Ensemble, MAX_FEATURES, codes};
use crate::diagnostic::Diagnostic;
use fields::{Instance, Reader};
use flate2::read::{GzDecoder, ZlibDecoder};
use std::borrow::Cow;
use std::io::Read;

/// The most bytes of a file that was compressed.
const MOST_BYTES: u64 = 1 << 30;

/// Whether a file begins as a pickle, or as what joblib compresses by zlib or gzip.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    let plain: [&[u8]; 3] = [b"\x80", b"ccopy_reg\n", b"ccopyreg\n"];
    plain.iter().any(|start| bytes.starts_with(start)) || is_zlib(bytes) || is_gzip(bytes)
}

/// RFC 1950: the method is 8, the window at most 32 KiB, and both bytes together a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if *first == 0x78 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31))
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08")
}

/// The model that the file is.
pub(super) fn read(place: &str, bytes: &[u8]) -> Result<Ensemble, Vec<Diagnostic>> {
    let bytes = match (is_zlib(bytes), is_gzip(bytes)) {
        (true, _) => Cow::Owned(inflated(place, ZlibDecoder::new(bytes), MOST_BYTES)?),
        (_, true) => Cow::Owned(inflated(place, GzDecoder::new(bytes), MOST_BYTES)?),
        _ => Cow::Borrowed(bytes),
    };
    let pickle =
        Pickle::parse(&bytes).map_err(|why| malformed(place, format!("not a pickle that is read here: {why}")))?;
    let reader = Reader { pickle: &pickle, len: bytes.len() };
    let model =
        reader.instance(&pickle.root).ok_or_else(|| malformed(place, "the pickle is no instance of a class"))?;
    let ensemble = match model.name() {
        "GradientBoostingClassifier" | "GradientBoostingRegressor" => boosting::read(&reader, &model),
        "HistGradientBoostingClassifier" | "HistGradientBoostingRegressor" => histogram::read(&reader, &model),
        "RandomForestClassifier" | "ExtraTreesClassifier" => forest::classifier(&reader, &model, None),
        "RandomForestRegressor" | "ExtraTreesRegressor" => forest::regressor(&reader, &model, None),
        "DecisionTreeClassifier" | "ExtraTreeClassifier" => forest::classifier(&reader, &model, Some(&pickle.root)),
        "DecisionTreeRegressor" | "ExtraTreeRegressor" => forest::regressor(&reader, &model, Some(&pickle.root)),
        other => Err(Wrong::Unsupported(format!("the class `{}`", other.escape_debug()))),
    };
    ensemble.map_err(|why| match why {
        Wrong::Missing(what) => malformed(place, format!("`{what}` is missing, or is not what it should be")),
        Wrong::Unsupported(what) => unsupported(place, what),
        Wrong::Tree(at, why) => vec![
            Diagnostic::new(codes::BAD_TREE, why)
                .at(format!("{place}, tree {at}"))
                .help("save the model again, by `pickle.dump` or `joblib.dump`"),
        ],
    })
}

fn inflated(place: &str, from: impl Read, most: u64) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let mut bytes = vec![];
    match from.take(most + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > most => Err(unsupported(
            place,
            format!("the file is compressed, and of more than {most} bytes: save it without compression"),
        )),
        Ok(_) => Ok(bytes),
        Err(error) => Err(malformed(place, format!("the file is compressed, and cut or damaged: {error}"))),
    }
}

/// Why a pickle is no model of trees.
enum Wrong {
    Missing(&'static str),
    Unsupported(String),
    /// The tree of this number, and what is wrong with it.
    Tree(usize, String),
}

/// The names of the features: those of the columns that training was given, or `x0`, `x1` and so on.
fn features(reader: &Reader<'_>, model: &Instance<'_>) -> Result<Vec<String>, Wrong> {
    let count = reader.whole(model, "n_features_in_").or_else(|| reader.whole(model, "n_features_"));
    let count = count.and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (1..=MAX_FEATURES).contains(count)).ok_or(Wrong::Missing("n_features_in_"))?;
    match reader.texts(model, "feature_names_in_") {
        Some(names) if names.len() == count => Ok(names),
        Some(_) => Err(Wrong::Missing("feature_names_in_")),
        None => Ok((0..count).map(|at| format!("x{at}")).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    #[test]
    fn a_compressed_file_ends_at_a_bound() {
        let mut encoder = ZlibEncoder::new(vec![], Compression::fast());
        encoder.write_all(&[0; 5000]).expect("a vector");
        let small = encoder.finish().expect("a vector");
        assert!(is_pickle(&small) && small.len() < 100);
        let read = |bytes: &[u8], most| inflated("model.joblib", ZlibDecoder::new(bytes), most);
        assert_eq!(read(&small, 5000).map(|bytes| bytes.len()).ok(), Some(5000));
        for (bytes, most, said) in [(&small[..], 4999, "more than 4999 bytes"), (&small[..9], 5000, "cut or damaged")] {
            let errors = read(bytes, most).expect_err(said);
            assert!(errors[0].to_string().contains(said), "{}", errors[0]);
        }
    }
}
