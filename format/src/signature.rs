//! What a model takes and gives: the facts that the type checker, the lock and the service know of it.

use crate::features::{EmbeddingOf, Fact, Kind, Side};
use crate::wire::{Decoder, Encoder, WireError};
use core::fmt;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Task {
    /// A text to a vector.
    Embed,
    /// A query and a document to a relevance.
    Score,
    /// A text (or a pair) to a probability for each label.
    Classify,
    /// The features of candidates to a score for each.
    Rank,
}

impl Task {
    /// All of them, in the order of their codes.
    pub const ALL: [Task; 4] = [Task::Embed, Task::Score, Task::Classify, Task::Rank];

    /// The name used in manifests and locks: `embed`, `score`, `classify`, `rank`.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Embed => "embed",
            Task::Score => "score",
            Task::Classify => "classify",
            Task::Rank => "rank",
        }
    }

    /// The task of that name.
    pub fn from_name(name: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.name() == name)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a model takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "lock",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, rename_all = "kebab-case")
)]
pub struct Signature {
    /// What the model is for.
    pub task: Task,
    /// The most tokens that one text (or pair) may have, special tokens included; longer ones are truncated. Of `rank` the most items of
    /// a session, of which the last ones count; 1 where a model knows no session.
    pub max_tokens: u32,
    /// The width of the output: the vector's length (`embed`), 1 (`score`), the number of labels (`classify`), the number of scores of
    /// a candidate (`rank`).
    pub outputs: u32,
    /// Whether output vectors have unit length (`embed` only).
    pub normalized: bool,
    /// The labels in the order of the outputs (`classify` only).
    #[cfg_attr(feature = "lock", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub labels: Vec<String>,
    /// Named texts that are put before an input, such as `query: `, as `(name, text)`.
    #[cfg_attr(feature = "lock", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub prompts: Vec<(String, String)>,
    /// The name of the prompt used when the caller names none.
    #[cfg_attr(feature = "lock", serde(default, skip_serializing_if = "Option::is_none"))]
    pub default_prompt: Option<String>,
    /// What users, sessions and candidates are given as, in the order of the model (`rank` only).
    #[cfg_attr(feature = "lock", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub features: Vec<Fact>,
}

impl Signature {
    /// Whose embeddings its features are, of those that are some.
    pub fn embeddings(&self) -> impl Iterator<Item = &EmbeddingOf> {
        self.features.iter().filter_map(|feature| feature.kind.embedding())
    }

    /// The bytes that stand in a pack, and whose sha256 is the lock's `signature`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u8(self.task as u8);
        out.u8(u8::from(self.normalized));
        out.u32(self.max_tokens);
        out.u32(self.outputs);
        out.count(self.labels.len());
        self.labels.iter().for_each(|label| out.str(label));
        out.count(self.prompts.len());
        for (name, text) in &self.prompts {
            out.str(name);
            out.str(text);
        }
        out.u8(u8::from(self.default_prompt.is_some()));
        out.str(self.default_prompt.as_deref().unwrap_or(""));
        // Signatures of texts have the bytes that they had before there were features.
        if self.task == Task::Rank {
            out.count(self.features.len());
            for feature in &self.features {
                out.str(&feature.name);
                out.u8(feature.kind.code());
                out.u8(feature.side as u8);
                feature.kind.encode_rest(&mut out);
            }
        }
        out.0
    }

    /// Reads what [`encode`](Signature::encode) wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes, in words.
    pub fn decode(bytes: &[u8]) -> Result<Signature, String> {
        let mut read = Decoder::new(bytes);
        let signature = decode(&mut read).map_err(|error| match error {
            WireError::Truncated => "the signature ends early".to_owned(),
            WireError::NotUtf8 => "a text of the signature is not UTF-8".to_owned(),
        })?;
        if !read.is_empty() {
            return Err("the signature has bytes after its end".to_owned());
        }
        signature.and_then(Signature::checked)
    }

    fn checked(self) -> Result<Signature, String> {
        let width = match self.task {
            Task::Embed | Task::Rank => self.outputs,
            Task::Score => 1,
            Task::Classify => u32::try_from(self.labels.len()).unwrap_or(u32::MAX),
        };
        if self.outputs == 0 || self.outputs != width {
            return Err(format!("a model that does `{}` cannot have {} outputs", self.task, self.outputs));
        }
        if self.max_tokens == 0 {
            return Err("the most tokens of a text cannot be 0".to_owned());
        }
        if (self.task == Task::Rank) == self.features.is_empty() {
            return Err(format!("a model that does `{}` cannot have {} features", self.task, self.features.len()));
        }
        for feature in &self.features {
            feature.kind.embedding().map_or(Ok(()), |of| of.check(&feature.name))?;
        }
        if let Some(name) = &self.default_prompt
            && !self.prompts.iter().any(|(known, _)| known == name)
        {
            return Err(format!("the default prompt `{name}` is not among the prompts"));
        }
        Ok(self)
    }
}

fn decode(read: &mut Decoder<'_>) -> Result<Result<Signature, String>, WireError> {
    let task = read.u8()?;
    let normalized = read.u8()?;
    let max_tokens = read.u32()?;
    let outputs = read.u32()?;
    let labels = (0..read.count(4)?).map(|_| read.str().map(str::to_owned)).collect::<Result<_, _>>()?;
    let prompts = (0..read.count(8)?)
        .map(|_| Ok((read.str()?.to_owned(), read.str()?.to_owned())))
        .collect::<Result<_, WireError>>()?;
    let has_default = read.u8()?;
    let default_prompt = read.str()?.to_owned();
    let Some(&task) = Task::ALL.get(usize::from(task)) else {
        return Ok(Err(format!("the signature's task has the unknown code {task}")));
    };
    let mut features = vec![];
    if task == Task::Rank {
        for _ in 0..read.count(6)? {
            let name = read.str()?.to_owned();
            let (code, side) = (read.u8()?, read.u8()?);
            let (Some(kind), Some(side)) = (Kind::decode_rest(code, read)?, Side::from_code(side)) else {
                return Ok(Err(format!(
                    "feature `{name}` is of the unknown kind {code} or of the unknown side {side}"
                )));
            };
            features.push(Fact { name, kind, side });
        }
    }
    if normalized > 1 || has_default > 1 {
        return Ok(Err("a flag of the signature is neither 0 nor 1".to_owned()));
    }
    Ok(Ok(Signature {
        task,
        max_tokens,
        outputs,
        normalized: normalized == 1,
        labels,
        prompts,
        default_prompt: (has_default == 1).then_some(default_prompt),
        features,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify() -> Signature {
        Signature {
            task: Task::Classify,
            max_tokens: 128,
            outputs: 2,
            normalized: false,
            labels: vec!["negative".into(), "positive".into()],
            prompts: vec![("query".into(), "query: ".into())],
            default_prompt: Some("query".into()),
            features: vec![],
        }
    }

    fn rank() -> Signature {
        Signature {
            task: Task::Rank,
            max_tokens: 1,
            outputs: 1,
            normalized: false,
            labels: vec![],
            prompts: vec![],
            default_prompt: None,
            features: vec![
                Fact { name: "price".into(), kind: Kind::Number, side: Side::Candidate },
                Fact { name: "brand".into(), kind: Kind::Text, side: Side::User },
                Fact { name: "query".into(), kind: Kind::Embedding(encoder(384)), side: Side::User },
            ],
        }
    }

    fn encoder(width: u32) -> EmbeddingOf {
        EmbeddingOf { model: "query-encoder".into(), space: crate::Digest::from_bytes([7; 32]), width }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Signature::decode(&classify().encode()), Ok(classify()));
        assert_eq!(Signature::decode(&rank().encode()), Ok(rank()));
    }

    #[test]
    fn every_truncation_is_refused() {
        for bytes in [classify().encode(), rank().encode()] {
            for len in 0..bytes.len() {
                assert!(Signature::decode(&bytes[..len]).is_err(), "{len} bytes");
            }
        }
    }

    #[test]
    fn a_contradiction_is_refused() {
        for (what, wrong) in [
            ("3 outputs", Signature { outputs: 3, ..classify() }),
            ("0 outputs", Signature { task: Task::Embed, outputs: 0, ..classify() }),
            ("tokens", Signature { max_tokens: 0, ..classify() }),
            ("0 features", Signature { features: vec![], ..rank() }),
            ("`passage`", Signature { default_prompt: Some("passage".into()), ..classify() }),
            (
                "`query` is an embedding of 0 values",
                Signature {
                    features: vec![Fact { name: "query".into(), kind: Kind::Embedding(encoder(0)), side: Side::User }],
                    ..rank()
                },
            ),
        ] {
            let error = Signature::decode(&wrong.encode()).expect_err(what);
            assert!(error.contains(what), "{error}");
        }
    }
}
