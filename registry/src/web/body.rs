//! Reading what comes: documents to a limit, files at a pace.

use super::{Answer, failed, lie};
use crate::error::Error;
use crate::options::Options;
use std::io::{self, Read};
use std::time::Instant;
use ureq::BodyReader;

/// A body of at most `limit` bytes, whole.
pub(super) fn whole(answer: &mut Answer, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![];
    let read = answer.body.as_reader().take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(&error.into(), &answer.address))?;
    if bytes.len() as u64 > limit {
        return Err(lie(
            &format!("the registry sends more than {limit} bytes, where a page would do"),
            &answer.address,
        ));
    }
    Ok(bytes)
}

/// A body that must come at a pace: one that trickles is an error of its own kind, so that nobody waits for days.
pub(crate) struct Steady {
    body: BodyReader<'static>,
    options: Options,
    since: Instant,
    bytes: u64,
}

impl Steady {
    pub(crate) fn new(answer: Answer, options: Options) -> Steady {
        let body = answer.body.into_with_config().limit(u64::MAX).reader();
        Steady { body, options, since: Instant::now(), bytes: 0 }
    }
}

impl Read for Steady {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        self.bytes += read as u64;
        if self.since.elapsed() >= self.options.pause {
            if read > 0 && self.bytes < self.options.slowest {
                let what = format!("{} bytes in {:?} are too few", self.bytes, self.options.pause);
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            (self.since, self.bytes) = (Instant::now(), 0);
        }
        Ok(read)
    }
}
