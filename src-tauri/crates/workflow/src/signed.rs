//! What the signed reports of this data folder say of each finding.

use crate::WorkflowError;
use hilum_report::claims::{Finding, Presence, conclusions, label};
use hilum_report::{FinalText, SectionKind};
use hilum_store::{Store, StudyLabels};
use std::collections::BTreeMap;

/// Which reading of the text the labels are from; another number labels all versions anew
/// and makes fits stale.
pub(crate) const LABELLER: &str = "claims-1";

/// The labels of every study with a signed report. Versions signed since the last call are
/// labelled now.
pub(crate) async fn study_labels(store: &Store) -> Result<Vec<StudyLabels>, WorkflowError> {
    loop {
        let unread = store.unlabelled_versions(LABELLER).await?;
        if unread.is_empty() {
            return Ok(store.study_labels(LABELLER).await?);
        }
        let read = tokio::task::spawn_blocking(move || {
            unread.into_iter().map(|(id, text)| (id, labels(&text), text.accepted_in_bulk())).collect::<Vec<_>>()
        });
        let read = read.await.map_err(|e| hilum_store::StoreError::Corrupt(e.to_string()))?;
        store.label_versions(LABELLER, &read).await?;
    }
}

/// What a signed text says of each finding that it speaks of: of Findings, Impression and
/// Addendum together. An indication or a comparison says nothing of this image.
pub(crate) fn labels(text: &FinalText) -> BTreeMap<String, String> {
    let says =
        |kind: SectionKind| matches!(kind, SectionKind::Findings | SectionKind::Impression | SectionKind::Addendum);
    let sentences = text.sections().iter().filter(|s| says(s.kind)).flat_map(|s| &s.sentences);
    let claims: Vec<_> = sentences.flat_map(|sentence| label(&sentence.text)).collect();
    conclusions(&claims)
        .into_iter()
        .filter(|(finding, _)| *finding != Finding::NoFinding)
        .map(|(finding, presence)| (finding.key().to_owned(), word(presence).to_owned()))
        .collect()
}

pub(crate) fn word(presence: Presence) -> &'static str {
    match presence {
        Presence::Present => "present",
        Presence::Absent => "absent",
        Presence::Uncertain => "uncertain",
    }
}
