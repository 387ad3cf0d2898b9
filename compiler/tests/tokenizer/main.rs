//! The tokenizer from its files to ids, against the Hugging Face library: on the recorded texts, and on texts made at random.

mod allocation;
mod errors;
mod golden;
mod hostile;
mod random;
mod reference;
mod samples;
