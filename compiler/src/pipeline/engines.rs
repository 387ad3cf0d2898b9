//! The two that an evaluation compares: the f32 reference and a pack. Both read texts with the same tokenizer, as services do.

use crate::compress::Sample;
use crate::diagnostic::Diagnostic;
use crate::eval::{Engine, FAILED, Text};
use crate::graph::Graph;
use crate::reference::Reference;
use modeldeploy::session::{Batch, Capacity, Session};
use modeldeploy::tokenizer::{Encoding, Strategy, Tables, Tokenizer, Truncation};
use modeldeploy_format::Artifact;
use std::sync::Mutex;

/// Tokens of a batch, unless a single text has more.
const BATCH_TOKENS: usize = 512;

/// Texts to token ids, cut to what the model takes.
pub(super) struct Reader<'a> {
    tokenizer: Tokenizer<'a>,
    truncation: Truncation,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tables: &'a [u8], max_tokens: u32) -> Result<Reader<'a>, Diagnostic> {
        let tables = Tables::parse(tables)
            .map_err(|error| Diagnostic::new(FAILED, format!("the tokenizer's tables cannot be read: {error}")))?;
        let tokenizer = Tokenizer::new(tables);
        let side = tokenizer.truncation().side;
        Ok(Reader { tokenizer, truncation: Truncation { max_len: max_tokens, side, strategy: Strategy::LongestFirst } })
    }

    pub(super) fn read(&self, text: &Text) -> Result<Sample, Diagnostic> {
        let mut encoding = Encoding::new();
        self.tokenizer.encode_into(&text.text, text.pair.as_deref(), self.truncation, &mut encoding).map_err(
            |error| {
                Diagnostic::new(FAILED, format!("a text cannot be tokenized: {error}"))
                    .at(format!("text {:?}", text.to_string()))
            },
        )?;
        let types = encoding.type_ids().iter().map(|&id| u32::from(id)).collect();
        Ok(Sample { ids: encoding.ids().to_vec(), types })
    }
}

/// The candle evaluator of a graph.
pub struct ReferenceEngine<'a> {
    reader: Reader<'a>,
    reference: Reference,
}

impl<'a> ReferenceEngine<'a> {
    /// The reference of a graph, with the tokenizer's tables.
    ///
    /// # Errors
    ///
    /// If the graph or the tables cannot be used.
    pub fn new(graph: &Graph, tables: &'a [u8], max_tokens: u32) -> Result<ReferenceEngine<'a>, Vec<Diagnostic>> {
        let reader = Reader::new(tables, max_tokens).map_err(|error| vec![error])?;
        Ok(ReferenceEngine { reader, reference: Reference::new(graph)? })
    }
}

impl Engine for ReferenceEngine<'_> {
    fn run(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic> {
        texts
            .iter()
            .map(|text| {
                let sample = self.reader.read(text)?;
                self.reference.run(&sample.ids, &sample.types)
            })
            .collect()
    }
}

/// A pack, run by the kernels that services run it with.
pub struct PackEngine<'a> {
    artifact: Artifact<'a>,
    reader: Reader<'a>,
    /// Sessions at rest.
    idle: Mutex<Vec<Session<'a>>>,
}

impl<'a> PackEngine<'a> {
    /// The engine of a pack.
    ///
    /// # Errors
    ///
    /// If the bytes are not a pack.
    pub fn new(pack: &'a [u8]) -> Result<PackEngine<'a>, Diagnostic> {
        let artifact = Artifact::parse(pack).map_err(|error| Diagnostic::new(FAILED, error.to_string()))?;
        let reader = Reader::new(artifact.tokenizer(), artifact.signature().max_tokens)?;
        Ok(PackEngine { artifact, reader, idle: Mutex::default() })
    }

    /// The pack.
    pub fn artifact(&self) -> &Artifact<'a> {
        &self.artifact
    }

    fn session(&self) -> Result<Session<'a>, Diagnostic> {
        if let Some(session) = self.idle.lock().expect("nothing panics while it is held").pop() {
            return Ok(session);
        }
        let tokens = BATCH_TOKENS.max(self.artifact.signature().max_tokens as usize);
        Session::new(&self.artifact, Capacity { tokens, texts: BATCH_TOKENS })
            .map_err(|error| Diagnostic::new(FAILED, format!("no session can be made: {error}")))
    }
}

impl Engine for PackEngine<'_> {
    fn run(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic> {
        let mut session = self.session()?;
        let outputs = self.artifact.signature().outputs as usize;
        let samples = texts.iter().map(|text| self.reader.read(text)).collect::<Result<Vec<_>, _>>()?;
        let mut rows = Vec::with_capacity(texts.len());
        let mut rest = samples.as_slice();
        while !rest.is_empty() {
            let (mut ids, mut types, mut starts) = (vec![], vec![], vec![0]);
            let mut taken = 0;
            for sample in rest {
                if taken > 0 && (ids.len() + sample.ids.len() > BATCH_TOKENS || taken == BATCH_TOKENS) {
                    break;
                }
                ids.extend(&sample.ids);
                types.extend(&sample.types);
                starts.push(u32::try_from(ids.len()).expect("within the session's capacity"));
                taken += 1;
            }
            let values = session
                .run(&Batch { ids: &ids, types: &types, starts: &starts })
                .map_err(|error| Diagnostic::new(FAILED, format!("a batch cannot be run: {error}")))?;
            rows.extend(values.chunks_exact(outputs).map(<[f32]>::to_vec));
            rest = &rest[taken..];
        }
        self.idle.lock().expect("nothing panics while it is held").push(session);
        Ok(rows)
    }
}
