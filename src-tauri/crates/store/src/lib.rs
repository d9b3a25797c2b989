//! hilum-store
