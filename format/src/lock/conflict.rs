//! What git leaves in a file where it could not merge.

/// The first line, counted from 1, that is a mark of git's around the sides of a merge.
///
/// For texts that cannot be read: it does not look whether the line is part of a longer text.
pub fn conflict(text: &str) -> Option<usize> {
    let is_mark = |line: &str| {
        line == "=======" || ["<<<<<<< ", "||||||| ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark))
    };
    text.lines().position(is_mark).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_where_it_begins_its_line() {
        for (text, line) in [
            ("a = 1\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> other\n", Some(2)),
            ("a = 1\r\n=======\r\n", Some(2)),
            ("||||||| base\n", Some(1)),
            (">>>>>>> other", Some(1)),
            ("a = '<<<<<<< HEAD'\n# ========\n<<<<<<<\n", None),
            ("", None),
        ] {
            assert_eq!(conflict(text), line, "{text}");
        }
    }
}
