//! What parent and child say to each other.
//!
//! Every message is a small JSON head plus a binary body (see
//! [`crate::frame`]): pixels and vectors never pass through JSON.

pub mod decode;
pub mod draft;
pub mod encode;
