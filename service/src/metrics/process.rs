//! What the process takes, as Linux tells it under `/proc`. What cannot be read, there or elsewhere, is absent.

use super::snapshot::Process;
use std::fs;

/// Ticks of `utime` and `stime` in a second: what Linux shows to programs is 100 on every architecture that is supported here.
const TICKS: f64 = 100.0;

/// Reads it now.
pub(super) fn read(start_seconds: f64) -> Process {
    let text = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).ok();
    let status = text("status");
    let field = |name: &str| status.as_deref().and_then(|status| field(status, name));
    Process {
        cpu_seconds: text("stat").and_then(|stat| cpu_seconds(&stat)),
        resident_bytes: field("VmRSS:").map(|kib| kib * 1024),
        virtual_bytes: field("VmSize:").map(|kib| kib * 1024),
        threads: field("Threads:"),
        // The folder that is read is open too.
        open_fds: fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1)),
        max_fds: text("limits").and_then(|limits| max_fds(&limits)),
        start_seconds,
    }
}

/// A number of `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15; the second, a name in parentheses, may have spaces and parentheses itself.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / TICKS)
}

fn max_fds(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        let stat = "4242 (a) b (c) S 1 4242 4242 0 -1 4194560 5000 0 3 0 1250 250 0 0 20 0 7 0 88 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(15.0));
        let status = "Name:\tshop\nVmSize:\t  812345 kB\nVmRSS:\t   51200 kB\nThreads:\t7\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(51200), Some(7)));
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(max_fds(limits), Some(1024));
        assert_eq!(max_fds("Max open files            unlimited            unlimited            files\n"), None);
        for text in ["", "4242 (a", "4242 (a) S 1", "VmRSS:", "VmRSS: x kB"] {
            assert_eq!((cpu_seconds(text), field(text, "VmRSS:")), (None, None), "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_known() {
        let process = read(0.0);
        assert!(process.resident_bytes < process.virtual_bytes && process.threads >= Some(1), "{process:?}");
        assert!(process.open_fds >= Some(1) && process.open_fds < process.max_fds, "{process:?}");
    }
}
