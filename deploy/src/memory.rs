//! How much memory a replica needs: what is planned for its models, what clients may take, and a margin that is stated.

use crate::facts::Facts;
use crate::problem::{Kind, Problem};
use crate::settings::{Bytes, Settings};
use serde::Serialize;

const MIB: u64 = 1 << 20;
/// What a service takes beside models and clients' bodies: 21 MiB resident at rest, 25 MiB after two hundred connections at once, measured
/// of the example `hand_made` on two cores.
const PROCESS: u64 = 32 * MIB;
/// Stacks and buffers of the threads of a core: a worker, and one that answers sockets.
const CORE: u64 = 4 * MIB;
/// What the service's `max-bodies-bytes` is unless it is told otherwise.
const BODIES: u64 = 256 * MIB;

/// The memory of a replica, in bytes, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Memory {
    /// Packs and indexes, or the whole program where it is at hand: read-only pages of its file.
    pub program: u64,
    /// Arenas: one of every model for every worker.
    pub arenas: u64,
    /// How many workers: a core each.
    pub workers: u64,
    /// Bodies of all requests together, as `max-bodies-bytes` bounds them.
    pub bodies: u64,
    /// The process itself.
    pub process: u64,
    /// The margin on all of that.
    pub margin: u64,
    /// What a replica is given, whole MiB.
    pub total: u64,
}

impl Memory {
    /// The plan for one replica.
    ///
    /// # Errors
    ///
    /// If settings give it less than it needs without a margin, or more than can be counted.
    pub fn plan(facts: &Facts, settings: &Settings) -> Result<Memory, Problem> {
        let workers = u64::from(settings.cpu);
        let packs = facts.models.iter().map(|model| model.size);
        let program = facts.program.as_ref().map(|program| program.size);
        let bodies = bodies(settings)?;
        let process = PROCESS + CORE * workers;
        let counted = || {
            let packs = sum(packs.chain([facts.indexes]))?;
            // A program that is smaller than its packs reads them from files beside it.
            let program = match program {
                Some(program) if program >= packs => program,
                Some(program) => program.checked_add(packs)?,
                None => packs,
            };
            let arenas = sum(facts.models.iter().map(|model| model.arena))?.checked_mul(workers)?;
            Some((program, arenas, sum([program, arenas, bodies, process].into_iter())?))
        };
        let (program, arenas, needed) =
            counted().ok_or_else(|| Problem::new(Kind::Memory, "the models need more memory than can be counted"))?;
        // A share of bytes: nobody misses what it is rounded by.
        let margin = (needed as f64 * settings.memory_margin) as u64;
        let total = match settings.memory {
            Some(Bytes(given)) if given < needed => {
                let message = format!("a replica is given {}, and needs {}", mebibytes(given), mebibytes(needed));
                return Err(Problem::new(Kind::Memory, message).at("memory").help(format!(
                    "it is {} for the program, {} for the arenas of {workers} workers, {} for clients' bodies (`options.max-bodies-bytes`) \
                     and {} for the process: give more, or leave `memory` out",
                    mebibytes(program),
                    mebibytes(arenas),
                    mebibytes(bodies),
                    mebibytes(process)
                )));
            }
            Some(Bytes(given)) => given.next_multiple_of(MIB),
            None => needed.saturating_add(margin).div_ceil(MIB) * MIB,
        };
        Ok(Memory { program, arenas, workers, bodies, process, margin: total - needed, total })
    }

    /// As a quantity of Kubernetes and a size of systemd: whole MiB.
    pub fn mebibytes(&self) -> u64 {
        self.total / MIB
    }
}

fn sum(mut sizes: impl Iterator<Item = u64>) -> Option<u64> {
    sizes.try_fold(0, u64::checked_add)
}

fn bodies(settings: &Settings) -> Result<u64, Problem> {
    let Some(value) = settings.options.get("max-bodies-bytes") else { return Ok(BODIES) };
    let bytes = match value {
        toml::Value::String(text) => Bytes::parse(text).map(|bytes| bytes.0),
        toml::Value::Integer(number) => u64::try_from(*number).ok().filter(|bytes| *bytes > 0),
        _ => None,
    };
    bytes.ok_or_else(|| {
        Problem::new(Kind::Settings, format!("{value} is no number of bytes"))
            .at("options.max-bodies-bytes")
            .help("give one such as \"64MiB\"")
    })
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MIB as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Model, Program};
    use modeldeploy_format::Digest;

    fn facts() -> Facts {
        let model = |name: &str, size, arena| Model {
            name: name.into(),
            version: "1.0.0".into(),
            digest: Digest::of(name.as_bytes()),
            size,
            arena,
        };
        let models = vec![model("a", 100 * MIB, 3 * MIB), model("b", 20 * MIB, MIB)];
        Facts { package: "shop".into(), version: "1.0.0".into(), models, indexes: 8 * MIB, program: None }
    }

    fn settings(cpu: u16, more: &str) -> Settings {
        toml::from_str(&format!("cpu = {cpu}\n{more}")).expect("settings")
    }

    #[test]
    fn all_that_a_replica_takes_is_counted() {
        let plan = |cpu, more: &str| Memory::plan(&facts(), &settings(cpu, more)).expect("a plan");
        let memory = plan(4, "memory-margin = 0.5");
        assert_eq!((memory.program, memory.arenas), (128 * MIB, 16 * MIB));
        assert_eq!((memory.bodies, memory.process), (256 * MIB, 48 * MIB));
        assert_eq!((memory.margin, memory.total), (224 * MIB, 672 * MIB));
        assert_eq!(plan(4, "memory-margin = 0.0\n[options]\nmax-bodies-bytes = \"16MiB\"").total, 208 * MIB);
        assert_eq!(plan(4, "memory = \"1GiB\"").margin, (1024 - 448) * MIB);
        // A core more is a worker more.
        assert_eq!(plan(5, "").arenas - plan(4, "").arenas, 4 * MIB);
    }

    #[test]
    fn a_program_at_hand_counts_with_all_that_is_in_it() {
        let mut facts = facts();
        facts.program = Some(Program { digest: Digest::of(b""), size: 140 * MIB });
        assert_eq!(Memory::plan(&facts, &settings(1, "")).expect("a plan").program, 140 * MIB);
        facts.program = Some(Program { digest: Digest::of(b""), size: 9 * MIB });
        assert_eq!(Memory::plan(&facts, &settings(1, "")).expect("a plan").program, 137 * MIB);
    }

    #[test]
    fn too_little_is_refused_with_what_it_is_for() {
        let error = Memory::plan(&facts(), &settings(4, "memory = \"256MiB\"")).expect_err("too little");
        assert!(error.message.contains("is given 256.0 MiB, and needs 448.0 MiB"), "{error}");
        assert!(
            error.help.as_ref().is_some_and(|help| help.contains("16.0 MiB for the arenas of 4 workers")),
            "{error}"
        );
        let mut vast = facts();
        vast.models[0].arena = u64::MAX / 2;
        assert!(Memory::plan(&vast, &settings(4, "")).is_err());
        assert!(Memory::plan(&facts(), &settings(1, "[options]\nmax-bodies-bytes = \"lots\"")).is_err());
    }
}
