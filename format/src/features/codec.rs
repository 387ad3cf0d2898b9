//! Features as bytes: a section of a ranker's pack.

use super::{EmbeddingOf, Feature, Features, Rule, Side, TOGETHER, Takes, Unknown};
use crate::wire::{Decoder, Encoder, WireError};

const MAGIC: &[u8; 8] = b"MDFEAT\r\n";
const VERSION: u32 = 2;

impl Features {
    /// The bytes that stand in a pack.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.0.extend(MAGIC);
        out.u32(VERSION);
        out.count(self.list().len());
        for feature in self.list() {
            out.str(&feature.name);
            out.u8(feature.side as u8);
            out.u8(u8::from(feature.repeated));
            out.u8(feature.takes as u8);
            encode(&mut out, &feature.rule);
        }
        if self.together != TOGETHER || !self.pads.is_empty() {
            out.u32(self.together);
        }
        if !self.pads.is_empty() {
            out.count(self.pads.len());
            self.pads.iter().for_each(|pad| out.u64(pad.to_bits()));
        }
        out.0
    }

    /// Reads what [`encode`](Features::encode) wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes, in words.
    pub fn decode(bytes: &[u8]) -> Result<Features, String> {
        let mut read = Decoder::new(bytes);
        let wrong = |error| match error {
            WireError::Truncated => "the features end early".to_owned(),
            WireError::NotUtf8 => "a text of the features is not UTF-8".to_owned(),
        };
        let features = Features::new(decode(&mut read).map_err(wrong)??)?;
        if read.is_empty() {
            return Ok(features);
        }
        let together = read.u32().map_err(wrong)?;
        if read.is_empty() && together == TOGETHER {
            return Err("the features have bytes after their end".to_owned());
        }
        let features = features.scored_together(together)?;
        if read.is_empty() {
            return Ok(features);
        }
        let count = read.count(8).map_err(wrong)?;
        let pads = (0..count).map(|_| read.u64().map(f64::from_bits)).collect::<Result<_, _>>().map_err(wrong)?;
        if !read.is_empty() {
            return Err("the features have bytes after their end".to_owned());
        }
        features.filled_up(pads)
    }
}

fn encode(out: &mut Encoder, rule: &Rule) {
    match rule {
        Rule::Number { mean, deviation, default } => {
            out.u8(0);
            [mean, deviation, default].iter().for_each(|number| out.u64(number.to_bits()));
        }
        Rule::Bucket { boundaries } => {
            out.u8(1);
            out.count(boundaries.len());
            boundaries.iter().for_each(|number| out.u64(number.to_bits()));
        }
        Rule::Category { vocabulary, first, unknown } => {
            out.u8(2);
            let (code, number) = match unknown {
                Unknown::Missing => (0, 0.0),
                Unknown::Refused => (1, 0.0),
                Unknown::Number(number) => (2, *number),
            };
            out.u8(code);
            out.u64(f64::to_bits(number));
            out.u32(*first);
            out.count(vocabulary.len());
            vocabulary.iter().for_each(|word| out.str(word));
        }
        Rule::Hash { buckets, seed } => {
            out.u8(3);
            out.u32(*buckets);
            out.u64(*seed);
        }
        Rule::Id { size, unknown } => {
            out.u8(4);
            out.u32(*size);
            out.u8(u8::from(unknown.is_some()));
            out.u32(unknown.unwrap_or(0));
        }
        Rule::Embedding(of) => {
            out.u8(5);
            of.encode(out);
        }
    }
}

fn decode(read: &mut Decoder<'_>) -> Result<Result<Vec<Feature>, String>, WireError> {
    if read.take(MAGIC.len())? != MAGIC || read.u32()? != VERSION {
        return Ok(Err("the features are none, or of another version; build the pack again".to_owned()));
    }
    // No feature is shorter than that.
    let count = read.count(17)?;
    let mut features = Vec::with_capacity(count);
    for _ in 0..count {
        let name = read.str()?.to_owned();
        let (side, repeated, takes) = (read.u8()?, read.u8()? != 0, read.u8()?);
        let (Some(side), Some(&takes)) = (Side::from_code(side), Takes::ALL.get(usize::from(takes))) else {
            return Ok(Err(format!(
                "feature `{name}` is of the unknown side {side} or taken in the unknown way {takes}"
            )));
        };
        match rule(read)? {
            Ok(rule) => features.push(Feature { name, side, repeated, takes, rule }),
            Err(why) => return Ok(Err(format!("feature `{name}` has the unknown {why}"))),
        }
    }
    Ok(Ok(features))
}

fn rule(read: &mut Decoder<'_>) -> Result<Result<Rule, String>, WireError> {
    let double = |read: &mut Decoder<'_>| read.u64().map(f64::from_bits);
    Ok(Ok(match read.u8()? {
        0 => Rule::Number { mean: double(read)?, deviation: double(read)?, default: double(read)? },
        1 => {
            let count = read.count(8)?;
            Rule::Bucket { boundaries: (0..count).map(|_| double(read)).collect::<Result<_, _>>()? }
        }
        2 => {
            let (code, number) = (read.u8()?, double(read)?);
            let unknown = match code {
                0 => Unknown::Missing,
                1 => Unknown::Refused,
                2 => Unknown::Number(number),
                _ => return Ok(Err(format!("rule {code} for unknown values"))),
            };
            let (first, count) = (read.u32()?, read.count(4)?);
            let vocabulary = (0..count).map(|_| read.str().map(str::to_owned)).collect::<Result<_, _>>()?;
            Rule::Category { vocabulary, first, unknown }
        }
        3 => Rule::Hash { buckets: read.u32()?, seed: read.u64()? },
        4 => {
            let (size, has, unknown) = (read.u32()?, read.u8()?, read.u32()?);
            Rule::Id { size, unknown: (has != 0).then_some(unknown) }
        }
        5 => Rule::Embedding(EmbeddingOf::decode(read)?),
        code => return Ok(Err(format!("rule {code}"))),
    }))
}
