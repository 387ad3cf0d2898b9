//! From ids back to text, to read by eye: as near as the vocabulary tells, for normalisation has lost the rest.

use modeldeploy_format::tokenizer::{Model, Splitter};

use super::Tokenizer;

/// The mark with which WordPiece goes on with a word.
const CONTINUATION: &str = "##";

impl Tokenizer<'_> {
    /// The text that `ids` spell: pieces of WordPiece joined by spaces, byte-level ones by their bytes, Metaspace marks as spaces. Ids
    /// that are not in the vocabulary are left out.
    pub fn decode(&self, ids: &[u32]) -> String {
        let pieces = ids.iter().filter_map(|&id| self.piece(id));
        match (self.tables.model(), self.tables.splitter()) {
            (Model::WordPiece(_), _) => pieces.fold(String::new(), |mut text, piece| {
                match piece.strip_prefix(CONTINUATION) {
                    Some(rest) if !text.is_empty() => text.push_str(rest),
                    _ => {
                        text.push_str(if text.is_empty() { "" } else { " " });
                        text.push_str(piece);
                    }
                }
                text
            }),
            (Model::Bpe(_), _) => {
                let bytes: Vec<u8> = pieces.flat_map(str::chars).flat_map(spelled_bytes).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            (Model::Unigram(_), Splitter::Metaspace { mark, .. }) => {
                let text: String = pieces.collect();
                text.replace(mark, " ").trim_start().to_owned()
            }
            (Model::Unigram(_), _) => pieces.collect(),
        }
    }
}

/// The byte that a character of a byte-level vocabulary stands for; other characters stand for themselves.
fn spelled_bytes(c: char) -> impl Iterator<Item = u8> {
    let mut utf8 = [0; 4];
    let len = match byte_of(c) {
        Some(byte) => {
            utf8[0] = byte;
            1
        }
        None => c.encode_utf8(&mut utf8).len(),
    };
    utf8.into_iter().take(len)
}

/// GPT-2's alphabet: printable Latin-1 characters are their own bytes, the other bytes are U+0100 and on, in order.
fn byte_of(c: char) -> Option<u8> {
    let is_plain = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u32::from(c) {
        code @ 0..=0xFF => Some(code as u8).filter(|&byte| is_plain(byte)),
        code => (0..=u8::MAX).filter(|&byte| !is_plain(byte)).nth(code.checked_sub(0x100)? as usize),
    }
}
