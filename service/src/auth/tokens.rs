//! The file of tokens: a line each, `name:token` or `name:sha256:` and the token's SHA-256 in hexadecimal.
//!
//! ```text
//! # who         what they send                                                           how often
//! search:       5f0d7c3c8a5e4f1f9f7a
//! analytics:sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 rate=50 burst=100
//! ```
//!
//! A name may stand twice, so that an old token holds until all have the new one; what is asked with either counts for both where they
//! have one rate, and goes on counting when the file is read again. Only digests are kept: they are all of one length, and
//! who could see how far a comparison comes would learn nothing of a token.

use super::rate::Rate;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A token that is shorter can be guessed.
const LEAST: usize = 16;

/// Who has which token.
#[derive(Debug)]
pub(crate) struct Tokens(Vec<Token>);

/// Whose token it is, and how often it may be used.
pub(crate) struct Token {
    pub(crate) name: Arc<str>,
    digest: [u8; 32],
    pub(crate) rate: Option<Rate>,
}

impl Tokens {
    /// Reads the text of a file. Names that were there before have used of their rates what they had.
    ///
    /// # Errors
    ///
    /// All that is wrong with its lines, by their number; never a token.
    pub(crate) fn parse(text: &str, before: Option<&Tokens>) -> Result<Tokens, String> {
        let (mut tokens, mut wrong) = (Vec::<Token>::new(), vec![]);
        for (line, text) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match token(text) {
                Ok(new) if tokens.iter().any(|old| old.digest == new.digest) => {
                    wrong.push(format!("line {line}: the token of `{}` stands above already", new.name));
                }
                Ok(Token { name, digest, rate }) => {
                    let known = tokens.iter().chain(before.into_iter().flat_map(|before| &before.0));
                    let known: Vec<&Rate> =
                        known.filter(|old| old.name == name).filter_map(|old| old.rate.as_ref()).collect();
                    let rate = rate.map(|rate| rate.going_on_from(&known));
                    tokens.push(Token { name, digest, rate });
                }
                Err(message) => wrong.push(format!("line {line}: {message}")),
            }
        }
        if tokens.is_empty() && wrong.is_empty() {
            wrong.push("there is no token; a line is `name:token`".to_owned());
        }
        if wrong.is_empty() { Ok(Tokens(tokens)) } else { Err(wrong.join("; ")) }
    }

    /// Whose token it is. All are compared, each in the same time.
    pub(crate) fn find(&self, token: &[u8]) -> Option<&Token> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.digest.ct_eq(&digest)) {
                found = Some(token);
            }
        }
        found
    }
}

/// A line.
fn token(line: &str) -> Result<Token, String> {
    const FORM: &str = "expected `name:token` or `name:sha256:` and 64 hexadecimal digits";
    let (name, rest) = line.split_once(':').ok_or(FORM)?;
    let mut words = rest.split_whitespace();
    let secret = words.next().ok_or(FORM)?;
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c));
    if !named {
        return Err("the name before the colon is letters, digits and `-_.@`".to_owned());
    }
    let digest = match secret.strip_prefix("sha256:") {
        Some(digits) => digest(digits).ok_or(FORM)?,
        None if secret.len() < LEAST => {
            return Err(format!("the token of `{name}` is shorter than {LEAST} characters, and could be guessed"));
        }
        None => Sha256::digest(secret).into(),
    };
    let (mut rate, mut burst) = (None, None);
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let set = match key {
            "rate" => value.parse::<f64>().ok().map(|value| rate = Some(value)),
            "burst" => value.parse::<u32>().ok().map(|value| burst = Some(value)),
            _ => None,
        };
        set.ok_or_else(|| format!("`{key}`: after a token stand `rate=` (requests a second) and `burst=` (at once)"))?;
    }
    let rate = match (rate, burst) {
        (Some(rate), burst) => {
            // As many as come in a second, unless it is said.
            let burst = burst.unwrap_or((rate.ceil() as u32).max(1));
            Some(Rate::new(rate, burst).ok_or("`rate` and `burst` are more than none")?)
        }
        (None, Some(_)) => return Err("`burst` stands beside a `rate`".to_owned()),
        (None, None) => None,
    };
    Ok(Token { name: name.into(), digest, rate })
}

fn digest(digits: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_itself_or_by_its_digest() {
        // The digest of "test", from FIPS 180's own tools: `printf test | sha256sum`.
        let text = "# ours\n\nshop:0123456789abcdef\n  old.one:sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08 \
                    rate=2.5\nshop:fedcba9876543210 rate=10 burst=3\n";
        let tokens = Tokens::parse(text, None).expect("tokens");
        for (token, name) in [("0123456789abcdef", "shop"), ("test", "old.one"), ("fedcba9876543210", "shop")] {
            assert_eq!(tokens.find(token.as_bytes()).map(|token| &*token.name), Some(name), "{token}");
        }
        for token in ["", "0123456789abcde", "0123456789abcdef ", "0123456789ABCDEF", "tes", "shop"] {
            assert!(tokens.find(token.as_bytes()).is_none(), "{token}");
        }
        assert!(tokens.0[0].rate.is_none() && tokens.0[1].rate.is_some());
        assert!(!format!("{tokens:?}").contains("digest"));
    }

    #[test]
    fn new_tokens_of_a_name_go_on_where_its_old_ones_were() {
        let now = std::time::Duration::from_secs(5);
        let takes = |tokens: &Tokens, token: &str| {
            let token = tokens.find(token.as_bytes()).expect("a token");
            token.rate.as_ref().expect("a rate").take(now).is_ok()
        };
        let old =
            Tokens::parse("shop:0123456789abcdef rate=1 burst=3\nother:other-0123456789 rate=1", None).expect("tokens");
        assert!(takes(&old, "0123456789abcdef") && takes(&old, "0123456789abcdef") && takes(&old, "other-0123456789"));
        let text =
            "new:new-0123456789ab rate=1\nshop:fedcba9876543210 rate=1 burst=3\nshop:0123456789abcdef rate=1 burst=3";
        let new = Tokens::parse(text, Some(&old)).expect("tokens");
        assert!(takes(&new, "fedcba9876543210"), "it had one left");
        assert!(!takes(&new, "fedcba9876543210") && !takes(&new, "0123456789abcdef"), "and no more by either token");
        assert!(takes(&new, "new-0123456789ab"), "who was not there has used nothing");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line_and_no_token_is_told() {
        for (text, message) in [
            ("", "there is no token"),
            ("# nothing\n", "there is no token"),
            ("0123456789abcdef-secret", "line 1: expected `name:token`"),
            ("\nshop:", "line 2: expected `name:token`"),
            (":0123456789abcdef-secret", "the name before the colon"),
            ("a shop:0123456789abcdef-secret", "the name before the colon"),
            ("shop:secret", "shorter than 16"),
            ("shop:sha256:secret", "64 hexadecimal digits"),
            ("shop:sha256:+f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0", "64 hexadecimal"),
            ("shop:0123456789abcdef-secret rate", "`rate`: after a token"),
            ("shop:0123456789abcdef-secret rate=0", "more than none"),
            ("shop:0123456789abcdef-secret rate=1 burst=0", "more than none"),
            ("shop:0123456789abcdef-secret burst=1", "`burst` stands beside"),
            ("shop:0123456789abcdef-secret speed=1", "`speed`"),
            ("a:0123456789abcdef-secret\nb:0123456789abcdef-secret", "line 2: the token of `b` stands above"),
            ("a:x\nb:y", "line 1: the token of `a` is shorter than 16 characters, and could be guessed; line 2"),
        ] {
            let error = Tokens::parse(text, None).expect_err(message);
            assert!(error.contains(message) && !error.contains("secret"), "{text:?}: {error}");
        }
    }
}
