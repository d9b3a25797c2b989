//! Names of things, each a type of its own so that one cannot stand for another.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

id! {
    /// A report, from its first draft through all its signed versions.
    ReportId
    /// A sentence, for its whole life; chosen by whoever first wrote it down.
    SentenceId
    /// One generation of a model.
    ProposalId
    /// A person who may log in.
    UserId
    /// A report template.
    TemplateId
    /// One signed version of a report.
    VersionId
    /// SHA-256 over a model pack's files, in hex.
    PackHash
}
