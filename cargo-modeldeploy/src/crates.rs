//! The crates of a program as cargo resolves them, in cargo-auditable's form.

use crate::exit::Failure;
use crate::flags;
use crate::workspace::Workspace;
use auditable_serde::{DependencyKind, Package as Listed, Source, VersionInfo};
use cargo_metadata::{DependencyKind as Edge, Metadata, Node, Package, PackageId, TargetKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

/// cargo-auditable's number for what cargo's metadata say, where macros count as building tools.
const FORMAT: u32 = 1;

/// The packages that cargo builds when it is called with `args`.
pub(crate) fn selected<'w>(workspace: &'w Workspace, args: &[OsString]) -> Vec<&'w Package> {
    let named: Vec<String> = ["--package", "-p"].iter().flat_map(|flag| flags::values(args, flag)).collect();
    let all = args.iter().any(|arg| arg == "--workspace" || arg == "--all");
    let manifest = flags::values(args, "--manifest-path").pop();
    if !named.is_empty() {
        let is_named = |package: &&Package| named.iter().any(|spec| spec.split('@').next() == Some(&package.name));
        workspace.packages().iter().filter(is_named).collect()
    } else if all {
        workspace.packages().iter().collect()
    } else {
        workspace.default_packages(manifest.as_deref().map(Path::new))
    }
}

/// Those of these packages that have programs.
pub(crate) fn programs<'w>(packages: &[&'w Package]) -> Vec<&'w Package> {
    let is_one = |package: &&&Package| package.targets.iter().any(|target| target.is_kind(TargetKind::Bin));
    packages.iter().filter(is_one).copied().collect()
}

/// The crates of the programs of `package`, for the target that `args` name or else for `host`.
pub(crate) fn of(package: &Package, args: &[OsString], host: &str) -> Result<VersionInfo, Failure> {
    let target = flags::values(args, "--target").pop().or_else(|| std::env::var("CARGO_BUILD_TARGET").ok());
    let metadata = Workspace::resolve(package, &resolving(args, target.as_deref().unwrap_or(host)))?;
    Ok(list(&metadata, &package.id))
}

/// The flags of `args` that decide what is resolved.
fn resolving(args: &[OsString], target: &str) -> Vec<String> {
    let mut kept = vec![format!("--filter-platform={target}")];
    for flag in ["--locked", "--offline", "--frozen", "--all-features", "--no-default-features"] {
        if args.iter().any(|arg| arg == flag) {
            kept.push(flag.into());
        }
    }
    for flag in ["--features", "-F"] {
        kept.extend(flags::values(args, flag).into_iter().map(|value| format!("--features={value}")));
    }
    kept
}

/// All that `root` needs to be built, sorted, each with what it needs itself.
fn list<'m>(metadata: &'m Metadata, root: &'m PackageId) -> VersionInfo {
    let nodes: BTreeMap<&PackageId, &'m Node> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let packages: BTreeMap<&PackageId, &Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let is_macro = |id: &PackageId| packages[id].targets.iter().any(|target| target.is_kind(TargetKind::ProcMacro));
    let needs = |id: &'m PackageId, edges: &[Edge]| -> Vec<&'m PackageId> {
        let deps = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let is_one = |kinds: &[cargo_metadata::DepKindInfo]| kinds.iter().any(|kind| edges.contains(&kind.kind));
        deps.filter(|dep| is_one(&dep.dep_kinds)).map(|dep| &dep.pkg).collect()
    };
    let all = reach(root, |id| needs(id, &[Edge::Normal, Edge::Build]));
    let inside = reach(root, |id| needs(id, &[Edge::Normal]).into_iter().filter(|id| !is_macro(id)).collect());
    let mut sorted: Vec<&PackageId> = all.into_iter().collect();
    sorted.sort_by_key(|id| (&packages[id].name, &packages[id].version, *id));
    let places: BTreeMap<&PackageId, usize> = sorted.iter().copied().zip(0..).collect();
    let listed = sorted.iter().map(|&id| {
        let mut dependencies: Vec<usize> =
            needs(id, &[Edge::Normal, Edge::Build]).iter().map(|id| places[id]).collect();
        dependencies.sort_unstable();
        dependencies.dedup();
        Listed {
            name: packages[id].name.to_string(),
            version: packages[id].version.clone(),
            source: source(packages[id]),
            kind: if inside.contains(id) { DependencyKind::Runtime } else { DependencyKind::Build },
            dependencies,
            root: id == root,
        }
    });
    VersionInfo { packages: listed.collect(), format: FORMAT }
}

/// `root` and all that is reached from it.
fn reach<'m>(root: &'m PackageId, next: impl Fn(&'m PackageId) -> Vec<&'m PackageId>) -> BTreeSet<&'m PackageId> {
    let (mut found, mut open) = (BTreeSet::new(), vec![root]);
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(next(id));
        }
    }
    found
}

fn source(package: &Package) -> Source {
    match &package.source {
        None => Source::Local,
        Some(source) if source.is_crates_io() => Source::CratesIo,
        Some(source) if source.repr.starts_with("git+") => Source::Git,
        Some(_) => Source::Registry,
    }
}
