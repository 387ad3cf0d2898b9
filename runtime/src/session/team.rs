//! A fixed team of threads that share the parts of one piece of work: the one that hands it out, and helpers that wait for it.
//!
//! A helper spins for a while after each part, so that handing out and coming together take about a microsecond; then it sleeps.
//! Whoever hands out does the first part, then waits a moment for the others, takes back each that its helper has not begun, and waits
//! on for those alone that are at work: a helper that sleeps, or that has no core, holds nobody up.
//!
//! What that costs is lines that go from one core to another, a hundred nanoseconds each, so there are few and each has one writer in
//! the common case. A part that panics ends as any other does; the panic goes on in the thread that handed out, once all are done.
#![expect(unsafe_code, reason = "helpers use what lies in the frame of the thread that handed it out")]

use std::any::Any;
use std::hint;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The most members of a team: the products of BERT encoders have about as many panels to divide.
pub(super) const MOST: usize = 64;

/// How long a helper spins before it sleeps: longer than any step that is not divided, so that none sleeps within a run.
const SPIN: Duration = Duration::from_micros(50);

/// How often one looks before it does something else: some microseconds.
const LOOKS: usize = 64;

/// The thread that hands out, and its helpers. Dropped, it ends them.
pub(super) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    /// The number of the last piece.
    number: usize,
}

/// What all members see.
struct Shared {
    desks: Box<[Desk]>,
    /// Whether `panic` holds what is to go on.
    panicked: AtomicBool,
    /// What a helper's part panicked with; locked after a panic only.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Where one helper and the thread that hands out meet. A number is that of a piece.
#[derive(Default)]
struct Desk {
    offer: Line<Offer>,
    /// The last piece whose part was begun, or taken back. Only the helper writes to it, but to take back.
    begun: Line<AtomicUsize>,
    /// The last piece whose part the helper is done with.
    done: Line<AtomicUsize>,
}

/// Two lines of 64 bytes, which are fetched in pairs, for nothing else.
#[derive(Default)]
#[repr(align(128))]
struct Line<T>(T);

#[derive(Default)]
struct Offer {
    /// The last piece that was offered; or `OVER`; or `ASLEEP`, which the helper writes.
    number: AtomicUsize,
    piece: AtomicPtr<Piece>,
}

/// The helper is to end.
const OVER: usize = usize::MAX - 1;
/// The helper is to be woken.
const ASLEEP: usize = usize::MAX;

/// The first field of a `Parts`, of whatever type.
struct Piece {
    /// Does the part of a member. It may be called once for each, while the `Parts` is there.
    run: unsafe fn(*const Piece, usize),
}

/// Work and its parts, beside one another for they are fetched together.
#[repr(C, align(128))]
struct Parts<T, W> {
    piece: Piece,
    work: W,
    list: [MaybeUninit<T>; MOST],
}

impl Team {
    /// A team of so many members, from 1 to [`MOST`].
    ///
    /// # Errors
    ///
    /// If the system gives no more threads.
    pub(super) fn new(members: usize) -> io::Result<Team> {
        assert!((1..=MOST).contains(&members), "a team of {members}");
        let desks = (1..members).map(|_| Desk::default()).collect();
        let shared = Arc::new(Shared { desks, panicked: AtomicBool::new(false), panic: Mutex::new(None) });
        let mut team = Team { shared, helpers: Vec::with_capacity(members - 1), number: 0 };
        for member in 1..members {
            let shared = Arc::clone(&team.shared);
            let thread = thread::Builder::new().name(format!("modeldeploy-{member}"));
            team.helpers.push(thread.spawn(move || help(&shared, member))?);
        }
        Ok(team)
    }

    /// How many members there are.
    pub(super) fn members(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Does `work` on each part, several at a time; where there is one part, it is a plain call. Allocates and locks nothing.
    ///
    /// # Panics
    ///
    /// If there are more parts than members, or one of them panics. Parts that were not begun are forgotten then.
    pub(super) fn each<T: Send, W: Fn(T) + Sync>(&mut self, parts: impl IntoIterator<Item = T>, work: W) {
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return };
        let Some(second) = parts.next() else { return work(first) };
        let mut list = [const { MaybeUninit::uninit() }; MOST];
        let mut count = 0;
        for part in [first, second].into_iter().chain(parts) {
            list[count].write(part);
            count += 1;
        }
        let parts = Parts { piece: Piece { run: run::<T, W> }, work, list };
        // SAFETY: so many parts were written to the list, and are touched by nobody else; they may go to other threads, and the work
        // may be called there. All of it stays where it is until `hand_out` returns.
        unsafe { self.hand_out((&raw const parts).cast(), count) }
    }

    /// Runs the parts of a piece, each once.
    ///
    /// # Safety
    ///
    /// The piece is that of a whole `Parts` whose first `count` parts are there, and that any thread may use.
    unsafe fn hand_out(&mut self, piece: *const Piece, count: usize) {
        assert!(count <= self.members(), "{count} parts for a team of {}", self.members());
        self.number = (self.number + 1) % OVER;
        self.shared.panicked.store(false, Ordering::Relaxed);
        // Dropped, also by a panic, it leaves no helper that uses the piece.
        let offers = Offers { desks: &self.shared.desks[..count - 1], number: self.number };
        for (desk, helper) in offers.desks.iter().zip(&self.helpers) {
            desk.offer.0.piece.store(piece.cast_mut(), Ordering::Relaxed);
            if desk.offer.0.number.swap(self.number, Ordering::AcqRel) == ASLEEP {
                helper.thread().unpark();
            }
        }
        // SAFETY: the caller gave a piece that is there.
        let run = unsafe { (*piece).run };
        // SAFETY: the caller gave these parts, and each is run once: the first here, each other by who claims it.
        let run = |member| unsafe { run(piece, member) };
        run(0);
        for (member, desk) in (1..).zip(offers.desks) {
            // To ask whether a helper has begun holds it up when it begins the next, so that is asked late.
            if !look(|| desk.is_done(self.number)) && desk.take_back(self.number) {
                run(member);
            }
        }
        drop(offers);
        if self.shared.panicked.load(Ordering::Relaxed) {
            self.shared.go_on();
        }
    }
}

/// Does the part of a member.
///
/// # Safety
///
/// The piece is that of a whole `Parts<T, W>` that is there and that this thread may use, with a part for this member, which is run once.
unsafe fn run<T, W: Fn(T)>(piece: *const Piece, member: usize) {
    // SAFETY: the caller's; a `Parts` begins with its piece.
    let parts = unsafe { &*piece.cast::<Parts<T, W>>() };
    // SAFETY: the caller's: the part is there, and nobody else takes it.
    let part = unsafe { parts.list[member].assume_init_read() };
    (parts.work)(part);
}

impl Drop for Team {
    fn drop(&mut self) {
        for (desk, helper) in self.shared.desks.iter().zip(&self.helpers) {
            if desk.offer.0.number.swap(OVER, Ordering::AcqRel) == ASLEEP {
                helper.thread().unpark();
            }
        }
        for helper in self.helpers.drain(..) {
            // It has caught what its parts panicked with, and that went on elsewhere.
            let _ = helper.join();
        }
    }
}

/// The desks of the helpers to whom a piece was offered, and its number.
struct Offers<'s> {
    desks: &'s [Desk],
    number: usize,
}

impl Drop for Offers<'_> {
    /// Takes back what is not begun, and waits for those that are at work.
    fn drop(&mut self) {
        for desk in self.desks {
            let is_done = || desk.is_done(self.number);
            while !is_done() && !desk.take_back(self.number) && !spin(is_done) {
                // The helper may have lost its core, and this is perhaps the one that it waits for.
                thread::yield_now();
            }
        }
    }
}

impl Desk {
    /// Whether the helper has nothing to do any more with the piece of that number.
    fn is_done(&self, number: usize) -> bool {
        self.done.0.load(Ordering::Acquire) == number
    }

    /// Begins the part of the piece that was just offered for the helper, unless the helper has.
    fn take_back(&self, number: usize) -> bool {
        let begun = self.begun.0.load(Ordering::Relaxed);
        let taken = begun != number && self.claim(begun, number);
        if taken {
            self.done.0.store(number, Ordering::Relaxed);
        }
        taken
    }

    /// Begins piece `number`, where `begun` was begun last before that number was read: nobody else has.
    fn claim(&self, begun: usize, number: usize) -> bool {
        self.begun.0.compare_exchange(begun, number, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Waits for an offer, begins it, and gives its number; `None` when all is over.
    fn next(&self) -> Option<usize> {
        loop {
            let offered = || {
                // In this order: numbers ascend, so one that is read later and differs has been begun by nobody.
                let begun = self.begun.0.load(Ordering::Acquire);
                (begun, self.offer.0.number.load(Ordering::Acquire))
            };
            let is_new = || {
                let (begun, number) = offered();
                begun != number
            };
            if !spin(is_new) {
                self.sleep();
            }
            match offered() {
                (_, OVER) => return None,
                (begun, number) if begun != number && self.claim(begun, number) => return Some(number),
                _ => {}
            }
        }
    }

    /// Sleeps until something is offered that the helper has not begun.
    fn sleep(&self) {
        let begun = self.begun.0.load(Ordering::Relaxed);
        let number = &self.offer.0.number;
        if number.compare_exchange(begun, ASLEEP, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            while number.load(Ordering::Acquire) == ASLEEP {
                thread::park();
            }
        }
    }
}

impl Shared {
    /// Keeps what a part panicked with.
    #[cold]
    fn keep(&self, panic: Box<dyn Any + Send>) {
        *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        self.panicked.store(true, Ordering::Relaxed);
    }

    /// Panics as a part did.
    #[cold]
    fn go_on(&self) {
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        resume_unwind(panic.expect("kept before `panicked` was set"));
    }
}

/// What a helper does all its life.
fn help(shared: &Shared, member: usize) {
    let desk = &shared.desks[member - 1];
    while let Some(number) = desk.next() {
        let piece = desk.offer.0.piece.load(Ordering::Relaxed);
        // SAFETY: the piece was stored before its number, and `hand_out` does not return before its `Offers` has seen `done` at it.
        let run = unsafe { (*piece).run };
        // SAFETY: as above; and this helper alone has begun its part.
        let run = || unsafe { run(piece, member) };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            shared.keep(panic);
        }
        desk.done.0.store(number, Ordering::Release);
    }
}

/// Looks a few times whether it is true.
fn look(is_true: impl Fn() -> bool) -> bool {
    (0..LOOKS).any(|_| {
        let is_true = is_true();
        if !is_true {
            hint::spin_loop();
        }
        is_true
    })
}

/// Looks whether it is true for as long as [`SPIN`].
fn spin(is_true: impl Fn() -> bool) -> bool {
    let mut start = None;
    loop {
        if look(&is_true) {
            return true;
        }
        if start.get_or_insert_with(Instant::now).elapsed() > SPIN {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    const SIZES: [usize; 4] = [1, 2, 3, 5];

    fn team(members: usize) -> Team {
        Team::new(members).expect("threads")
    }

    #[test]
    fn each_part_is_worked_on_once() {
        for members in SIZES {
            let mut team = team(members);
            assert_eq!(team.members(), members);
            // Also fewer parts than members, and none.
            for round in 0..300 {
                let mut seen = vec![0; round % (members + 1)];
                team.each(seen.iter_mut().enumerate(), |(part, seen)| *seen += part + 1);
                assert!(seen.iter().copied().eq(1..=seen.len()), "{members} members: {seen:?}");
            }
        }
    }

    #[test]
    fn members_work_at_the_same_time() {
        for members in SIZES {
            let mut team = team(members);
            for _ in 0..10 {
                // A part returns when all parts have begun.
                let barrier = Barrier::new(members);
                team.each(0..members, |_| {
                    barrier.wait();
                });
            }
        }
    }

    #[test]
    fn more_parts_than_members_are_refused() {
        let mut team = team(2);
        assert!(catch_unwind(AssertUnwindSafe(|| team.each(0..3, |_| {}))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| team.each(0..=MOST, |_| {}))).is_err());
        let mut both = [0, 0];
        team.each(&mut both, |part| *part += 1);
        assert_eq!(both, [1, 1]);
    }

    #[test]
    fn a_panic_comes_to_the_caller_once_all_are_done_and_the_team_works_on() {
        for members in SIZES {
            let mut team = team(members);
            for wrong in (0..members).cycle().take(4 * members) {
                let (begun, done) = (Barrier::new(members), AtomicUsize::new(0));
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    team.each(0..members, |part| {
                        begun.wait();
                        assert_ne!(part, wrong, "what is wrong");
                        (0..1000).for_each(|_| hint::spin_loop());
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                }));
                let panic = outcome.expect_err("a part panicked");
                assert!(panic.downcast_ref::<String>().expect("its words").contains("what is wrong"));
                assert_eq!(done.into_inner(), members - 1, "of {members} members, {wrong} is wrong");
                let mut seen = vec![0; members];
                team.each(&mut seen, |seen| *seen += 1);
                assert_eq!(seen, vec![1; members]);
            }
            // All at once: one goes on, none is left for the next piece.
            assert!(catch_unwind(AssertUnwindSafe(|| team.each(0..members, |part| panic!("{part}")))).is_err());
            team.each(0..members, |_| {});
        }
    }

    #[test]
    fn a_team_without_work_sleeps_and_wakes_for_the_next_piece() {
        let mut team = team(3);
        for _ in 0..3 {
            while !team.shared.desks.iter().all(|desk| desk.offer.0.number.load(Ordering::Relaxed) == ASLEEP) {
                thread::yield_now();
            }
            let barrier = Barrier::new(3);
            team.each(0..3, |_| {
                barrier.wait();
            });
        }
    }

    #[test]
    fn a_dropped_team_has_ended_its_threads() {
        for members in SIZES {
            let team = team(members);
            let shared = Arc::downgrade(&team.shared);
            drop(team);
            assert!(shared.upgrade().is_none(), "a helper of {members} members is left");
        }
    }

    #[test]
    fn a_piece_allocates_nothing() {
        let mut team = team(3);
        let mut seen = [0; 3];
        let counted = allocation_counter::measure(|| (0..100).for_each(|_| team.each(&mut seen, |seen| *seen += 1)));
        assert_eq!((counted.count_total, seen), (0, [100; 3]));
    }
}
