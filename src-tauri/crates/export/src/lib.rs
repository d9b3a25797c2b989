//! From a signed report to bytes: the printed page, its signature, and the
//! check of both.
//!
//! This crate is pure. [`pdf::render`] prints a [`ReportDocument`] as PDF,
//! [`signature::sign`] makes it a certified PAdES B-B document (ETSI EN 319
//! 142-1) with a person's [`signature::Identity`], and [`verify::verify`] is a
//! strict reader of such documents that refuses whatever it does not know.
//! [`exchange`] says the same to other systems: DICOM, FHIR, HL7. Time,
//! ids and randomness are passed in: the same input gives the same bytes.
//!
//! No image codec is linked. Key images come as grey values, a logo as colours.

mod document;
mod error;
pub mod exchange;
pub mod pdf;
pub mod signature;
mod text;
pub mod verify;

pub use document::{
    ImageMark, KeyImage, Letterhead, Logo, Measured, Paper, ParentVersion, PatientBlock, ReportDocument,
    SignatureBlock, StudyBlock,
};
pub use error::ExportError;
/// The randomness that [`signature`] takes, and the operating system's source of it.
pub use rand_core::{CryptoRngCore, OsRng};
