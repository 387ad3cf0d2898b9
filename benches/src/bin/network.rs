//! A network's requests, timed on request: the other side of `benches/peers/rank/compare.py`.
//!
//! ```text
//! network <dlrm | sasrec> <int8 | f32>
//! ```
//!
//! Says itself and its instruction set, the fastest or that of `MODELDEPLOY_ISA`, on its first line. A line
//! `{"batch": n, "requests": m, "runs": 0}` on stdin begins anew with requests of so many candidates (of SASRec always 200); for each line
//! `{"runs": n}` the next requests are scored, and the answer is `{"µs": [… of each], "scores": [… of the last]}`.

use modeldeploy::isa::Isa;
use modeldeploy::session::{Capacity, Session};
use modeldeploy_benches::network::{self, Requests, Stored};
use modeldeploy_format::Artifact;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

/// The most candidates of a request.
const MOST: usize = 4096;

#[derive(Deserialize)]
struct Asked {
    runs: usize,
    #[serde(default)]
    batch: u32,
    #[serde(default)]
    requests: usize,
}

#[derive(Serialize)]
struct Answer {
    #[serde(rename = "µs")]
    micros: Vec<f64>,
    scores: Vec<f32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, stored] = &args[..] else { return Err("usage: network <dlrm | sasrec> <int8 | f32>".into()) };
    let stored = [Stored::Int8, Stored::F32].into_iter().find(|it| it.name() == stored).ok_or("int8 or f32")?;
    let (pack, mut requests) = match &model[..] {
        "dlrm" => (network::dlrm(stored), Requests::dlrm(1, 1)),
        "sasrec" => (network::sasrec(stored), Requests::sasrec()),
        other => return Err(format!("`{other}` is neither dlrm nor sasrec").into()),
    };
    let artifact = Artifact::parse(&pack)?;
    let isa = Isa::from_env()?;
    let capacity = Capacity { tokens: network::SESSION as usize, texts: 1, candidates: MOST };
    let mut session = Session::with_isa(&artifact, capacity, isa)?;
    println!("modeldeploy {} on {}", env!("CARGO_PKG_VERSION"), isa.name());
    for line in std::io::stdin().lock().lines() {
        let asked: Asked = serde_json::from_str(&line?)?;
        if asked.requests > 0 && model == "dlrm" {
            requests = Requests::dlrm(asked.requests, asked.batch);
        }
        let mut answer = Answer { micros: Vec::with_capacity(asked.runs), scores: vec![] };
        for _ in 0..asked.runs {
            let start = Instant::now();
            answer.scores = requests.next(|request| session.score(request).map(<[f32]>::to_vec))?;
            answer.micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        println!("{}", serde_json::to_string(&answer)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}
