//! The service that stands beside the others: the model linked in, nothing else. `engine FILE` runs the file's texts through the model
//! without the service and says how long that takes.

use modeldeploy::model;
use std::process::ExitCode;
use std::time::Instant;

#[model("encoder")]
struct Encoder;

/// Passes over the texts.
const PASSES: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match &args[..] {
        [command, file] if command == "engine" => engine(file),
        _ => modeldeploy_service::Service::new("servers", "0.0.0").model::<Encoder>().serve().await.map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The time of each text, from the text to the vector: of the median text, and of the one that takes longest.
fn engine(file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let texts = std::fs::read_to_string(file)?;
    let mut medians = vec![];
    for text in texts.lines().filter(|line| !line.is_empty()) {
        let mut times = vec![];
        for _ in 0..PASSES {
            let begun = Instant::now();
            Encoder::get().embed(text)?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        medians.push(times[PASSES / 2]);
    }
    medians.sort_by(f64::total_cmp);
    let (middle, last) = (medians[medians.len() / 2], medians[medians.len() - 1]);
    println!("{}", serde_json::json!({ "p50_us": middle, "max_us": last }));
    Ok(())
}
