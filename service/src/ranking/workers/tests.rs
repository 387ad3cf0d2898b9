//! The workers, over something that can be held up or made to panic.

use super::*;
use crate::ModelCard;
use crate::ranking::{Cell, Row};
use modeldeploy::format::features::{Fact, Kind, Side};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

const FAR: Duration = Duration::from_secs(60);

/// Values that make the model hold or panic.
const HOLD: f64 = 1000.0;
const PANIC: f64 = 1001.0;

/// Candidates of one feature.
fn asked(values: &[f64]) -> Arc<Asked> {
    let facts = [Fact { name: "x".to_owned(), kind: Kind::Number, side: Side::Candidate }];
    let row = |&value: &f64| -> Row { vec![("x".to_owned(), Cell::Number(value))] };
    let rows: Vec<Row> = values.iter().map(row).collect();
    Arc::new(Asked::of_rows(&facts, &rows, "rows", usize::MAX).expect("candidates"))
}

/// Workers, and the test's hands on them.
struct Held {
    workers: Arc<Workers>,
    /// Says that a request is held.
    holds: mpsc::Receiver<()>,
    /// Lets one go on.
    go: mpsc::Sender<()>,
    ran: Arc<AtomicUsize>,
}

fn held(workers: usize) -> Held {
    let ((held, holds), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let (held, gone, ran) = (Mutex::new(held), Mutex::new(gone), Arc::new(AtomicUsize::new(0)));
    let count = ran.clone();
    let holding = asked(&[HOLD]);
    let panicking = asked(&[PANIC]);
    let score = move |_: usize, asked: &Asked| {
        if *asked == *holding {
            held.lock().expect("no panic").send(()).expect("the test listens");
            gone.lock().expect("no panic").recv().expect("the test lets go");
        }
        assert!(*asked != *panicking, "a panic that a test asked for");
        count.fetch_add(1, Ordering::Relaxed);
        Ok((0..asked.candidates()).map(|at| at as f64).collect())
    };
    let card = ModelCard { name: "fake", version: "1.0.0", digest: "", space: "" };
    let workers = Workers::with(workers, Arc::new([ModelMetrics::new(card)]), Box::new(score)).expect("threads");
    Held { workers: Arc::new(workers), holds, go, ran }
}

async fn run(workers: &Workers, values: &[f64]) -> Result<Vec<f64>, Fault> {
    workers.run(0, &asked(values), Instant::now() + FAR).await.map(|scored| scored.values)
}

/// A request that is held by the only worker.
async fn hold(held: &Held) -> tokio::task::JoinHandle<Result<Vec<f64>, Fault>> {
    let workers = held.workers.clone();
    let first = tokio::spawn(async move { run(&workers, &[HOLD]).await });
    tokio::task::yield_now().await;
    held.holds.recv_timeout(FAR).expect("held");
    first
}

#[tokio::test]
async fn a_panic_is_that_requests_alone() {
    let held = held(2);
    for _ in 0..3 {
        assert!(matches!(run(&held.workers, &[PANIC]).await, Err(Fault::Internal(_))));
        assert_eq!(run(&held.workers, &[1.0, 2.0]).await, Ok(vec![0.0, 1.0]));
    }
    assert_eq!(held.workers.shared.counts[0].panics(), 3);
}

#[tokio::test]
async fn what_a_client_left_behind_is_not_run() {
    let held = held(1);
    let first = hold(&held).await;
    let workers = held.workers.clone();
    let left = tokio::spawn(async move { run(&workers, &[1.0]).await });
    while held.workers.shared.lock().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(held.workers.shared.counts[0].waiting(), [1, 1, 0]);
    left.abort();
    assert!(left.await.expect_err("it was left").is_cancelled());
    // What it asked takes no memory while it is in the line.
    let strong: Vec<_> = held.workers.shared.lock().waiting.iter().map(|job| job.asked.strong_count()).collect();
    assert_eq!(strong, [0]);
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok());
    assert_eq!(run(&held.workers, &[1.0]).await, Ok(vec![0.0]));
    assert_eq!(held.ran.load(Ordering::Relaxed), 2);
    assert_eq!((held.workers.shared.counts[0].waiting(), held.workers.shared.counts[0].sheds()), ([0; 3], [0, 0, 1]));
}

#[tokio::test]
async fn a_deadline_that_passes_is_told() {
    let held = held(1);
    let late = held.workers.run(0, &asked(&[HOLD]), Instant::now() + Duration::from_millis(200)).await;
    assert_eq!(late, Err(Fault::Late));
    held.go.send(()).expect("it waits");
}

#[tokio::test]
async fn what_would_be_late_is_refused_at_once() {
    let held = held(1);
    held.workers.shared.lock().costs[0] = second_each();
    let first = hold(&held).await;
    // Behind one that takes a second, and may be held up for four.
    let refused = held.workers.run(0, &asked(&[1.0; 86]), Instant::now() + FAR).await;
    let Err(Fault::Overloaded { after }) = refused else { panic!("{refused:?}") };
    assert!(after > Duration::from_secs(29) && after < Duration::from_secs(31), "{after:?}");
    assert!(held.workers.run(0, &asked(&[1.0; 58]), Instant::now() + FAR).await.is_err());
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok());
    assert_eq!(held.workers.shared.counts[0].sheds(), [2, 0, 0]);
}

/// What a model costs whose candidates take a second each.
fn second_each() -> Cost {
    Cost { seconds: 1.0, candidates: 1.0, requests: WARM }
}

#[tokio::test]
async fn a_cost_that_is_far_too_high_is_unlearned_where_nothing_else_runs() {
    let held = held(1);
    held.workers.shared.lock().costs[0] = second_each();
    let candidates = [1.0; 3000];
    for _ in 0..200 {
        assert!(held.workers.run(0, &asked(&candidates), Instant::now() + FAR).await.is_ok());
        while !held.workers.shared.lock().running.is_zero() {
            tokio::task::yield_now().await;
        }
    }
    let expected = held.workers.shared.lock().costs[0].of(candidates.len());
    assert!(expected < FAR, "{expected:?}");
}

#[test]
fn the_first_request_and_one_that_was_held_up_teach_little() {
    let mut cost = Cost::default();
    assert_eq!(cost.of(1000), Duration::ZERO);
    cost.observe(3, Duration::from_millis(15));
    cost.observe(3, Duration::from_micros(30));
    assert_eq!(cost.of(300), Duration::from_millis(3));
    cost.observe(3, Duration::from_secs(1));
    assert!(cost.of(300) < Duration::from_millis(4), "{:?}", cost.of(300));
    // What is done once for each request is not counted for each candidate of a large one.
    for _ in 0..100 {
        cost.observe(1000, Duration::from_micros(1000));
        cost.observe(1, Duration::from_micros(30));
    }
    assert!(cost.of(1000) < Duration::from_micros(1100), "{:?}", cost.of(1000));
}

#[tokio::test]
async fn those_whose_clients_have_gone_hold_nobody_up() {
    let held = held(1);
    held.workers.shared.lock().costs[0] = second_each();
    let first = hold(&held).await;
    let workers = held.workers.clone();
    let left = tokio::spawn(async move { run(&workers, &[1.0; 50]).await });
    while held.workers.shared.lock().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
    left.abort();
    assert!(left.await.expect_err("it was left").is_cancelled());
    let workers = held.workers.clone();
    let next = tokio::spawn(async move { run(&workers, &[1.0]).await });
    tokio::task::yield_now().await;
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok());
    assert!(next.await.expect("answered").is_ok(), "it is behind nobody");
    assert_eq!(held.workers.shared.counts[0].sheds(), [0, 0, 1]);
}

#[tokio::test]
async fn a_deadline_that_passes_in_the_queue_is_counted_as_late() {
    let held = held(1);
    let first = hold(&held).await;
    let late = held.workers.run(0, &asked(&[1.0]), Instant::now() + Duration::from_millis(20)).await;
    assert_eq!(late, Err(Fault::Late));
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok());
    assert_eq!(run(&held.workers, &[1.0]).await, Ok(vec![0.0]));
    assert_eq!(held.workers.shared.counts[0].sheds(), [0, 1, 0]);
}

#[tokio::test]
async fn the_end_waits_for_what_is_in_flight() {
    let held = held(1);
    let first = hold(&held).await;
    let shared = held.workers.shared.clone();
    let (reply, answer) = oneshot::channel();
    let (asked, now) = (asked(&[1.0]), Instant::now());
    shared.admit(Job::new(0, &asked, (now, now + FAR), reply)).expect("admitted");
    drop(shared);
    held.workers.shared.lock().is_ending = true;
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok());
    assert_eq!(answer.await.expect("answered").map(|scored| scored.values), Ok(vec![0.0]));
}

#[tokio::test]
async fn who_waits_for_idle_workers_waits_until_one_is_free() {
    let held = held(2);
    let idle = held.workers.idle();
    idle.wait();
    // Of two workers one is free while the other is held.
    let first = hold(&held).await;
    assert!(idle.is_now());
    let second = hold(&held).await;
    assert!(!idle.is_now());
    let waits = std::thread::spawn(move || idle.wait());
    while held.workers.shared.lock().idlers == 0 {
        assert!(!waits.is_finished(), "it did not wait");
        std::thread::yield_now();
    }
    held.go.send(()).expect("it waits");
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok() && second.await.expect("answered").is_ok());
    waits.join().expect("it is told");
    // The end lets all go, and where there is no worker nothing is waited for.
    let (ending, none) = (held.workers.idle(), Workers::with(0, Arc::new([]), Box::new(|_, _| Ok(vec![]))));
    none.expect("no thread").idle().wait();
    let last = hold(&held).await;
    let other = hold(&held).await;
    let waits = std::thread::spawn(move || ending.wait());
    held.workers.shared.lock().is_ending = true;
    held.workers.shared.idle.notify_all();
    waits.join().expect("it is told");
    (0..2).for_each(|_| held.go.send(()).expect("it waits"));
    assert!(last.await.expect("answered").is_ok() && other.await.expect("answered").is_ok());
}
