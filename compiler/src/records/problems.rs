//! Diagnostics of large files: a few of each kind, then their number.

use crate::diagnostic::{Code, Diagnostic};

const SHOWN: usize = 4;

/// What is wrong, in the order in which it was met.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    all: Vec<Diagnostic>,
    /// How often each code was met.
    counts: Vec<(Code, usize)>,
}

impl Problems {
    pub(crate) fn add(&mut self, code: Code, message: impl Into<String>, at: String, help: impl Into<String>) {
        self.push(Diagnostic::new(code, message).at(at).help(help));
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let at = self.counts.iter().position(|(known, _)| *known == diagnostic.code).unwrap_or_else(|| {
            self.counts.push((diagnostic.code, 0));
            self.counts.len() - 1
        });
        self.counts[at].1 += 1;
        if self.counts[at].1 <= SHOWN {
            self.all.push(diagnostic);
        }
    }

    /// How many there are, with those that are not shown.
    pub(crate) fn met(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// `value`, or all that is wrong.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Vec<Diagnostic>> {
        for (code, count) in self.counts {
            if count > SHOWN {
                let last = self.all.iter_mut().rev().find(|diagnostic| diagnostic.code == code);
                let last = last.expect("the first few of each code are kept");
                last.message.push_str(&format!(" (and {} more like it)", count - SHOWN));
            }
        }
        if self.all.is_empty() { Ok(value) } else { Err(self.all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_each_kind_are_shown_and_the_rest_counted() {
        let mut problems = Problems::default();
        (1..=10).for_each(|line| problems.add(Code("MD0604"), "bad", format!("a:{line}"), "mend it"));
        problems.add(Code("MD0605"), "twice", "a:11".into(), "remove one");
        let errors = problems.or(()).expect_err("eleven problems");
        assert_eq!(errors.len(), SHOWN + 1);
        assert_eq!(errors[SHOWN - 1].message, "bad (and 6 more like it)");
        assert_eq!(errors[SHOWN].message, "twice");
    }

    #[test]
    fn nothing_wrong_gives_the_value() {
        assert_eq!(Problems::default().or(7), Ok(7));
    }
}
