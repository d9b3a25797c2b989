//! hilum-packs
