//! System calls of Linux, by what a service makes them for. A test holds what is traced of a service against them.

use super::{Call, Only};
use libc::c_int;

/// Calls by their names; after a colon, with which arguments alone.
macro_rules! calls {
    ($($(#[$when:meta])* $name:ident $(: $only:expr)?),* $(,)?) => {
        &[$($(#[$when])* {
            #[allow(unused_mut, unused_assignments, reason = "most calls have no condition")]
            let mut only = None;
            $(only = Some($only);)?
            Call { name: stringify!($name), number: numbers::$name, only }
        }),*]
    };
}

/// Their numbers under their names.
mod numbers {
    macro_rules! numbers {
        ($($(#[$when:meta])* $name:ident = $number:ident),* $(,)?) => {
            $($(#[$when])* #[allow(non_upper_case_globals, reason = "a call is called as it is")] pub(super) const $name: i64 = libc::$number;)*
        };
    }

    numbers! {
        accept4 = SYS_accept4, bind = SYS_bind, brk = SYS_brk, clock_getres = SYS_clock_getres, clock_gettime = SYS_clock_gettime,
        clock_nanosleep = SYS_clock_nanosleep, clone = SYS_clone, close = SYS_close, connect = SYS_connect,
        epoll_create1 = SYS_epoll_create1, epoll_ctl = SYS_epoll_ctl, epoll_pwait = SYS_epoll_pwait, eventfd2 = SYS_eventfd2,
        exit = SYS_exit, exit_group = SYS_exit_group, fcntl = SYS_fcntl, fdatasync = SYS_fdatasync, fstat = SYS_fstat,
        fsync = SYS_fsync, ftruncate = SYS_ftruncate, futex = SYS_futex, getcwd = SYS_getcwd, getdents64 = SYS_getdents64,
        getpeername = SYS_getpeername, getpid = SYS_getpid, getrandom = SYS_getrandom, getrusage = SYS_getrusage,
        getsockname = SYS_getsockname, getsockopt = SYS_getsockopt, gettid = SYS_gettid, gettimeofday = SYS_gettimeofday,
        ioctl = SYS_ioctl, lseek = SYS_lseek, madvise = SYS_madvise, membarrier = SYS_membarrier, mkdirat = SYS_mkdirat,
        mlock = SYS_mlock, mlock2 = SYS_mlock2, mmap = SYS_mmap, mprotect = SYS_mprotect, mremap = SYS_mremap,
        munlock = SYS_munlock, munmap = SYS_munmap, nanosleep = SYS_nanosleep, newfstatat = SYS_newfstatat, openat = SYS_openat,
        ppoll = SYS_ppoll, prctl = SYS_prctl, pread64 = SYS_pread64, prlimit64 = SYS_prlimit64, pwrite64 = SYS_pwrite64,
        read = SYS_read, readlinkat = SYS_readlinkat, readv = SYS_readv, recvfrom = SYS_recvfrom, recvmmsg = SYS_recvmmsg,
        recvmsg = SYS_recvmsg, renameat2 = SYS_renameat2, restart_syscall = SYS_restart_syscall, rseq = SYS_rseq,
        rt_sigaction = SYS_rt_sigaction, rt_sigprocmask = SYS_rt_sigprocmask, rt_sigreturn = SYS_rt_sigreturn,
        sched_getaffinity = SYS_sched_getaffinity, sched_setaffinity = SYS_sched_setaffinity, sched_setscheduler = SYS_sched_setscheduler, sched_yield = SYS_sched_yield,
        sendmmsg = SYS_sendmmsg, sendmsg = SYS_sendmsg, sendto = SYS_sendto, set_robust_list = SYS_set_robust_list,
        setpriority = SYS_setpriority, setsockopt = SYS_setsockopt, shutdown = SYS_shutdown, sigaltstack = SYS_sigaltstack, socket = SYS_socket,
        socketpair = SYS_socketpair, statx = SYS_statx, sysinfo = SYS_sysinfo, tgkill = SYS_tgkill, uname = SYS_uname,
        unlinkat = SYS_unlinkat, write = SYS_write, writev = SYS_writev,
        #[cfg(target_arch = "x86_64")] access = SYS_access, #[cfg(target_arch = "x86_64")] arch_prctl = SYS_arch_prctl,
        #[cfg(target_arch = "x86_64")] epoll_wait = SYS_epoll_wait, #[cfg(target_arch = "x86_64")] lstat = SYS_lstat,
        #[cfg(target_arch = "x86_64")] mkdir = SYS_mkdir, #[cfg(target_arch = "x86_64")] open = SYS_open,
        #[cfg(target_arch = "x86_64")] poll = SYS_poll, #[cfg(target_arch = "x86_64")] readlink = SYS_readlink,
        #[cfg(target_arch = "x86_64")] rename = SYS_rename, #[cfg(target_arch = "x86_64")] stat = SYS_stat,
        #[cfg(target_arch = "x86_64")] time = SYS_time, #[cfg(target_arch = "x86_64")] unlink = SYS_unlink,
    }
}

/// Memory that is mapped or changed is never to be executed: all code is there before.
const NO_CODE: Only = Only { place: 2, mask: libc::PROT_EXEC as u64, value: 0, words: "without PROT_EXEC" };
const A_THREAD: Only =
    Only { place: 0, mask: libc::CLONE_THREAD as u64, value: libc::CLONE_THREAD as u64, words: "a thread, no process" };
const A_LOCAL_PAIR: Only = Only { place: 0, mask: u32::MAX as u64, value: libc::AF_UNIX as u64, words: "AF_UNIX" };
const A_NAME: Only = Only { place: 1, mask: u32::MAX as u64, value: 0, words: "" };
/// The bits of the flags of `open` that write, create or empty a file.
const WRITES: u64 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64;
const FOR_READING: Only = Only { place: 2, mask: WRITES, value: 0, words: "to read" };
#[cfg(target_arch = "x86_64")]
const FOR_READING_BY_PATH: Only = Only { place: 1, ..FOR_READING };

const fn argument(place: u8, value: c_int, words: &'static str) -> Only {
    Only { place, value: value as u64, words, ..A_NAME_MASK }
}

const A_NAME_MASK: Only = Only { place: 0, ..A_NAME };

pub(super) const SOCKETS: &[Call] = calls! {
    accept4, close, epoll_create1, epoll_ctl, epoll_pwait, eventfd2, fcntl, getpeername, getsockname, getsockopt, ppoll, read, readv,
    recvfrom, recvmsg, sendmsg, sendto, setsockopt, shutdown, socketpair: A_LOCAL_PAIR, write, writev,
    ioctl: argument(1, libc::FIONBIO as c_int, "FIONBIO"),
    #[cfg(target_arch = "x86_64")] epoll_wait,
    #[cfg(target_arch = "x86_64")] poll,
};

pub(super) const WAITING: &[Call] = calls! {
    clock_getres, clock_gettime, clock_nanosleep, futex, gettimeofday, nanosleep, restart_syscall, sched_yield,
    #[cfg(target_arch = "x86_64")] time,
};

pub(super) const MEMORY: &[Call] =
    calls! { brk, madvise, mlock, mlock2, mmap: NO_CODE, mprotect: NO_CODE, mremap, munlock, munmap };

pub(super) const THREADS: &[Call] = calls! {
    clone: A_THREAD, exit, gettid, membarrier, prctl: argument(0, libc::PR_SET_NAME, "PR_SET_NAME"), rseq, sched_getaffinity,
    sched_setscheduler: argument(1, libc::SCHED_IDLE, "SCHED_IDLE"),
    sched_setaffinity, set_robust_list, setpriority: argument(0, libc::PRIO_PROCESS as c_int, "PRIO_PROCESS"), sigaltstack,
    #[cfg(target_arch = "x86_64")] arch_prctl,
};

pub(super) const SIGNALS: &[Call] = calls! { exit_group, getpid, rt_sigaction, rt_sigprocmask, rt_sigreturn, tgkill };

pub(super) const SYSTEM: &[Call] = calls! { getrandom, getrusage, prlimit64, sysinfo, uname };

pub(super) const READING: &[Call] = calls! {
    fstat, getcwd, getdents64, lseek, newfstatat, openat: FOR_READING, pread64, readlinkat, statx,
    #[cfg(target_arch = "x86_64")] access,
    #[cfg(target_arch = "x86_64")] lstat,
    #[cfg(target_arch = "x86_64")] open: FOR_READING_BY_PATH,
    #[cfg(target_arch = "x86_64")] readlink,
    #[cfg(target_arch = "x86_64")] stat,
};

pub(super) const WRITING: &[Call] = calls! {
    fdatasync, fstat, fsync, ftruncate, getcwd, getdents64, lseek, mkdirat, newfstatat, openat, pread64, pwrite64, readlinkat,
    renameat2, statx, unlinkat,
    #[cfg(target_arch = "x86_64")] access,
    #[cfg(target_arch = "x86_64")] lstat,
    #[cfg(target_arch = "x86_64")] mkdir,
    #[cfg(target_arch = "x86_64")] open,
    #[cfg(target_arch = "x86_64")] readlink,
    #[cfg(target_arch = "x86_64")] rename,
    #[cfg(target_arch = "x86_64")] stat,
    #[cfg(target_arch = "x86_64")] unlink,
};

pub(super) const CONNECTING: &[Call] = calls! { bind, connect, recvmmsg, sendmmsg, socket };
