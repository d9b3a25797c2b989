//! The texts that a report had in its life, to be set beside each other.

use async_recursion::async_recursion as boxed;
use crate::{WorkflowError, Workstation};
use hilum_report::{Report, ReportId, Section, SectionKind, Sentence, VersionKind};
use hilum_store::Stage;
use time::OffsetDateTime;

/// One text of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportText {
    pub what: TextOf,
    /// Who brought it there: the signer's name, or who asked for the draft; empty for the text as it
    /// stands now.
    pub by: String,
    pub at: OffsetDateTime,
    pub sections: Vec<Section>,
}

/// Which text of a report it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextOf {
    /// What a model proposed, and nothing else.
    Draft,
    /// As it was when it became preliminary; `signed` by who prepared it.
    Preliminary { signed: bool },
    Signed(VersionKind),
    /// As it stands, signed or not.
    Now,
}

impl Workstation {
    /// Every text that the report had at a stage worth comparing, the oldest first, and the text as it
    /// stands where that is not the last one signed. A draft that is covered for the reader is left out.
    ///
    /// # Errors
    /// `store.not_found`, `store.corrupt`, `vault.locked`.
    #[boxed]
    pub async fn report_texts(&self, id: &ReportId) -> Result<Vec<ReportText>, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        self.note_first(&store, "report.read", id.as_str()).await?;
        let covered = self.is_covered(&store, &report).await?;
        let users = self.users();
        let milestones = store.milestones(id).await?;
        let signed_last = milestones.last().is_some_and(|m| matches!(m.stage, Stage::Signed(_)));
        let mut texts: Vec<ReportText> = Vec::new();
        for milestone in milestones {
            let by = users.iter().find(|u| u.id == milestone.entry.by);
            let by = by.map_or_else(|| milestone.entry.by.to_string(), |u| u.name.clone());
            let at = milestone.entry.at.to_offset(self.now().offset());
            let (what, sections) = match &milestone.stage {
                Stage::Drafted(_) if covered => continue,
                Stage::Drafted(proposal) => {
                    let mut sections = milestone.report.sections().to_vec();
                    for section in &mut sections {
                        section.sentences.retain(|s| matches!(s, Sentence::Proposed(p) if p.proposal == *proposal));
                    }
                    (TextOf::Draft, sections)
                }
                Stage::Preliminary => {
                    let signed = milestone.report.preliminary().is_some_and(|p| p.revision == milestone.report.revision());
                    (TextOf::Preliminary { signed }, milestone.report.sections().to_vec())
                }
                Stage::Signed(version) => {
                    let Some(version) = milestone.report.versions().iter().find(|v| v.id == *version) else { continue };
                    let section = |s: &hilum_report::FinalSection| Section {
                        kind: s.kind,
                        required: s.kind == SectionKind::Addendum,
                        sentences: s.sentences.iter().cloned().map(Sentence::Written).collect(),
                    };
                    (TextOf::Signed(version.kind), version.text.sections().iter().map(section).collect())
                }
            };
            texts.push(ReportText { what, by, at, sections });
        }
        if !signed_last || report.status().is_open() {
            let at = store.report_row(id).await?.changed_at.to_offset(self.now().offset());
            let sections = shown(&report, covered);
            texts.push(ReportText { what: TextOf::Now, by: String::new(), at, sections });
        }
        Ok(texts)
    }
}

/// The sections of a report as its reader may see them.
pub(crate) fn shown(report: &Report, covered: bool) -> Vec<Section> {
    let mut sections = report.sections().to_vec();
    if covered {
        for section in &mut sections {
            section.sentences.retain(|s| matches!(s, Sentence::Written(_)));
        }
    }
    sections
}
