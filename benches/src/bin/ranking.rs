//! A ranker's scores, timed on request: the other side of `benches/peers/trees/compare.py`.
//!
//! ```text
//! ranking <model file> <rows.f64: little-endian, row after row>
//! ```
//!
//! Says itself and its instruction set on its first line. Then, for each line `{"runs": n, "rows": m}` on stdin, it scores the first
//! `m` rows so many times, on one thread, and answers with a line `{"µs": [… of each run], "scores": […]}`.

use modeldeploy::isa::Isa;
use modeldeploy::kernels::{ForestScratch, forest};
use modeldeploy_compiler::trees;
use modeldeploy_format::forest::Forest;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

#[derive(Deserialize)]
struct Request {
    runs: usize,
    rows: usize,
}

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "µs")]
    micros: Vec<f64>,
    scores: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows] = &args[..] else { return Err("usage: ranking <model file> <rows.f64>".into()) };
    let said = |errors: Vec<modeldeploy_compiler::diagnostic::Diagnostic>| errors[0].to_string();
    let ensemble = trees::read(model, &std::fs::read(model)?).map_err(said)?;
    let packed = trees::pack(&ensemble, model).map_err(said)?;
    let packed = Forest::parse(&packed)?;
    let rows = std::fs::read(rows)?;
    let rows: Vec<f64> = rows.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let isa = Isa::from_env()?;
    let mut scratch = ForestScratch::new(&packed);
    println!("modeldeploy {} on {}", env!("CARGO_PKG_VERSION"), isa.name());
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let rows = rows.get(..request.rows * packed.features()).ok_or("more rows than there are")?;
        let mut scores = vec![0.0; request.rows * packed.outputs()];
        let mut micros = Vec::with_capacity(request.runs);
        for _ in 0..request.runs {
            let start = Instant::now();
            forest(isa, &packed, rows, &mut scores, &mut scratch);
            micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        println!("{}", serde_json::to_string(&Answer { micros, scores })?);
        std::io::stdout().flush()?;
    }
    Ok(())
}
