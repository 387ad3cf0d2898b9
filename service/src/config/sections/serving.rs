//! Where a service listens, how its models are held, and how it ends.

use crate::config::{Row, Section, Set, values};
use modeldeploy::Warm;

pub(super) const SECTION: Section = Section {
    title: "Serving",
    rows: &[
        Row {
            name: "listen",
            help: "where to listen; port 0 takes a free one and prints it",
            set: Set::Value("ADDRESS:PORT", |config, text| values::put(&mut config.listen, values::address(text))),
            show: |config| Some(config.listen.to_string().into()),
        },
        Row {
            name: "warm",
            help: "hold the models in memory before serving: touch (read every page), lock (and keep them), huge (copy them to huge \
                   pages: faster, at the price of private memory)",
            set: Set::Value("HOW", |config, text| {
                values::put(&mut config.warm, values::one_of(text, Warm::ALL.map(|warm| (warm.name(), Some(warm)))))
            }),
            show: |config| config.warm.map(|warm| warm.name().into()),
        },
        Row {
            name: "drain-delay",
            help: "once told to stop, how long the service says that it is not ready and still answers, so that who sends it requests \
                   has time to notice",
            set: Set::Value("TIME", |config, text| values::put(&mut config.drain_delay, values::pause(text))),
            show: |config| values::show_duration(config.drain_delay),
        },
    ],
};
