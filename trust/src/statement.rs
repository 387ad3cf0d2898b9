//! What is said of a file, signed: [in-toto's statements](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md), an
//! envelope a line in `FILE.intoto.jsonl`.

use crate::date::Date;
use crate::dsse::{Envelope, too_few};
use crate::encoding::hex;
use crate::json;
use crate::keys::{KeyId, SecretKey, TrustedKey};
use crate::provenance;
use crate::refusal::{Refusal, form};
use modeldeploy_format::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The media type of a statement's payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What a statement begins with.
pub(crate) const TYPE: &str = "https://in-toto.io/Statement/v1";

/// The type of a plain statement: these bytes are what the signer means. `docs/trust.md` says what is in its predicate.
pub const SIGNED_FILE: &str = "https://github.com/modeldeploy/modeldeploy/blob/main/docs/trust.md#signed-file-v1";

/// The key of a day after which a statement counts no more, in a predicate of ours.
const EXPIRES: &str = "modeldeploy_expires";

/// The ending of a file of signatures, as in-toto's bundles have it.
pub const ENDING: &str = ".intoto.jsonl";

/// The most envelopes of one file.
const ENVELOPES: usize = 64;

/// A statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What is said of it, as a URI.
    pub predicate_type: String,
    /// What is said of it.
    #[serde(default)]
    pub predicate: Value,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digests, by algorithm.
    pub digest: BTreeMap<String, String>,
}

impl Statement {
    /// A statement about one file.
    pub fn new(name: &str, digest: &Digest, predicate_type: &str, predicate: Value) -> Statement {
        let digest = BTreeMap::from([("sha256".to_owned(), hex(digest.as_bytes()))]);
        Statement {
            kind: TYPE.into(),
            subject: vec![Subject { name: Some(name.into()), digest }],
            predicate_type: predicate_type.into(),
            predicate,
        }
    }

    /// A plain statement: this file, of this kind (`lock`, `pack`, …) and size, is what the signer means.
    pub fn of_file(name: &str, digest: &Digest, kind: &str, size: u64) -> Statement {
        Statement::new(name, digest, SIGNED_FILE, json!({"kind": kind, "size": size}))
    }

    /// The same, until the end of that day. For predicates that are objects, as ours are.
    #[must_use]
    pub fn until(mut self, expires: Option<Date>) -> Statement {
        if let (Some(expires), Some(predicate)) = (expires, self.predicate.as_object_mut()) {
            predicate.insert(EXPIRES.into(), expires.to_string().into());
        }
        self
    }

    /// The last day on which it counts, where it says one.
    ///
    /// # Errors
    ///
    /// If what it says is no day.
    pub fn expires(&self) -> Result<Option<Date>, Refusal> {
        let Some(said) = self.predicate.get(EXPIRES) else { return Ok(None) };
        let day = said.as_str().ok_or_else(|| form(format!("`{EXPIRES}` is no text")))?;
        day.parse().map(Some).map_err(form)
    }

    /// Reads what an envelope carries.
    ///
    /// # Errors
    ///
    /// If that is no statement of version 1.
    pub fn of_envelope(envelope: &Envelope) -> Result<Statement, Refusal> {
        if envelope.payload_type != PAYLOAD_TYPE {
            let found: String = envelope.payload_type.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(form(format!("the envelope carries `{found}`, and `{PAYLOAD_TYPE}` is a statement")));
        }
        Statement::parse(&envelope.payload)
    }

    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// If it is none of version 1, or about nothing.
    pub fn parse(bytes: &[u8]) -> Result<Statement, Refusal> {
        let statement: Statement = json::parse("the statement", bytes, crate::LONGEST)?;
        if statement.kind != TYPE {
            return Err(form(format!("the statement is of `{}`, and not of {TYPE}", statement.kind.escape_debug())));
        }
        if statement.subject.is_empty() {
            return Err(form("the statement is about nothing"));
        }
        Ok(statement)
    }

    /// As text: the same statement gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&sorted(serde_json::to_value(self).expect("string keys and plain values"))).expect("a value")
    }

    /// Whether it is about a file with this digest.
    pub fn is_about(&self, digest: &Digest) -> bool {
        let hex = hex(digest.as_bytes());
        self.subject.iter().any(|subject| subject.digest.get("sha256") == Some(&hex))
    }
}

/// The value with the keys of every object sorted, however another crate may have set up JSON's maps.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(sorted.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The envelopes beside a file: who has signed it, and what they said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attestations {
    envelopes: Vec<Envelope>,
}

/// What is proved of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Vouched<'k> {
    /// The trusted keys that have signed a statement about it, each once.
    pub keys: Vec<&'k TrustedKey>,
    /// Those statements; of equal ones the first.
    pub statements: Vec<Statement>,
}

impl Attestations {
    /// Reads a file of signatures: an envelope a line. One envelope over several lines, as other tools write it, is one too.
    ///
    /// # Errors
    ///
    /// If a line is no envelope, or there is none or a great many.
    pub fn parse(bytes: &[u8]) -> Result<Attestations, Refusal> {
        if bytes.len() > crate::LONGEST {
            return Err(form(format!("it has {} bytes, and {} are the most", bytes.len(), crate::LONGEST)));
        }
        if let Ok(envelope) = Envelope::parse(bytes) {
            return Ok(Attestations { envelopes: vec![envelope] });
        }
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let lines: Vec<&[u8]> = lines.take(ENVELOPES + 1).collect();
        if lines.is_empty() || lines.len() > ENVELOPES {
            return Err(form(format!("it has no envelope, or more than {ENVELOPES}")));
        }
        Ok(Attestations { envelopes: lines.into_iter().map(Envelope::parse).collect::<Result<_, _>>()? })
    }

    /// The envelopes, a line each.
    pub fn to_text(&self) -> String {
        self.envelopes.iter().map(|envelope| envelope.to_line() + "\n").collect()
    }

    /// Adds a signature of a statement: to the envelope that carries the same, or in one of its own. What the same key had signed
    /// before is taken out, and so are statements about other files: they say nothing of this one.
    ///
    /// # Errors
    ///
    /// If the key cannot sign.
    pub fn sign(&mut self, statement: &Statement, about: &Digest, key: &SecretKey) -> Result<(), Refusal> {
        // What is no statement is not ours to judge.
        self.envelopes.retain(|envelope| Statement::of_envelope(envelope).map_or(true, |known| known.is_about(about)));
        let id = key.public().id().0;
        for envelope in &mut self.envelopes {
            envelope.signatures.retain(|signature| signature.keyid.as_ref() != Some(&id));
        }
        self.envelopes.retain(|envelope| !envelope.signatures.is_empty());
        let payload = statement.to_bytes();
        match self.envelopes.iter_mut().find(|it| it.payload == payload && it.payload_type == PAYLOAD_TYPE) {
            Some(envelope) => envelope.add(key)?,
            None => self.envelopes.push(Envelope::sign(PAYLOAD_TYPE, payload, key)?),
        }
        Ok(())
    }

    /// The keys that it says it is signed by.
    pub fn claimed(&self) -> impl Iterator<Item = KeyId> {
        self.envelopes.iter().flat_map(Envelope::claimed)
    }

    /// Whether one of its statements, whoever signed it, is about a file with this digest.
    pub fn is_about(&self, digest: &Digest) -> bool {
        let statements = self.envelopes.iter().filter_map(|envelope| Statement::of_envelope(envelope).ok());
        statements.into_iter().any(|statement| statement.is_about(digest))
    }

    /// What `keys` vouch for of a file with this digest on that day: `threshold` of them or more.
    ///
    /// # Errors
    ///
    /// In this order: that a signature which says it is of one of the keys is wrong, that what was signed is another file, that the
    /// time of a statement is over, or that too few keys have signed.
    pub fn verify<'k>(
        &self,
        about: &Digest,
        keys: &'k [TrustedKey],
        threshold: usize,
        today: Date,
    ) -> Result<Vouched<'k>, Refusal> {
        let mut vouched = Vouched { keys: vec![], statements: vec![] };
        let mut against: Vec<Refusal> = vec![];
        for envelope in &self.envelopes {
            let signers = match envelope.verify(keys, 1) {
                Ok(signers) => signers,
                Err(refusal) => {
                    against.push(refusal);
                    continue;
                }
            };
            let statement = match Statement::of_envelope(envelope).and_then(|it| counts(it, about, today)) {
                Ok(statement) => statement,
                Err(refusal) => {
                    against.push(refusal);
                    continue;
                }
            };
            for key in signers {
                if vouched.keys.iter().all(|known| known.key != key.key) {
                    vouched.keys.push(key);
                }
            }
            if !vouched.statements.contains(&statement) {
                vouched.statements.push(statement);
            }
        }
        if vouched.keys.len() >= threshold.max(1) {
            return Ok(vouched);
        }
        let grave = against.into_iter().find(|refusal| !matches!(refusal, Refusal::Untrusted(_)));
        Err(grave.unwrap_or_else(|| Refusal::Untrusted(too_few(&vouched.keys, threshold, self.claimed(), keys))))
    }
}

/// The statement, if it is about that file and its time is not over.
fn counts(statement: Statement, about: &Digest, today: Date) -> Result<Statement, Refusal> {
    if !statement.is_about(about) {
        let other = statement.subject.first().and_then(|subject| subject.digest.get("sha256"));
        let other: String =
            other.map_or("<none>", String::as_str).chars().take(64).flat_map(char::escape_debug).collect();
        return Err(Refusal::Other(format!(
            "what was signed is another file: the signature is for sha256:{other}, and this file is {about}"
        )));
    }
    match statement.expires()? {
        Some(last) if today.days_since(last) > 0 => {
            Err(Refusal::Expired(format!("the signature counted until {last}: its time is over")))
        }
        _ => Ok(statement),
    }
}

impl Statement {
    /// Whether it says how a program was built.
    pub fn is_provenance(&self) -> bool {
        self.predicate_type == provenance::PREDICATE_TYPE
    }
}
