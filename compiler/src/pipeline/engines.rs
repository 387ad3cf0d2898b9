//! The two that an evaluation compares: the f32 reference and a pack. Both read texts with the same tokenizer, as services do.

use crate::compress::Sample;
use crate::diagnostic::Diagnostic;
use crate::eval::{Engine, FAILED, Text};
use crate::graph::Graph;
use crate::reference::Reference;
use modeldeploy::isa::Isa;
use modeldeploy::model::{self, Input};
use modeldeploy::tokenizer::{Encoding, Strategy, Tables, Tokenizer, Truncation};

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

/// A pack, run by the engine that services run it with.
pub struct PackEngine<'a>(model::Engine<'a>);

impl<'a> PackEngine<'a> {
    /// The engine of a pack.
    ///
    /// # Errors
    ///
    /// If the bytes are not a pack.
    pub fn new(pack: &'a [u8]) -> Result<PackEngine<'a>, Diagnostic> {
        let engine = model::Engine::with_isa("the pack", pack, Isa::detect());
        engine.map(PackEngine).map_err(|error| Diagnostic::new(FAILED, error.to_string()))
    }
}

impl Engine for PackEngine<'_> {
    fn run(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic> {
        let inputs = texts.iter().map(|text| Input { prompt: "", text: &text.text, pair: text.pair.as_deref() });
        let mut rows = Vec::with_capacity(texts.len());
        let run = self.0.run(inputs, |row| rows.push(row.to_vec()));
        run.map_err(|error| Diagnostic::new(FAILED, format!("a text cannot be run: {error}")))?;
        Ok(rows)
    }
}
