//! What can stop the reading of an image, each with a code that stays the same.

/// Why a file gives no image, or not the one that was asked for.
///
/// The texts name the step that failed and never a patient; they may be shown
/// to the user as they are. [`ImagingError::code`] is what programs look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImagingError {
    #[error("This file is empty.")]
    Empty,
    #[error("This file is not a DICOM image{0}.")]
    NotDicom(String),
    #[error("This file ends in the middle of {0}; it was not copied completely or is damaged.")]
    Truncated(&'static str),
    #[error("This DICOM object has no image ({0}).")]
    NoPixels(String),
    #[error("This file needs more memory than a single image may take: {0}.")]
    TooLarge(String),
    #[error("The sequences of this file are nested more than {0} deep, which no camera writes.")]
    TooDeep(usize),
    #[error("The structure of this file is broken: {0}.")]
    Structure(&'static str),
    #[error("The image is stored as {0}, which cannot be decoded here.")]
    UnsupportedTransferSyntax(String),
    #[error("The pixels of this file cannot be decoded: {0}.")]
    Pixels(String),
    #[error("This file is a program with a DICOM object behind it ({0} in the preamble); it is not opened.")]
    Polyglot(&'static str),
    #[error("This picture cannot be read: {0}.")]
    Picture(String),
    #[error("A picture of side {0} was asked for; it must be between 1 and {1} pixels.")]
    Side(u32, u32),
}

impl ImagingError {
    /// The stable code, for tables of messages, scripts and exit texts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "dicom.empty",
            Self::NotDicom(_) => "dicom.not_dicom",
            Self::Truncated(_) => "dicom.truncated",
            Self::NoPixels(_) => "dicom.no_pixels",
            Self::TooLarge(_) => "dicom.too_large",
            Self::TooDeep(_) => "dicom.too_deep",
            Self::Structure(_) => "dicom.structure",
            Self::UnsupportedTransferSyntax(_) => "dicom.unsupported_transfer_syntax",
            Self::Pixels(_) => "dicom.pixels",
            Self::Polyglot(_) => "dicom.polyglot",
            Self::Picture(_) => "picture.unreadable",
            Self::Side(..) => "picture.side",
        }
    }
}
