//! What can go wrong between a report and its signed bytes.

/// One variant for each step that can fail. No variant carries patient data.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("no bundled font has a glyph for U+{:04X}", *.0 as u32)]
    NoGlyph(char),
    #[error("{section} has a character that no bundled font shows: U+{character:04X}")]
    NoGlyphIn {
        /// The code point.
        character: u32,
        section: &'static str,
    },
    #[error("the bundled font {0} cannot be read")]
    Font(&'static str),
    #[error("the key image is {width} x {height} but has {bytes} grey values")]
    KeyImage { width: usize, height: usize, bytes: usize },
    #[error("the logo is {width} x {height} but has {bytes} bytes")]
    Logo { width: usize, height: usize, bytes: usize },
    #[error("the PDF could not be written: {0}")]
    Write(String),
    #[error("the PDF could not be read: {0}")]
    Read(String),
    #[error("the PDF is signed already")]
    AlreadySigned,
    #[error("the signature is larger than the room kept for it")]
    SignatureRoom,
    #[error("the common name is empty or longer than 64 characters")]
    CommonName,
    #[error("the certificate could not be made: {0}")]
    CertificateMaking(String),
    #[error("the PKCS#12 file cannot be read: {0}")]
    Pkcs12(String),
    #[error("the password does not open the PKCS#12 file")]
    Pkcs12Password,
    #[error("the PKCS#12 file has no private key with a certificate")]
    Pkcs12NoKey,
    #[error("the private key cannot be read, or is of an unsupported kind")]
    Key,
    #[error("the RSA key has {0} bits, fewer than 2048")]
    KeyTooWeak(usize),
    #[error("the certificate is not the private key's")]
    KeyMismatch,
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    #[error("the certificate does not allow signing documents")]
    KeyUsage,
    #[error("the certificate is not valid at the time of signing")]
    NotValidNow,
    #[error("the stored identity cannot be read")]
    Identity,
    #[error("the time stamp server cannot be reached: {0}")]
    TimeStampUnreachable(String),
    #[error("the time stamp server refused (status {0})")]
    TimeStampRefused(u8),
    #[error("the time stamp is not good: {0}")]
    TimeStamp(&'static str),
    #[error("this computer's clock and the time stamp server's are more than ten minutes apart")]
    TimeStampClock,
    #[error("the time stamp's certificate does not lead to the one that was chosen in Settings")]
    TimeStampUntrusted,
    #[error("signing failed: {0}")]
    Signing(String),
}

impl ExportError {
    /// A stable code for the boundary.
    pub fn code(&self) -> &'static str {
        match self {
            ExportError::NoGlyph(_) | ExportError::NoGlyphIn { .. } => "pdf.no_glyph",
            ExportError::Font(_) => "pdf.font",
            ExportError::KeyImage { .. } => "pdf.key_image",
            ExportError::Logo { .. } => "pdf.logo",
            ExportError::Write(_) => "pdf.write",
            ExportError::Read(_) => "pdf.read",
            ExportError::AlreadySigned => "pdf.already_signed",
            ExportError::SignatureRoom => "sign.room",
            ExportError::CommonName => "identity.name",
            ExportError::CertificateMaking(_) => "identity.certificate",
            ExportError::Pkcs12(_) => "pkcs12.unreadable",
            ExportError::Pkcs12Password => "pkcs12.wrong_password",
            ExportError::Pkcs12NoKey => "pkcs12.no_key",
            ExportError::Key => "key.unsupported",
            ExportError::KeyTooWeak(_) => "key.too_weak",
            ExportError::KeyMismatch => "key.mismatch",
            ExportError::Certificate(_) => "cert.unreadable",
            ExportError::KeyUsage => "cert.key_usage",
            ExportError::NotValidNow => "cert.expired",
            ExportError::Identity => "identity.unreadable",
            ExportError::TimeStampUnreachable(_) => "timestamp.unreachable",
            ExportError::TimeStampRefused(_) => "timestamp.refused",
            ExportError::TimeStamp(_) => "timestamp.invalid",
            ExportError::TimeStampClock => "timestamp.clock",
            ExportError::TimeStampUntrusted => "timestamp.untrusted",
            ExportError::Signing(_) => "sign.failed",
        }
    }
}
