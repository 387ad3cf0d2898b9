//! A pack's forward, timed on request: the other side of `benches/peers/compare.py`.
//!
//! ```text
//! latency <model folder> <int8 | bf16 | f32> [threads]
//! ```
//!
//! Says itself and its instruction set, the fastest or that of `MODELDEPLOY_ISA`, on its first line. Then, for each line `{"runs": n, "ids": [[…], …]}` on stdin, it runs those
//! texts as a batch so many times and answers with a line `{"µs": [… of each run], "outputs": [[…], …]}`. With more threads than one,
//! all work on a single text together, and each takes a share of several.

use modeldeploy::isa::Isa;
use modeldeploy::session::{Batch, Capacity, Options, Session, Threads};
use modeldeploy_benches::model::pack;
use modeldeploy_compiler::compress::Precision;
use modeldeploy_format::Artifact;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

/// Tokens that are run together: larger batches leave the nearer caches.
const BATCH_TOKENS: usize = 128;

/// The longest text.
const MAX_TOKENS: usize = 512;

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

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, precision, threads) = match &args[..] {
        [folder, precision] => (folder, precision, Threads::ONE),
        [folder, precision, threads] => (folder, precision, Threads::new(threads.parse()?)?),
        _ => return Err("usage: latency <model folder> <int8 | bf16 | f32> [threads]".into()),
    };
    let precision = Precision::from_name(precision).ok_or("the precision is int8, bf16 or f32")?;
    let pack = pack(Path::new(folder), precision)?;
    let artifact = Artifact::parse(&pack)?;
    let capacity = Capacity::new(MAX_TOKENS, BATCH_TOKENS);
    let isa = Isa::from_env()?;
    let mut team = Session::with(&artifact, capacity, Options { isa, threads })?;
    let alone = (0..threads.count()).map(|_| Session::with_isa(&artifact, capacity, isa));
    let mut alone = alone.collect::<Result<Vec<_>, _>>()?;
    println!("modeldeploy {} on {}", env!("CARGO_PKG_VERSION"), isa.name());
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let mut answer = Answer { micros: Vec::with_capacity(request.runs), outputs: vec![] };
        for _ in 0..request.runs {
            let start = Instant::now();
            answer.outputs = match &request.ids[..] {
                [_] => run(&mut team, &request.ids)?,
                texts => share(&mut alone, texts)?,
            };
            answer.micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        println!("{}", serde_json::to_string(&answer)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// The texts' rows; each session runs a share of them on a thread of its own, the first on this one.
fn share(sessions: &mut [Session<'_>], texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, String> {
    let share = texts.len().div_ceil(sessions.len()).max(1);
    let mut shares = sessions.iter_mut().zip(texts.chunks(share));
    let Some((first, own)) = shares.next() else { return Ok(vec![]) };
    std::thread::scope(|scope| {
        let others: Vec<_> = shares.map(|(session, texts)| scope.spawn(|| run(session, texts))).collect();
        let mut rows = run(first, own)?;
        for other in others {
            rows.extend(other.join().map_err(|_| "a thread panicked")??);
        }
        Ok(rows)
    })
}

/// The texts' rows, as many texts together as is best.
fn run(session: &mut Session<'_>, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, String> {
    let width = session.signature().outputs as usize;
    let (mut ids, mut starts, mut rows) = (vec![], vec![0], vec![]);
    for (at, text) in texts.iter().enumerate() {
        ids.extend(text);
        starts.push(ids.len() as u32);
        let next = texts.get(at + 1).map_or(usize::MAX / 2, Vec::len);
        if ids.len() + next > BATCH_TOKENS {
            let batch = Batch { ids: &ids, types: &vec![0; ids.len()], starts: &starts };
            let outputs = session.run(&batch).map_err(|error| error.to_string())?;
            rows.extend(outputs.chunks_exact(width).map(<[f32]>::to_vec));
            ids.clear();
            starts.truncate(1);
        }
    }
    Ok(rows)
}
