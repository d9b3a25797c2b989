//! hilum-drafting
