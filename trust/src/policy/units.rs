//! Ages and sizes as people write them: `365d`, `52w`, `500MB`, `1GiB`.

/// A number of bytes.
const SIZES: [(&str, u64); 10] = [
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// Bytes, if the text says some.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*bytes).filter(|bytes| *bytes > 0)
}

/// Days, if the text says some.
pub(super) fn days(text: &str) -> Option<u32> {
    let (number, unit) = split(text)?;
    let days = match unit {
        "d" => number,
        "w" => number.checked_mul(7)?,
        _ => return None,
    };
    u32::try_from(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("500MB", Some(500_000_000)),
            ("500 MB", Some(500_000_000)),
            ("2GiB", Some(2 << 30)),
            ("1B", Some(1)),
            ("0MB", None),
            ("500", None),
            ("500mb", None),
            ("-1MB", None),
            ("1.5GB", None),
            ("MB", None),
            ("", None),
            ("99999999TB", None),
            ("99999999999999999999MB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
        for (text, found) in
            [("365d", Some(365)), ("52w", Some(364)), ("0d", Some(0)), ("1y", None), ("d", None), ("9999999999d", None)]
        {
            assert_eq!(days(text), found, "{text}");
        }
    }
}
