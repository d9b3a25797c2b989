//! What reports are printed and signed with.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The images and measurements that a report is printed with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FigureChoice {
    /// Instances in the order in which they are printed.
    pub images: Vec<String>,
    /// Ids of annotations whose values are printed as a table.
    pub measurements: Vec<String>,
}

/// The certificate with which somebody signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SigningKey {
    pub name: String,
    /// Who vouches for the name.
    pub issuer: String,
    /// True where nobody else vouches for it, as for the keys that Hilum makes.
    pub self_issued: bool,
    /// YYYY-MM-DD.
    pub valid_until: String,
    /// SHA-256 of the certificate in hex.
    pub fingerprint: String,
}

/// The time-stamp server.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TimeStampSettings {
    /// Empty for none.
    pub url: String,
    /// The name in the certificate to which its time stamps must lead; empty for none.
    pub certificate: String,
}
