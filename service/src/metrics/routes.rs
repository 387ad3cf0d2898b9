//! Routes by name: each has its place for good, which a request finds without a lock and without an allocation.
//!
//! They are a table of places that are filled once. There are as many as a service can need; requests to routes beyond them are
//! counted as `other`, as those to no route are, so that no client makes series without end.

use super::series::Series;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

/// Places, a power of two.
const PLACES: usize = 256;

/// Where requests that match no route are counted.
const OTHER: &str = "other";

/// All routes that were asked.
#[derive(Debug)]
pub(super) struct Routes {
    places: Box<[OnceLock<Route>]>,
    other: Route,
    models: usize,
}

/// A route, and what is counted of it by model.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) name: Box<str>,
    /// First of requests to no model, then of each model.
    series: Box<[OnceLock<Box<Series>>]>,
}

impl Routes {
    pub(super) fn new(models: usize) -> Routes {
        let places = (0..PLACES).map(|_| OnceLock::new()).collect();
        Routes { places, other: Route::new(OTHER, models), models }
    }

    /// The route of that name.
    pub(super) fn get(&self, name: Option<&str>) -> &Route {
        let Some(name) = name else { return &self.other };
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let first = hasher.finish() as usize;
        for step in 0..PLACES {
            let place = &self.places[(first + step) % PLACES];
            // Who comes second finds what the first one left.
            let route = place.get_or_init(|| Route::new(name, self.models));
            if *route.name == *name {
                return route;
            }
        }
        &self.other
    }

    /// Those that were asked, by name.
    pub(super) fn all(&self) -> Vec<&Route> {
        let mut all: Vec<&Route> = self.places.iter().filter_map(OnceLock::get).chain([&self.other]).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

impl Route {
    fn new(name: &str, models: usize) -> Route {
        Route { name: name.into(), series: (0..=models).map(|_| OnceLock::new()).collect() }
    }

    /// Where requests to a model, or to none, are counted.
    pub(super) fn series(&self, model: Option<usize>) -> &Series {
        self.series[model.map_or(0, |model| model + 1)].get_or_init(Box::default)
    }

    /// What was counted, by model.
    pub(super) fn counted(&self) -> impl Iterator<Item = (Option<usize>, &Series)> {
        self.series.iter().enumerate().filter_map(|(at, series)| Some((at.checked_sub(1), &**series.get()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Code, Status};
    use std::time::Duration;

    fn count(route: &Route) {
        route.series(None).count(Status::Http(200), Code::OK, 0, Duration::ZERO);
    }

    #[test]
    fn a_name_has_one_place_whoever_comes_first() {
        let routes = Routes::new(1);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for route in 0..100 {
                        count(routes.get(Some(&format!("/route/{route}"))));
                    }
                });
            }
        });
        let all = routes.all();
        assert_eq!(all.len(), 101);
        for route in all.iter().filter(|route| &*route.name != OTHER) {
            assert_eq!(route.series(None).whole.totals().count(), 4, "{}", route.name);
        }
    }

    #[test]
    fn routes_without_end_are_counted_together() {
        let routes = Routes::new(0);
        for route in 0..PLACES + 50 {
            count(routes.get(Some(&route.to_string())));
        }
        count(routes.get(None));
        assert_eq!(routes.all().len(), PLACES + 1);
        assert_eq!(routes.get(None).series(None).whole.totals().count(), 51);
    }
}
