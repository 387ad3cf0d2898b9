//! Which threads run where, and which go first where there are more of them than processors. Where the system does not let a thread step
//! back, it runs as all do.

/// Keeps a worker of models on a core of its own, whose caches have what it works with: of those that the process may use, the one in
/// that place. Where the system does not let it, the worker goes where it is put.
pub(crate) fn on_core(worker: usize) {
    let core = core_affinity::get_core_ids().and_then(|cores| cores.get(worker).copied());
    let _pinned = core.map(core_affinity::set_for_current);
}

/// Lets the threads that answer sockets go first: they work for microseconds, models for milliseconds. So what cannot be answered in its
/// time is refused at once, and a batch does not hold up the answers of the last one.
pub(crate) fn behind_answers() {
    // A ninth of the time of a thread that has not stepped back, where both want all of a processor.
    #[cfg(target_os = "linux")]
    let _refused = rustix::process::setpriority_process(None, 10);
}

/// Lets every other thread go first.
pub(crate) fn behind_all() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _refused = {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        thread_priority::set_thread_priority_and_policy(thread_priority::thread_native_id(), ThreadPriority::Min, idle)
    };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _refused = thread_priority::ThreadPriority::Min.set_for_current();
}
