//! The workers, over something that answers with a text's first token, and can be held up or made to panic.

use super::worker::Run;
use super::*;
use crate::ModelCard;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

/// Tokens that make the model hold, panic or fail.
const HOLD: u32 = 1000;
const PANIC: u32 = 1001;
const FAIL: u32 = 1002;

const FAR: Duration = Duration::from_secs(60);

/// What the workers run with, and the test's hands on it.
struct Held {
    batcher: Batcher,
    /// Says that a batch is held.
    holds: mpsc::Receiver<()>,
    /// Lets one go on.
    go: mpsc::Sender<()>,
    /// Texts that were run.
    ran: Arc<AtomicUsize>,
}

struct Fake {
    held: mpsc::Sender<()>,
    go: Arc<Mutex<mpsc::Receiver<()>>>,
    ran: Arc<AtomicUsize>,
}

impl Run for Fake {
    fn run(&mut self, _: usize, texts: &Ragged, rows: &mut Vec<f32>) -> Result<(), String> {
        let batch = texts.as_batch();
        for text in 0..texts.texts() {
            match batch.ids[batch.starts[text] as usize] {
                HOLD => {
                    self.held.send(()).expect("the test listens");
                    self.go.lock().expect("no panic").recv().expect("the test lets go");
                }
                PANIC => panic!("a panic that a test asked for"),
                FAIL => return Err("no such token".to_owned()),
                _ => {}
            }
            rows.push(batch.ids[batch.starts[text] as usize] as f32);
            self.ran.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn held(workers: usize) -> Held {
    let ((held, holds), (go, gone)) = (mpsc::channel(), mpsc::channel());
    let (gone, ran) = (Arc::new(Mutex::new(gone)), Arc::new(AtomicUsize::new(0)));
    let count = ran.clone();
    let make: Arc<Make> = Arc::new(move || {
        Ok(Box::new(Fake { held: held.clone(), go: gone.clone(), ran: count.clone() }) as Box<dyn Run>)
    });
    let cost = Cost::measured(512, |texts, tokens| Duration::from_nanos((texts * tokens) as u64));
    let card = ModelCard { name: "fake", version: "1.0.0", digest: "", space: "" };
    let counts = Arc::new([ModelMetrics::new(card)]);
    let batcher = Batcher::with((vec![cost], counts), workers, make).expect("workers");
    Held { batcher, holds, go, ran }
}

fn texts(ids: &[u32]) -> Ragged {
    let mut texts = Ragged::new();
    ids.iter().for_each(|&id| texts.push([id, 0], [0, 0]));
    texts
}

async fn run(batcher: &Batcher, ids: &[u32]) -> Result<Vec<f32>, Failure> {
    batcher.run(0, texts(ids), Instant::now() + FAR).await.map(|rows| rows.values)
}

#[tokio::test]
async fn every_request_gets_its_own_rows_in_their_order() {
    let batcher = Arc::new(held(3).batcher);
    let asks = (0..200u32).map(|i| {
        let batcher = batcher.clone();
        let ids: Vec<u32> = (0..i % 150).map(|text| i + text).collect();
        tokio::spawn(async move {
            let expected: Vec<f32> = ids.iter().map(|&id| id as f32).collect();
            assert_eq!(run(&batcher, &ids).await, Ok(expected));
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        ask.await.expect("answered");
    }
}

#[tokio::test]
async fn a_panic_or_a_failure_is_that_requests_alone() {
    let held = held(1);
    let batcher = Arc::new(held.batcher);
    let ask = |ids: &'static [u32]| {
        let batcher = batcher.clone();
        tokio::spawn(async move { run(&batcher, ids).await })
    };
    // All of these come while the first is held, so that one batch has them.
    let first = ask(&[HOLD]);
    tokio::task::yield_now().await;
    held.holds.recv_timeout(FAR).expect("held");
    let others = [ask(&[1, 2]), ask(&[3, PANIC]), ask(&[4]), ask(&[FAIL]), ask(&[5])];
    while batcher.shared.lock().queue.waiting() < 5 {
        tokio::task::yield_now().await;
    }
    held.go.send(()).expect("it waits");
    assert_eq!(first.await.expect("answered"), Ok(vec![HOLD as f32]));
    let mut answers = vec![];
    for other in others {
        answers.push(other.await.expect("answered"));
    }
    let failed = Failure::Model("no such token".to_owned());
    assert_eq!(answers, [Ok(vec![1.0, 2.0]), Err(Failure::Panicked), Ok(vec![4.0]), Err(failed), Ok(vec![5.0])]);
    assert_eq!(run(&batcher, &[6]).await, Ok(vec![6.0]));
}

#[tokio::test]
async fn what_a_client_left_behind_is_not_run() {
    let held = held(1);
    let batcher = Arc::new(held.batcher);
    let first = tokio::spawn({
        let batcher = batcher.clone();
        async move { run(&batcher, &[HOLD]).await }
    });
    tokio::task::yield_now().await;
    held.holds.recv_timeout(FAR).expect("held");
    let mut left = Box::pin(run(&batcher, &[7; 50]));
    // It waits in the queue, and then its client goes.
    assert!(is_pending(left.as_mut()).await);
    assert_eq!(batcher.shared.lock().queue.waiting(), 1);
    drop(left);
    held.go.send(()).expect("it waits");
    assert!(first.await.expect("answered").is_ok());
    assert_eq!(run(&batcher, &[8]).await, Ok(vec![8.0]));
    assert_eq!(held.ran.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn who_waits_for_an_idle_worker_waits_while_it_runs() {
    let held = held(1);
    let batcher = Arc::new(held.batcher);
    let first = tokio::spawn({
        let batcher = batcher.clone();
        async move { run(&batcher, &[HOLD]).await }
    });
    tokio::task::yield_now().await;
    held.holds.recv_timeout(FAR).expect("held");
    let (say, said) = mpsc::channel();
    let idle = batcher.idle();
    let waits = std::thread::spawn(move || {
        idle.wait();
        say.send(()).expect("the test listens");
    });
    while batcher.shared.lock().idlers == 0 {
        tokio::task::yield_now().await;
    }
    assert!(said.try_recv().is_err());
    held.go.send(()).expect("it waits");
    said.recv_timeout(FAR).expect("the worker is free");
    waits.join().expect("no panic");
    assert!(first.await.expect("answered").is_ok());
    batcher.idle().wait();
}

/// Whether a future is still pending after one poll.
async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn a_deadline_that_passes_while_the_model_runs_is_told() {
    let held = held(1);
    // It is held until long after.
    let late = held.batcher.run(0, texts(&[HOLD]), Instant::now() + Duration::from_millis(200));
    assert_eq!(late.await, Err(Failure::Late));
    held.go.send(()).expect("it waits");
}

#[tokio::test]
async fn a_deadline_that_passes_in_the_queue_is_told_whoever_has_more_time() {
    let held = held(1);
    let batcher = Arc::new(held.batcher);
    let ask = |ids: &'static [u32], time: Duration| {
        let batcher = batcher.clone();
        tokio::spawn(async move { batcher.run(0, texts(ids), Instant::now() + time).await.map(|rows| rows.values) })
    };
    let first = ask(&[HOLD], FAR);
    tokio::task::yield_now().await;
    held.holds.recv_timeout(FAR).expect("held");
    let [long, late, later] = [(1, FAR), (2, Duration::from_millis(60)), (3, Duration::from_millis(30))]
        .map(|(id, time)| ask(Box::leak(Box::new([id])), time));
    assert_eq!(late.await.expect("told"), Err(Failure::Late));
    assert_eq!(later.await.expect("told"), Err(Failure::Late));
    let tally = batcher.shared.lock().queue.tallies().next().expect("a model");
    assert_eq!((tally.late, tally.gone, tally.requests), (2, 0, 1));
    held.go.send(()).expect("it waits");
    assert_eq!((first.await.expect("told"), long.await.expect("told")), (Ok(vec![HOLD as f32]), Ok(vec![1.0])));
}

#[tokio::test]
async fn the_end_waits_for_what_is_in_flight() {
    let held = held(1);
    let shared = held.batcher.shared.clone();
    let mut waits = vec![];
    for ids in [[HOLD], [1], [2]] {
        let (reply, answer) = oneshot::channel();
        let (now, deadline) = (Instant::now(), Instant::now() + FAR);
        let request = Request::new(0, texts(&ids), (now, deadline), reply);
        shared.lock().queue.admit(Arc::new(request), now).expect("admitted");
        shared.news.notify_one();
        waits.push(answer);
    }
    held.holds.recv_timeout(FAR).expect("held");
    drop(held.batcher);
    held.go.send(()).expect("it waits");
    for (answer, expected) in waits.into_iter().zip([HOLD as f32, 1.0, 2.0]) {
        assert_eq!(answer.await.expect("answered").map(|rows| rows.values), Ok(vec![expected]));
    }
}
