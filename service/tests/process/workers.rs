//! Where the threads of models run.

use crate::service::Service;
use crate::{Test, tests};
use std::collections::BTreeMap;
use std::fs;

pub(crate) const ALL: &[Test] = tests![each_worker_has_a_core_of_its_own];

/// The processors that each thread of a service may use, as the system writes them, by the thread's name.
fn threads(service: &Service) -> BTreeMap<String, String> {
    let entries = fs::read_dir(format!("/proc/{}/task", service.id())).expect("its threads");
    let of_thread = |entry: fs::DirEntry| {
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).expect("what the system says of it");
        let allowed =
            read("status").lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")?.trim().to_owned().into());
        (read("comm").trim().to_owned(), allowed.expect("its processors"))
    };
    entries.map(|entry| of_thread(entry.expect("a thread"))).collect()
}

fn each_worker_has_a_core_of_its_own() {
    let service = Service::start(&["--sandbox", "require"]);
    let processors = std::thread::available_parallelism().expect("their number").get();
    // They pin themselves as they begin.
    let pinned = |threads: &BTreeMap<String, String>, kind: &str| -> Vec<String> {
        let of_kind = threads.iter().filter(|(name, _)| name.starts_with(kind));
        of_kind.map(|(_, allowed)| allowed.clone()).filter(|allowed| allowed.parse::<u32>().is_ok()).collect()
    };
    for kind in ["model-", "ranker-"] {
        let mut cores = vec![];
        for _ in 0..500 {
            cores = pinned(&threads(&service), kind);
            if cores.len() == processors {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        cores.sort();
        cores.dedup();
        assert_eq!(cores.len(), processors, "{kind} {:?}", threads(&service));
    }
}
