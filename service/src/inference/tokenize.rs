//! Texts to tokens, as the engine makes them.

use super::Fault;
use crate::batch::Ragged;
use crate::models::Served;
use modeldeploy::format::Task;
use modeldeploy::model::Engine;
use modeldeploy::tokenizer::{Encoding, Side, Truncation};
use std::borrow::Cow;

/// One thing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    One(String),
    Pair(String, String),
    /// Ids of the model's own tokenizer, special ones included: they are run as they are.
    Tokens(Vec<u32>),
}

/// What is done with a text of more tokens than the model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlong {
    /// It is cut as the model's tokenizer cuts.
    Cut,
    /// It is cut on that side.
    CutAt(Side),
    /// It is refused.
    Refuse,
}

impl Text {
    /// What tokenizing it has to read.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Text::One(text) => text.len(),
            Text::Pair(text, pair) => text.len() + pair.len(),
            Text::Tokens(ids) => 4 * ids.len(),
        }
    }
}

/// The tokens of the texts.
///
/// # Errors
///
/// If the model is a ranker, there is no such prompt, or a text is none for the model's task, has no tokens, or has too many.
pub(crate) fn tokenize(
    served: &Served,
    prompt: Option<&str>,
    texts: &[Text],
    overlong: Overlong,
) -> Result<Ragged, Fault> {
    let engine = served.texts().ok_or_else(|| Fault::input(None, served.no_texts()))?;
    let most = served.facts.max_tokens;
    let prompt = engine.prompt(prompt).map_err(|error| Fault::input(None, error.to_string()))?;
    let (mut encoding, mut tokens) = (Encoding::new(), Ragged::new());
    for (at, text) in texts.iter().enumerate() {
        let wrong = |message: String| Fault::input(Some(at), message);
        fits_task(served.facts.task, text).map_err(|message| wrong(message.to_owned()))?;
        match text {
            Text::One(text) => encode((engine, most), prompt, (text, None), overlong, &mut encoding),
            Text::Pair(text, pair) => encode((engine, most), prompt, (text, Some(pair)), overlong, &mut encoding),
            Text::Tokens(ids) => {
                tokens.push(checked((engine, most), ids).map_err(wrong)?.iter().copied(), vec![0; ids.len()]);
                continue;
            }
        }
        .map_err(wrong)?;
        tokens.push(encoding.ids().iter().copied(), encoding.type_ids().iter().map(|&id| id.into()));
    }
    Ok(tokens)
}

fn fits_task(task: Task, text: &Text) -> Result<(), &'static str> {
    match (task, text) {
        (Task::Embed, Text::Pair(..)) => Err("the model embeds one text, and this is a pair"),
        (Task::Score, Text::One(_)) => Err("the model scores a query and a document, and this is one text"),
        _ => Ok(()),
    }
}

fn encode(
    (engine, most): (&Engine<'_>, usize),
    prompt: &str,
    (text, pair): (&str, Option<&str>),
    overlong: Overlong,
    out: &mut Encoding,
) -> Result<(), String> {
    let text = if prompt.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(format!("{prompt}{text}")) };
    let own = engine.truncation();
    let truncation = match overlong {
        Overlong::Cut => own,
        Overlong::CutAt(side) => Truncation { side, ..own },
        // One more than may be, so that it is seen.
        Overlong::Refuse => Truncation { max_len: own.max_len.saturating_add(1), ..own },
    };
    engine.tokenizer().encode_into(&text, pair, truncation, out).map_err(|error| error.to_string())?;
    within(most, out.len())
}

/// Ids that the model has; cutting them would take special ones away.
fn checked<'a>((engine, most): (&Engine<'_>, usize), ids: &'a [u32]) -> Result<&'a [u32], String> {
    let known = engine.tokenizer().vocab_size();
    if let Some(id) = ids.iter().find(|&&id| id >= known) {
        return Err(format!("there is no token {id}: the model's are below {known}"));
    }
    within(most, ids.len()).map(|()| ids)
}

fn within(most: usize, tokens: usize) -> Result<(), String> {
    if tokens == 0 {
        return Err("it has no tokens".to_owned());
    }
    if tokens > most {
        return Err(format!("it has more tokens than the model takes, which is {most}"));
    }
    Ok(())
}
