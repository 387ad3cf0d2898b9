//! Requests at a fixed rate, or as fast as they are answered, and what came of them, as one line of JSON.
//!
//!   load URL --bodies FILE [--connections 8] [--rate REQUESTS-A-SECOND] [--seconds 10] [--requests N]
//!       [--header "name: value"]… [--grpc] [--spin]
//!
//! Each line of the file is a body, or `{"path", "body", "headers", "expect"}` with another path, further headers and the status that
//! is right, or its first digit; they are sent in turn. With `--grpc` the URL's path is a method, each line a message of it in base64, and an answer's code is told
//! as the status of HTTP that says the same. With `--spin` the program never sleeps: a processor that halts takes as long to wake as a small
//! model to answer, and that time is no server's. At a fixed rate a request's time begins when it is due, whether or not a connection is free then,
//! so that a server that falls behind cannot hide it; without one each connection sends its next request once the last is answered.

mod client;
mod report;
mod work;

use client::Target;
use report::Report;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use work::{Options, Work};

/// What was sent and what came back.
pub struct Outcome {
    /// The status; none if the connection broke.
    pub status: Option<u16>,
    /// A status, or the first digit of those that are right.
    pub expected: u16,
    /// From when it was due.
    pub took: Duration,
    /// From when it was sent.
    pub answered_in: Duration,
}

fn main() {
    let options = Options::parse().unwrap_or_else(|message| {
        eprintln!("error: {message}");
        std::process::exit(2);
    });
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    if options.spin {
        runtime.event_interval(1);
    }
    let runtime = runtime.enable_all().build().expect("a runtime");
    let report = tokio::task::LocalSet::new().block_on(&runtime, run(options));
    println!("{}", report.to_json());
}

/// Requests that are due within so short a time are sent together.
const FINEST: Duration = Duration::from_micros(100);

async fn run(options: Options) -> Report {
    let work = Work::read(&options).unwrap_or_else(|message| {
        eprintln!("error: {message}");
        std::process::exit(2);
    });
    let work: &'static Work = Box::leak(Box::new(work));
    let target: &'static Target = Box::leak(Box::new(options.target.clone()));
    let (outcomes, mut came) = mpsc::unbounded_channel();
    let begun = Instant::now();
    let end = begun + options.length;
    let (due, dues) = async_queue();
    for at in 0..options.connections {
        let (outcomes, dues) = (outcomes.clone(), dues.clone());
        tokio::task::spawn_local(client::connection((target, options.grpc), at, work, options.rate.map(|_| dues), end, outcomes));
    }
    drop(outcomes);
    if options.spin {
        tokio::task::spawn_local(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
    }
    if let Some(rate) = options.rate {
        // Beside the connections, for the runtime's own timers are no finer than a millisecond.
        let (ring, mut rung) = mpsc::unbounded_channel();
        let clock = std::thread::spawn(move || {
            let mut sent = 0u64;
            while Instant::now() < end {
                // The first is due at once.
                let wanted = (begun.elapsed().as_secs_f64() * rate) as u64 + 1;
                for request in sent..wanted {
                    let _ended = ring.send(begun + Duration::from_secs_f64(request as f64 / rate));
                }
                sent = wanted.max(sent);
                let next = begun + Duration::from_secs_f64(sent as f64 / rate);
                std::thread::sleep(next.saturating_duration_since(Instant::now()).max(FINEST));
            }
        });
        tokio::task::spawn_local(async move {
            while let Some(at) = rung.recv().await {
                due.push(at);
            }
            due.close();
            clock.join().expect("a clock that does not panic");
        });
    }
    let mut report = Report::default();
    while let Some(outcome) = came.recv().await {
        report.add(&outcome);
    }
    report.end(begun.elapsed());
    report
}

/// Requests that are due, for whichever connection is free.
#[derive(Clone)]
pub struct Dues {
    queue: std::rc::Rc<std::cell::RefCell<(std::collections::VecDeque<Instant>, bool)>>,
    bell: std::rc::Rc<tokio::sync::Notify>,
}

fn async_queue() -> (Dues, Dues) {
    let dues = Dues { queue: Default::default(), bell: Default::default() };
    (dues.clone(), dues)
}

impl Dues {
    fn push(&self, due: Instant) {
        self.queue.borrow_mut().0.push_back(due);
        self.bell.notify_one();
    }

    fn close(&self) {
        self.queue.borrow_mut().1 = true;
        self.bell.notify_waiters();
        self.bell.notify_one();
    }

    /// The next one; none when there will be no more.
    pub async fn next(&self) -> Option<Instant> {
        loop {
            {
                let mut queue = self.queue.borrow_mut();
                if let Some(due) = queue.0.pop_front() {
                    if !queue.0.is_empty() {
                        self.bell.notify_one();
                    }
                    return Some(due);
                }
                if queue.1 {
                    self.bell.notify_one();
                    return None;
                }
            }
            self.bell.notified().await;
        }
    }
}
