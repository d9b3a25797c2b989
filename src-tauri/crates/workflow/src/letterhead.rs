//! What stands at the head of every printed report.

use serde::{Deserialize, Serialize};

/// The institution's letterhead; empty fields are left out of the print.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Letterhead {
    pub institution: String,
    pub department: String,
    /// Lines separated by newlines.
    pub address: String,
}
