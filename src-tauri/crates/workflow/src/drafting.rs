//! Drafting: a model's answer becomes proposed sentences, and is kept whole beside them.

use crate::reading::image_for_models;
use crate::reporting::ReportDetail;
use crate::{Cancel, Drafter, Fault, Workstation, WorkflowError};
use hilum_report::{
    Command, Entry, PackHash, ProposalId, ProposedText, Region, Report, ReportId, SectionKind, Sentence, SentenceId,
};
use hilum_store::{AuditEvent, NewProposal, ProposalOutcome, ProposalStatus, Store, StoreError};
use hilum_workers::messages::draft::{AnswerRules, DraftOutcome, DraftPrompt, DraftedSection, DraftedSentence};
use hilum_workers::{DraftEvent, DraftJob};
use serde_json::json;
use tokio::sync::mpsc;

/// A finished draft.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftResult {
    /// `None` when it was cancelled: the report is as it was.
    pub report: Option<ReportDetail>,
    pub outcome: DraftOutcome,
}

/// Longest answer, tokens: a long chest report is below 400.
const MAX_TOKENS: u32 = 512;
/// How often the proposal is put on top of edits that came while it was written.
const ATTEMPTS: usize = 20;

impl Workstation {
    /// Drafts the report of its study and puts the answer into it as proposed sentences.
    ///
    /// Whatever a person writes meanwhile stays. A cancelled or failed draft leaves the
    /// report as it was; the generation is on record in either case.
    ///
    /// # Errors
    /// `draft.no_model`, `draft.not_applicable`, `draft.empty`, `report.not_open`; the worker's own codes.
    pub async fn draft(
        &self,
        id: &ReportId,
        indication_confirmed: bool,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftResult, WorkflowError> {
        let store = self.store()?;
        let drafter = self.drafter().ok_or(WorkflowError::NoDrafter)?;
        let report = store.report(id).await?;
        may_be_drafted(&report)?;
        let study = store.study(report.study_uid()).await?;
        let instance = image_for_models(&study)?;
        let prompt = DraftPrompt::Sections {
            indication: indication_confirmed.then(|| indication(&report)).flatten(),
            rules: AnswerRules::default(),
        };
        let side = match drafter.side(events, cancel).await {
            Err(fault) if is_cancel(&fault) => return Ok(DraftResult { report: None, outcome: DraftOutcome::default() }),
            other => other?,
        };
        let (gray, image_hash) = match self.model_input(&store, instance, side, cancel).await {
            Err(WorkflowError::Outside(fault)) if is_cancel(&fault) => {
                return Ok(DraftResult { report: None, outcome: DraftOutcome::default() });
            }
            other => other?,
        };
        let proposal = ProposalId::new(self.fresh());
        let pack = drafter.pack();
        store
            .begin_proposal(&NewProposal {
                id: proposal.clone(),
                study_uid: report.study_uid().to_owned(),
                report: Some(id.clone()),
                pack_id: pack.id.clone(),
                pack_hash: PackHash::new(&pack.hash),
                demo: pack.demo,
                prompt: serde_json::to_string(&prompt).unwrap_or_default(),
                image_hashes: vec![image_hash],
                settings: json!({ "decoding": "greedy", "max_tokens": MAX_TOKENS, "side": side, "instance": instance.uid }),
                started_at: self.now(),
            })
            .await?;
        let job = DraftJob { side, images: vec![gray], prompt, max_tokens: MAX_TOKENS };
        match drafter.draft(job, events, cancel).await {
            Ok(outcome) => self.finish(&store, drafter.as_ref(), id, &proposal, outcome).await,
            Err(fault) if is_cancel(&fault) => {
                let outcome = DraftOutcome { finish: "cancelled".into(), ..DraftOutcome::default() };
                self.finish(&store, drafter.as_ref(), id, &proposal, outcome).await
            }
            Err(fault) => {
                self.record(&store, &proposal, &DraftOutcome::default(), ProposalStatus::Failed, Some(fault.code.clone())).await?;
                Err(fault.into())
            }
        }
    }

    async fn finish(
        &self,
        store: &Store,
        drafter: &dyn Drafter,
        id: &ReportId,
        proposal: &ProposalId,
        outcome: DraftOutcome,
    ) -> Result<DraftResult, WorkflowError> {
        if outcome.finish == "cancelled" {
            self.record(store, proposal, &outcome, ProposalStatus::Cancelled, None).await?;
            return Ok(DraftResult { report: None, outcome });
        }
        let sections = proposed(&outcome.sections, proposal);
        if sections.is_empty() {
            self.record(store, proposal, &outcome, ProposalStatus::Failed, Some("draft.empty".into())).await?;
            return Err(WorkflowError::EmptyDraft);
        }
        self.record(store, proposal, &outcome, ProposalStatus::Complete, None).await?;
        let pack = drafter.pack();
        let commands: Vec<Command> = sections
            .into_iter()
            .map(|(section, sentences)| Command::Propose {
                proposal: proposal.clone(),
                pack: PackHash::new(&pack.hash),
                demo: pack.demo,
                section,
                sentences,
            })
            .collect();
        let report = self.propose(store, id, commands).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "report.propose", id.as_str())
            .with(json!({ "proposal": proposal.as_str(), "pack": pack.hash }));
        store.record_event(event).await?;
        Ok(DraftResult { report: Some(self.with_versions(store, report).await?), outcome })
    }

    /// Puts proposed sentences on top of whatever the report is by now.
    async fn propose(&self, store: &Store, id: &ReportId, commands: Vec<Command>) -> Result<Report, WorkflowError> {
        let at = self.now();
        let entries: Vec<Entry> =
            commands.into_iter().map(|command| Entry { by: store.user().id.clone(), at, command }).collect();
        let mut attempt = 0;
        loop {
            let revision = store.report(id).await?.revision();
            match store.append(id, revision, &entries).await {
                Err(StoreError::StaleRevision { .. }) if attempt < ATTEMPTS => attempt += 1,
                other => return Ok(other?),
            }
        }
    }

    async fn record(
        &self,
        store: &Store,
        proposal: &ProposalId,
        outcome: &DraftOutcome,
        status: ProposalStatus,
        error_code: Option<String>,
    ) -> Result<(), WorkflowError> {
        let finished = ProposalOutcome {
            status,
            finished_at: self.now(),
            raw_text: outcome.text.clone(),
            token_ids: outcome.token_ids.clone(),
            logprobs: outcome.logprobs.clone(),
            timings: json!({
                "prompt_seconds": outcome.prompt_seconds,
                "decode_seconds": outcome.decode_seconds,
                "finish": outcome.finish,
                "rendered_prompt": outcome.prompt,
                "prompt_token_ids": outcome.prompt_token_ids,
            }),
            error_code,
        };
        Ok(store.finish_proposal(proposal, &finished).await?)
    }
}

fn is_cancel(fault: &Fault) -> bool {
    fault.code == "worker.cancelled"
}

/// Only an open report's own text is drafted; an addendum is the person's alone.
fn may_be_drafted(report: &Report) -> Result<(), WorkflowError> {
    let has_findings = report.section(SectionKind::Findings).is_some() && report.section(SectionKind::Addendum).is_none();
    if report.status().is_open() && has_findings {
        Ok(())
    } else {
        Err(hilum_report::Refusal::NotOpen(report.status()).into())
    }
}

/// The indication as a person wrote it in this report; template text and proposals do not count.
fn indication(report: &Report) -> Option<String> {
    let section = report.section(SectionKind::Indication)?;
    let words: Vec<&str> = section
        .sentences
        .iter()
        .filter_map(|s| match s {
            Sentence::Written(w) if !matches!(w.origin, hilum_report::Origin::Template { .. }) => Some(w.text.trim()),
            _ => None,
        })
        .collect();
    let text = words.join(" ");
    (!text.is_empty()).then_some(text)
}

/// The answer's sections as sentences to propose; sections that a report has no place for are left out.
fn proposed(sections: &[DraftedSection], proposal: &ProposalId) -> Vec<(SectionKind, Vec<ProposedText>)> {
    let mut out = Vec::new();
    for section in sections {
        let kind = match section.section.as_str() {
            "findings" => SectionKind::Findings,
            "impression" => SectionKind::Impression,
            _ => continue,
        };
        let sentences: Vec<ProposedText> = section
            .sentences
            .iter()
            .filter(|sentence| !sentence.text.trim().is_empty())
            .enumerate()
            .map(|(n, sentence)| ProposedText {
                id: SentenceId::new(format!("{proposal}-{}-{n}", section.section)),
                text: sentence.text.trim().to_owned(),
                region: (kind == SectionKind::Findings).then(|| region_of(sentence)).flatten(),
            })
            .collect();
        if !sentences.is_empty() {
            out.push((kind, sentences));
        }
    }
    out
}

/// The region under which the model put a sentence, else the one that its words speak of.
fn region_of(sentence: &DraftedSentence) -> Option<Region> {
    let named = Region::ALL.into_iter().find(|region| sentence.region.as_deref() == Some(region.heading()));
    named.or_else(|| Region::of(&sentence.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_sentences_with_regions() {
        let section = |name: &str, sentences: &[&str]| DraftedSection {
            section: name.into(),
            sentences: sentences.iter().map(|s| DraftedSentence::free(*s)).collect(),
        };
        let answer = [
            section("findings", &["The lungs are clear.", " ", "Small left effusion."]),
            section("recommendation", &["Repeat in a week."]),
            section("impression", &[" Small left effusion. "]),
        ];
        let out = proposed(&answer, &ProposalId::new("p"));
        assert_eq!(out.len(), 2);
        assert_eq!(out[0].0, SectionKind::Findings);
        let regions: Vec<_> = out[0].1.iter().map(|s| s.region).collect();
        assert_eq!(regions, [Some(Region::Lungs), Some(Region::Pleura)]);
        assert_eq!(out[1].1[0].text, "Small left effusion.");
        assert_eq!(out[1].1[0].region, None);
        assert!(proposed(&[section("findings", &[" "])], &ProposalId::new("p")).is_empty());
    }
}
