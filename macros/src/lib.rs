//! The #[model] attribute: a locked model becomes a typed item.
