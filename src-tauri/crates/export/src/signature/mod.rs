//! Who signs, and how the signature gets into the file.

mod certificate;
mod cms;
mod identity;
mod key;
mod pkcs12;
mod sign;
pub(crate) mod time_stamp;

pub use cms::AskForTime;
pub use identity::Identity;
pub use sign::{sign, sign_with_time};

pub use certificate::{CertificateSummary, certificate_of, summary_of};
pub(crate) use certificate::{may_sign_documents, name_of};
pub(crate) use cms::{
    ECDSA_WITH_SHA256, ECDSA_WITH_SHA384, ECDSA_WITH_SHA512, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST,
    ID_SIGNING_CERTIFICATE_V2, RSA_ENCRYPTION, SHA256, SHA256_WITH_RSA, SHA384_WITH_RSA, SHA512_WITH_RSA,
    signing_certificate_v2,
};
