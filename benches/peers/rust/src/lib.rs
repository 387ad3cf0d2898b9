//! What every engine's program speaks: see `../engines/protocol.py`.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a program was called with.
pub struct Call {
    /// What `prepare.py` made.
    pub folder: PathBuf,
    pub precision: String,
    pub threads: usize,
}

impl Call {
    /// The unfused ONNX file of the precision, whose operators are the standard's own.
    pub fn plain_onnx(&self) -> PathBuf {
        self.folder.join(format!("plain-{}.onnx", self.precision))
    }
}

#[derive(Deserialize)]
struct Request {
    runs: usize,
    ids: Vec<Vec<u32>>,
}

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "µs")]
    micros: Vec<f64>,
    outputs: Vec<Vec<f32>>,
}

/// Answers requests on stdin until it ends. `load` gives the engine's function from a batch to a row for each of its texts.
pub fn serve<F>(name: &str, load: impl FnOnce(&Call) -> Result<F, Box<dyn Error>>) -> Result<(), Box<dyn Error>>
where
    F: FnMut(&Padded) -> Result<Vec<Vec<f32>>, Box<dyn Error>>,
{
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, precision, threads] = &args[..] else {
        return Err("usage: <program> <folder that prepare.py made> <int8 | f32> <threads>".into());
    };
    let call = Call { folder: Path::new(folder).into(), precision: precision.clone(), threads: threads.parse()? };
    let mut run = load(&call)?;
    println!("{name}");
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let mut answer = Answer { micros: vec![], outputs: vec![] };
        for _ in 0..request.runs {
            let start = Instant::now();
            answer.outputs = run(&Padded::new(&request.ids))?;
            answer.micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        println!("{}", serde_json::to_string(&answer)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// A batch as these engines take it: texts of one length, with zeros behind and a mask of those tokens that count.
pub struct Padded {
    pub texts: usize,
    pub tokens: usize,
    /// `texts * tokens` of each.
    pub ids: Vec<i64>,
    pub mask: Vec<i64>,
}

impl Padded {
    fn new(texts: &[Vec<u32>]) -> Padded {
        let tokens = texts.iter().map(Vec::len).max().unwrap_or(0);
        let mut padded = Padded { texts: texts.len(), tokens, ids: vec![], mask: vec![] };
        for text in texts {
            let rest = tokens - text.len();
            padded.ids.extend(text.iter().map(|&id| i64::from(id)).chain(std::iter::repeat_n(0, rest)));
            padded.mask.extend(std::iter::repeat_n(1, text.len()).chain(std::iter::repeat_n(0, rest)));
        }
        padded
    }

    pub fn shape(&self) -> [usize; 2] {
        [self.texts, self.tokens]
    }

    /// The mean of the rows of `hidden` (`texts * tokens * width`) that count, to unit length.
    pub fn pooled(&self, hidden: &[f32]) -> Vec<Vec<f32>> {
        let width = hidden.len() / self.mask.len();
        let texts = hidden.chunks_exact(self.tokens * width).zip(self.mask.chunks_exact(self.tokens));
        texts
            .map(|(rows, mask)| {
                let mut mean = vec![0.0; width];
                for (row, _) in rows.chunks_exact(width).zip(mask).filter(|(_, counts)| **counts == 1) {
                    mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                // The number of rows is gone with the length.
                let norm = mean.iter().map(|value| value * value).sum::<f32>().sqrt();
                mean.iter_mut().for_each(|value| *value /= norm);
                mean
            })
            .collect()
    }
}
