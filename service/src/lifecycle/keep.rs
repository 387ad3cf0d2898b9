//! Files that hold are looked at every second, and read again if they have changed; on SIGHUP, whether they have or not.

use super::signals::Hangups;
use crate::notice;
use crate::watched::Renew;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How old what holds may be.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at them until it is dropped.
pub(crate) async fn keep(all: Vec<Arc<dyn Renew>>, mut hangups: Hangups) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let always = tokio::select! {
            _ = ticks.tick(), if !all.is_empty() => false,
            () = hangups.next() => true,
        };
        if always && all.is_empty() {
            notice::info(format_args!("SIGHUP: there is nothing to read again"));
        }
        let all = all.clone();
        // Files may be slow; what holds until then is never locked meanwhile. A panic there is told by its hook.
        let _panic = tokio::task::spawn_blocking(move || all.iter().for_each(|one| one.renew(always))).await;
    }
}
