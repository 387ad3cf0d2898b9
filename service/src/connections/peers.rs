//! How many connections each peer has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections by where they come from. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection of a peer, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    peers: Peers,
    peer: IpAddr,
}

impl Peers {
    pub(super) fn new(most: usize) -> Peers {
        Peers { most, counts: Arc::default() }
    }

    /// One more connection; none if the peer has as many as it may.
    pub(super) fn enter(&self, peer: IpAddr) -> Option<Guest> {
        let peer = network(peer);
        let mut counts = self.lock();
        let count = counts.entry(peer).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Guest { peers: self.clone(), peer })
    }

    /// A count is right between any two statements.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.peers.lock();
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

/// What one peer has of addresses: of IPv6, whole networks of 64 bits.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) => Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into(),
        peer => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_no_more_than_its_connections_and_is_forgotten_with_the_last() {
        let peers = Peers::new(2);
        let at = |text: &str| text.parse().expect("an address");
        let first = peers.enter(at("10.0.0.1")).expect("the first");
        let _second = peers.enter(at("::ffff:10.0.0.1")).expect("the second");
        assert!(peers.enter(at("10.0.0.1")).is_none());
        assert!(peers.enter(at("10.0.0.2")).is_some(), "another peer");
        drop(first);
        assert!(peers.enter(at("10.0.0.1")).is_some());
        let network = [peers.enter(at("2001:db8::1")), peers.enter(at("2001:db8::2"))];
        assert!(network.iter().all(Option::is_some) && peers.enter(at("2001:db8::3")).is_none());
        assert!(peers.enter(at("2001:db8:0:1::1")).is_some(), "another network");
        drop((network, _second));
        assert!(peers.lock().is_empty());
    }
}
