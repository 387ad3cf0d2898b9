//! The crates of a program, as [cargo-auditable](https://github.com/rust-secure-code/cargo-auditable) writes them: JSON in zlib.

use auditable_serde::VersionInfo;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// The longest text: a program of tens of thousands of crates.
const LIMIT: usize = 8 << 20;

/// The list as a section: the same list gives the same bytes.
pub fn to_section(crates: &VersionInfo) -> Vec<u8> {
    compress_to_vec_zlib(&serde_json::to_vec(crates).expect("it has string keys and plain values"), 9)
}

/// Reads a section.
///
/// # Errors
///
/// What is wrong, to be read after its name.
pub fn from_section(section: &[u8]) -> Result<VersionInfo, String> {
    let text = decompress_to_vec_zlib_with_limit(section, LIMIT)
        .map_err(|_| format!("cannot be decompressed, to {LIMIT} bytes at the most"))?;
    serde_json::from_slice(&text).map_err(|error| format!("cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_cut_off_and_nonsense_refused() {
        for (bytes, said) in [
            (compress_to_vec_zlib(&vec![b' '; LIMIT + 1], 9), "at the most"),
            (compress_to_vec_zlib(b"{\"packages\": 3}", 9), "cannot be read"),
            (vec![], "cannot be decompressed"),
            (b"no zlib".to_vec(), "cannot be decompressed"),
        ] {
            let error = from_section(&bytes).expect_err(said);
            assert!(error.contains(said), "{error}");
        }
    }
}
