//! hilum-workflow
