//! hilum-export
