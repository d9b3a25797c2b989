//! Similar cases: an exact nearest-neighbour search over image embeddings, and filters.
//!
//! This crate is pure. It does no input or output and knows no patient: an [`Index`] holds
//! vectors by row, a [`Case`] what may be filtered by, and the caller knows which row is
//! which image. The search compares every vector, because at a department's size that is
//! quick enough (docs/performance.md) and an approximate index would have to be explained
//! each time it misses the case that a reader remembers.

mod case;
mod dot;
mod index;

pub use case::{AgeBand, Case, Filter, View};
pub use index::{Hit, Index, RetrievalError};
