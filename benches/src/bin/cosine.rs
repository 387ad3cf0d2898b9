//! How near a model's int8 vectors stay to its f32 vectors, over the lines of a file.
//!
//! ```text
//! cosine <model folder> <file of texts, one a line> …
//! ```
//!
//! Both packs are made as `cargo modeldeploy lock` makes them, calibrated on the compiler's own texts. For each file: how many texts,
//! the mean and the least cosine, that under which a tenth lies, and the text of the least.

use modeldeploy::model::{Engine, Input};
use modeldeploy_benches::model::pack;
use modeldeploy_compiler::compress::Precision;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, files @ ..] = &args[..] else { return Err(USAGE.into()) };
    if files.is_empty() {
        return Err(USAGE.into());
    }
    let packs = [pack(Path::new(folder), Precision::F32)?, pack(Path::new(folder), Precision::Int8)?];
    let [exact, coded] = [Engine::new("the f32 pack", &packs[0])?, Engine::new("the int8 pack", &packs[1])?];
    for file in files {
        let read = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let texts: Vec<&str> = read.lines().filter(|line| !line.trim().is_empty()).collect();
        let (a, b) = (vectors(&exact, &texts)?, vectors(&coded, &texts)?);
        let mut cosines: Vec<(f64, &str)> = a.iter().zip(&b).map(|(a, b)| cosine(a, b)).zip(texts).collect();
        cosines.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(&(least, text)) = cosines.first() else { return Err(format!("{file}: there is no text").into()) };
        let mean = cosines.iter().map(|each| each.0).sum::<f64>() / cosines.len() as f64;
        let (count, tenth) = (cosines.len(), cosines[cosines.len() / 10].0);
        println!("{file}: {count} texts, mean {mean:.5}, lowest tenth under {tenth:.5}, least {least:.5} ({text:?})");
    }
    Ok(())
}

const USAGE: &str = "usage: cosine <model folder> <file of texts, one a line> …";

fn vectors(engine: &Engine<'_>, texts: &[&str]) -> Result<Vec<Vec<f32>>, modeldeploy::Error> {
    let mut rows = Vec::with_capacity(texts.len());
    let inputs = texts.iter().map(|text| Input { text, ..Input::default() });
    engine.run(inputs, |row| rows.push(row.to_vec()))?;
    Ok(rows)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
