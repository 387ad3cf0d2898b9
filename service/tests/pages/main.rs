//! The pages `/ui` and `/docs` in headless Chromium, over hand-made models: what they show is the engine's, on a phone too.

mod dashboard;
mod docs;
#[path = "../protocols/models.rs"]
mod models;
#[path = "../../../runtime/tests/packs/mod.rs"]
mod packs;
mod served;
mod token;
