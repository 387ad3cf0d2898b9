//! Landlock: the files of the table and no others, no port but those that are bound, no connection to others unless the table has it.

use super::Uses;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// What is asked of a kernel at least: files (5.13, 6.2) and ports (6.7).
const LEAST: ABI = ABI::V4;
/// What is asked beside it where it is there: devices, signals, sockets with abstract names, all threads.
const MOST: ABI = ABI::V8;

/// Holds this thread, and those that come of it, to the table's files.
pub(super) fn hold(uses: &Uses) -> Result<(), String> {
    match restrict(uses) {
        Ok(RulesetStatus::NotEnforced) => Err("the kernel has no Landlock to hold files and ports".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("Landlock does not hold files and ports: {error}")),
    }
}

fn restrict(uses: &Uses) -> Result<RulesetStatus, RulesetError> {
    let network = if uses.connects { AccessNet::BindTcp.into() } else { AccessNet::from_all(LEAST) };
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LEAST))?
        .handle_access(network)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(MOST))?
        .scope(Scope::from_all(MOST))?;
    let mut ruleset = ruleset.create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let modes = [(&uses.reads, read), (&uses.writes, read | AccessFs::from_write(MOST))];
    for (path, access) in modes.iter().flat_map(|(paths, access)| paths.iter().map(move |(path, _)| (path, *access))) {
        // What is not there cannot be read either.
        let Ok(opened) = PathFd::new(path) else { continue };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(MOST) };
        ruleset = ruleset.add_rule(PathBeneath::new(&opened, access))?;
        // A rule is of what the path leads to now. Under /proc that could become another object when memory is short, but not while
        // it is open.
        std::mem::forget(opened);
    }
    Ok(ruleset.restrict_self()?.ruleset)
}
