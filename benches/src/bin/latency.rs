//! A pack's forward, timed on request: the other side of `benches/peers/compare.py`.
//!
//! ```text
//! latency <model folder> <int8 | bf16 | f32>
//! ```
//!
//! Says the instruction set on its first line. Then, for each line `<runs> <id> <id> …` on stdin, it runs that text so many times and
//! answers with two lines: the microseconds of each run, and the output.

use modeldeploy::session::{Batch, Capacity, Session};
use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer};
use modeldeploy_compiler::compress::{Precision, Recipe, Sample, calibration_texts, compress};
use modeldeploy_compiler::compressed::CompressedModel;
use modeldeploy_compiler::front::{LoadOptions, load};
use modeldeploy_compiler::{emit, passes};
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::{Artifact, Digest, Task};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, precision] = &args[..] else { return Err("usage: latency <model folder> <int8 | bf16 | f32>".into()) };
    let precision = Precision::from_name(precision).ok_or("the precision is int8, bf16 or f32")?;
    let pack = pack(Path::new(folder), precision)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let artifact = Artifact::parse(&pack)?;
    let mut session = Session::new(&artifact, Capacity { tokens: 512, texts: 1 })?;
    println!("{}", session.isa().name());
    for line in std::io::stdin().lock().lines() {
        let numbers: Vec<u32> = line?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let Some((&runs, ids)) = numbers.split_first() else { continue };
        let types = vec![0; ids.len()];
        let starts = [0, ids.len() as u32];
        let batch = Batch { ids, types: &types, starts: &starts };
        let mut times = Vec::with_capacity(runs as usize);
        let mut output = vec![];
        for _ in 0..runs {
            let start = Instant::now();
            let outputs = session.run(&batch)?;
            times.push(start.elapsed());
            output = outputs.to_vec();
        }
        let line = |values: Vec<String>| values.join(" ");
        println!("{}", line(times.iter().map(|time| format!("{:.3}", time.as_secs_f64() * 1e6)).collect()));
        println!("{}", line(output.iter().map(ToString::to_string).collect()));
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// The folder's model as a pack, calibrated on the compiler's own texts.
fn pack(folder: &Path, precision: Precision) -> Result<Aligned, Vec<modeldeploy_compiler::diagnostic::Diagnostic>> {
    let mut loaded = load(folder, &LoadOptions::new(Task::Embed))?;
    passes::run(&mut loaded.graph);
    let tables = Tables::parse(&loaded.tokenizer).expect("the compiler's own tables");
    let tokenizer = Tokenizer::new(tables);
    let mut encoding = Encoding::default();
    let samples: Vec<Sample> = calibration_texts()
        .map(|text| {
            tokenizer.encode_into(text, None, tokenizer.truncation(), &mut encoding).expect("a short text");
            let types = encoding.type_ids().iter().copied().map(u32::from).collect();
            Sample { ids: encoding.ids().to_vec(), types }
        })
        .collect();
    let graph = compress(&loaded.graph, &Recipe::of(precision), &samples, &mut |_| {})?;
    let model = CompressedModel {
        graph,
        signature: loaded.signature,
        tokenizer: loaded.tokenizer,
        space: Digest::from_bytes([0; 32]),
    };
    emit::pack(&model, vec![])
}
