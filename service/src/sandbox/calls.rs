//! seccomp: the system calls of the table, and no others, in every thread of the process.

use super::Uses;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// Holds the process to the table's calls; it gains no privilege from then on, either.
pub(super) fn hold(uses: &Uses) -> Result<(), String> {
    install(uses).map_err(|error| format!("seccomp does not hold the system calls: {error}"))
}

fn install(uses: &Uses) -> Result<(), Error> {
    let arch: TargetArch = std::env::consts::ARCH.try_into().map_err(Error::Backend)?;
    let mut rules = BTreeMap::<i64, Vec<SeccompRule>>::new();
    for call in uses.calls().into_iter().flat_map(|(_, calls)| calls) {
        let of = rules.entry(call.number).or_default();
        if let Some(only) = call.only {
            let bits = SeccompCmpOp::MaskedEq(only.mask);
            let condition = SeccompCondition::new(only.place, SeccompCmpArgLen::Qword, bits, only.value);
            of.push(SeccompRule::new(vec![condition.map_err(Error::Backend)?]).map_err(Error::Backend)?);
        }
    }
    // The C library makes a thread by `clone3`, whose flags no filter sees; where there is none it takes `clone`.
    rules.insert(libc::SYS_clone3, vec![]);
    let no_clone3 = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    let error = |number: i32| SeccompAction::Errno(number.unsigned_abs());
    let filters = [
        SeccompFilter::new(no_clone3, SeccompAction::Allow, error(libc::ENOSYS), arch),
        SeccompFilter::new(rules, error(libc::EPERM), SeccompAction::Allow, arch),
    ];
    // The second no longer lets one be installed, so both are made before.
    let programs: Vec<BpfProgram> =
        filters.into_iter().map(|filter| filter?.try_into()).collect::<Result<_, _>>().map_err(Error::Backend)?;
    programs.iter().try_for_each(|program| apply_filter_all_threads(program))
}
