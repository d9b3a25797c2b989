//! Drafting: a model's answer becomes proposed sentences, and is kept whole beside them.

use async_recursion::async_recursion as boxed;
use crate::annotating::measured_in;
use crate::in_front;
use crate::reading::image_for_models;
use crate::reporting::ReportDetail;
use crate::stated::{indication, stated};
use crate::{Cancel, Drafter, Fault, WorkflowError, Workstation};
use hilum_report::{
    Command, Entry, PackHash, ProposalId, ProposedText, Region, Report, ReportId, SectionKind, SentenceId,
};
use hilum_store::{AuditEvent, NewProposal, ProposalOutcome, ProposalStatus, Store, StoreError};
use hilum_workers::messages::draft::{
    AnswerRules, DraftOutcome, DraftPrompt, DraftedPart, DraftedSection, DraftedSentence, Rewrite,
};
use hilum_workers::{DraftEvent, DraftJob, JointJob, JointOutcome};
use serde_json::json;
use tokio::sync::mpsc;

/// What a person chose when asking for a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftChoice {
    /// The indication in the report was confirmed and goes to the model.
    pub indication_confirmed: bool,
    /// Clinical notes that a person gives the model with it; empty for none. They go into no report.
    pub notes: String,
    pub mode: DraftMode,
    /// The newest older chest image of the patient goes before the current one.
    pub use_prior: bool,
}

/// The shape of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DraftMode {
    /// Under the grammar of the template's sections.
    #[default]
    Structured,
    /// The model's own free text.
    Raw,
}

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
    /// `draft.no_model`, `draft.not_applicable`, `draft.no_prior`, `draft.empty`, `report.not_open`; the worker's own codes.
    #[boxed]
    pub async fn draft(
        &self,
        id: &ReportId,
        choice: DraftChoice,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftResult, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        let prior = match choice.use_prior {
            true => {
                let priors = self.priors_in(&store, report.study_uid()).await?;
                Some(priors.into_iter().next().ok_or(WorkflowError::NoPrior)?)
            }
            false => None,
        };
        let indication = clinical(choice.indication_confirmed.then(|| indication(&report)).flatten(), &choice.notes);
        let prompt = match choice.mode {
            DraftMode::Raw => DraftPrompt::Report { indication },
            DraftMode::Structured => DraftPrompt::Sections {
                indication,
                rules: AnswerRules { comparison: prior.is_some(), measured: measured_in(&store, &report).await? },
            },
        };
        self.generate(&store, &report, prompt, prior.map(|prior| prior.instance_uid), events, cancel).await
    }

    /// Writes one section again and proposes it; sentences that a person wrote, accepted or
    /// edited stay, and unreviewed ones of the section give way.
    ///
    /// What the model is given besides the image is text that a person stands for: what
    /// they typed, edited or accepted. Indication, notes and prior are those of the newest draft
    /// of this report, where the indication still reads as it was confirmed and the prior is still linked.
    ///
    /// # Errors
    /// As [`Workstation::draft`]; `draft.nothing_to_rewrite` and `draft.no_findings` where a
    /// person has stated nothing that could be put another way, or summed up.
    #[boxed]
    pub async fn draft_section(
        &self,
        id: &ReportId,
        section: DraftedPart,
        how: Rewrite,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftResult, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        let source = match how {
            Rewrite::Again => None,
            Rewrite::FromFindings if section == DraftedPart::Findings => return Err(WorkflowError::NothingToRewrite),
            Rewrite::FromFindings => Some(SectionKind::Findings),
            Rewrite::Shorter | Rewrite::MoreDetail => Some(kind_of(section)),
        };
        let text = source.map(|source| stated(&report, source)).unwrap_or_default();
        if source.is_some() && text.is_empty() {
            return Err(if how == Rewrite::FromFindings {
                WorkflowError::NoFindings
            } else {
                WorkflowError::NothingToRewrite
            });
        }
        let last = store.proposals(report.study_uid()).await?.into_iter().find(|p| p.begun.report.as_ref() == Some(id));
        let (confirmed, prior) = last.map(|last| indication_and_prior(&last.begun)).unwrap_or_default();
        // It may have been unlinked since, or found to be of another patient.
        let linked = self.priors_in(&store, report.study_uid()).await?;
        let prior = prior.filter(|prior| linked.iter().any(|one| one.instance_uid == *prior));
        let prompt = DraftPrompt::Section {
            section,
            how,
            indication: confirmed.filter(|confirmed| still_confirmed(confirmed, indication(&report).as_deref())),
            text,
            rules: AnswerRules { comparison: prior.is_some(), measured: measured_in(&store, &report).await? },
        };
        self.generate(&store, &report, prompt, prior, events, cancel).await
    }

    /// Asks the model, keeps what it said as a proposal, and proposes it.
    async fn generate(
        &self,
        store: &Store,
        report: &Report,
        prompt: DraftPrompt,
        prior: Option<String>,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftResult, WorkflowError> {
        let drafter = self.drafter().ok_or(WorkflowError::NoDrafter)?;
        may_be_drafted(report)?;
        let study = store.study(report.study_uid()).await?;
        let current = image_for_models(&study)?.uid.clone();
        let instances: Vec<String> = prior.into_iter().chain([current]).collect();
        let side = match drafter.side(events, cancel).await {
            Err(fault) if is_cancel(&fault) => {
                return Ok(DraftResult { report: None, outcome: DraftOutcome::default() });
            }
            other => other?,
        };
        let (images, image_hashes) = match self.model_inputs(store, &instances, side, cancel).await {
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
                report: Some(report.id().clone()),
                pack_id: pack.id.clone(),
                pack_hash: PackHash::new(&pack.hash),
                demo: pack.demo,
                prompt: serde_json::to_string(&prompt).unwrap_or_default(),
                image_hashes: image_hashes.clone(),
                settings: json!({
                    "decoding": "greedy", "max_tokens": MAX_TOKENS, "side": side, "instances": instances,
                }),
                started_at: self.now(),
            })
            .await?;
        let only = match &prompt {
            DraftPrompt::Section { section, .. } => Some(kind_of(*section)),
            _ => None,
        };
        let job = DraftJob { side, images, prompt, max_tokens: MAX_TOKENS, encoded: Vec::new() };
        let inputs: Vec<_> =
            instances.iter().map(String::as_str).zip(image_hashes.iter().map(String::as_str)).collect();
        match ask_knowing(store, drafter.as_ref(), job, &inputs, events, cancel).await {
            Ok(outcome) => self.finish(store, drafter.as_ref(), report.id(), &proposal, only, outcome).await,
            Err(fault) if is_cancel(&fault) => {
                let outcome = DraftOutcome { finish: "cancelled".into(), ..DraftOutcome::default() };
                self.finish(store, drafter.as_ref(), report.id(), &proposal, only, outcome).await
            }
            Err(fault) => {
                self.record(
                    store,
                    &proposal,
                    &DraftOutcome::default(),
                    ProposalStatus::Failed,
                    Some(fault.code.clone()),
                )
                .await?;
                Err(fault.into())
            }
        }
    }

    /// Grey bytes of each instance as the model is given it, and their SHA-256 in hex.
    pub(crate) async fn model_inputs(
        &self,
        store: &Store,
        instances: &[String],
        side: u32,
        cancel: &Cancel,
    ) -> Result<(Vec<Vec<u8>>, Vec<String>), WorkflowError> {
        let (mut images, mut hashes) = (Vec::new(), Vec::new());
        for uid in instances {
            let (gray, hash) = self.model_input(store, &store.instance(uid).await?, side, cancel).await?;
            images.push(gray);
            hashes.push(hash);
        }
        Ok((images, hashes))
    }

    async fn finish(
        &self,
        store: &Store,
        drafter: &dyn Drafter,
        id: &ReportId,
        proposal: &ProposalId,
        only: Option<SectionKind>,
        outcome: DraftOutcome,
    ) -> Result<DraftResult, WorkflowError> {
        if outcome.finish == "cancelled" {
            self.record(store, proposal, &outcome, ProposalStatus::Cancelled, None).await?;
            return Ok(DraftResult { report: None, outcome });
        }
        let mut sections = proposed(&outcome.sections, proposal);
        // One section was asked for, so nothing of another is replaced, whatever was said.
        sections.retain(|(section, _)| only.is_none_or(|only| *section == only));
        if sections.is_empty() {
            self.record(store, proposal, &outcome, ProposalStatus::Failed, Some("draft.empty".into())).await?;
            return Err(WorkflowError::EmptyDraft);
        }
        self.record(store, proposal, &outcome, ProposalStatus::Complete, None).await?;
        let pack = drafter.pack();
        let urgent = in_front::by_words(sections.iter().flat_map(|(_, sentences)| sentences).map(|s| s.text.as_str()));
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
        if let Some(urgent) = urgent {
            store.set_front(report.study_uid(), &urgent).await?;
        }
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
                "circumstances": outcome.circumstances,
            }),
            error_code,
        };
        Ok(store.finish_proposal(proposal, &finished).await?)
    }
}

/// Asks the model. An image that this pack has encoded before is not encoded again, also after a restart. `inputs`:
/// instance and SHA-256 of each image of the job.
pub(crate) async fn ask_knowing(
    store: &Store,
    drafter: &dyn Drafter,
    mut job: DraftJob,
    inputs: &[(&str, &str)],
    events: &mpsc::UnboundedSender<DraftEvent>,
    cancel: &Cancel,
) -> Result<DraftOutcome, Fault> {
    let pack = PackHash::new(&drafter.pack().hash);
    job.encoded = encoded_before(store, &pack, inputs).await;
    let answer = drafter.draft(job, events, cancel).await;
    let encoded = answer.as_ref().map(|outcome| outcome.encoded.as_slice()).unwrap_or_default();
    keep_encoded(store, &pack, inputs, encoded).await;
    answer
}

/// [`ask_knowing`] for several prompts about the same images.
pub(crate) async fn ask_together_knowing(
    store: &Store,
    drafter: &dyn Drafter,
    mut job: JointJob,
    inputs: &[(&str, &str)],
    answers: mpsc::UnboundedSender<(usize, DraftOutcome)>,
    cancel: &Cancel,
) -> Result<JointOutcome, Fault> {
    let pack = PackHash::new(&drafter.pack().hash);
    job.encoded = encoded_before(store, &pack, inputs).await;
    let answer = drafter.draft_together(job, answers, cancel).await;
    let encoded = answer.as_ref().map(|outcome| outcome.encoded.as_slice()).unwrap_or_default();
    keep_encoded(store, &pack, inputs, encoded).await;
    answer
}

/// One entry an image; what cannot be read is encoded again.
async fn encoded_before(store: &Store, pack: &PackHash, inputs: &[(&str, &str)]) -> Vec<Option<Vec<u8>>> {
    let mut encoded = Vec::new();
    for (uid, image) in inputs {
        encoded.push(store.encoded_image(uid, pack, image).await.unwrap_or_default());
    }
    encoded
}

/// Losing one costs time only.
async fn keep_encoded(store: &Store, pack: &PackHash, inputs: &[(&str, &str)], encoded: &[(u32, Vec<u8>)]) {
    for (index, bytes) in encoded {
        if let Some((uid, image)) = inputs.get(*index as usize) {
            let _ = store.set_encoded_image(uid, pack, image, bytes).await;
        }
    }
}

fn is_cancel(fault: &Fault) -> bool {
    fault.code == "worker.cancelled"
}

/// Only an open report's own text is drafted; an addendum is the person's alone.
fn may_be_drafted(report: &Report) -> Result<(), WorkflowError> {
    let has_findings =
        report.section(SectionKind::Findings).is_some() && report.section(SectionKind::Addendum).is_none();
    if report.status().is_open() && has_findings {
        Ok(())
    } else {
        Err(hilum_report::Refusal::NotOpen(report.status()).into())
    }
}

/// Stands between an indication and notes, in the wording of `prompts.json` of the drafting crate. A sentence holds no
/// line break, so that nothing typed as an indication reads as notes; the prompt has both in one line.
const NOTES: &str = "\n\nClinical notes: ";

/// What a person confirmed of the clinical side: the indication, the notes, or both.
fn clinical(indication: Option<String>, notes: &str) -> Option<String> {
    match notes.trim() {
        "" => indication,
        notes => Some(format!("{}{NOTES}{notes}", indication.unwrap_or_default())),
    }
}

/// Whether what an earlier draft was given may be given again: its indication has to read as it does `now`.
fn still_confirmed(given: &str, now: Option<&str>) -> bool {
    match given.split_once(NOTES) {
        Some(("", _)) => true,
        Some((indication, _)) => now == Some(indication),
        None => now == Some(given),
    }
}

/// Indication, with notes, and prior image of an earlier draft.
fn indication_and_prior(begun: &NewProposal) -> (Option<String>, Option<String>) {
    let indication = match serde_json::from_str(&begun.prompt) {
        Ok(
            DraftPrompt::Sections { indication, .. }
            | DraftPrompt::Section { indication, .. }
            | DraftPrompt::Report { indication },
        ) => indication,
        _ => None,
    };
    let instances = begun.settings["instances"].as_array();
    let prior = instances.filter(|all| all.len() == 2).and_then(|all| all[0].as_str()).map(str::to_owned);
    (indication, prior)
}

fn kind_of(part: DraftedPart) -> SectionKind {
    match part {
        DraftedPart::Findings => SectionKind::Findings,
        DraftedPart::Impression => SectionKind::Impression,
    }
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
