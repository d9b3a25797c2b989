//! hilum-imaging
