//! Where a drafted sentence comes from, and whether it would come out again.

use async_recursion::async_recursion as boxed;
use crate::{Cancel, Fault, WorkflowError, Workstation};
use hilum_report::ProposalId;
use hilum_store::{AuditEvent, Proposal, ProposalStatus};
use hilum_workers::DraftJob;
use hilum_workers::messages::draft::{Circumstances, DraftPrompt};
use serde_json::json;
use tokio::sync::mpsc;

/// A proposal done once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    pub same_tokens: bool,
    /// Bit for bit.
    pub same_logprobs: bool,
    /// What is not as it was then, in words; with nothing here, tokens have to be the same.
    pub different: Vec<String>,
}

impl Workstation {
    /// One generation as recorded; audited, once a session.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn proposal(&self, id: &ProposalId) -> Result<Proposal, WorkflowError> {
        let store = self.store()?;
        let proposal = store.proposal(id).await?;
        self.note_first(&store, "proposal.read", id.as_str()).await?;
        Ok(proposal)
    }

    /// The generations about a study, the newest first; audited, once a session.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn proposals(&self, study_uid: &str) -> Result<Vec<Proposal>, WorkflowError> {
        let store = self.store()?;
        self.note_first(&store, "proposal.read", study_uid).await?;
        Ok(store.proposals(study_uid).await?)
    }

    /// Does a finished generation once more and compares; the report stays as it is.
    ///
    /// # Errors
    /// `draft.no_model`, `draft.not_repeatable`, `store.not_found`; the worker's own codes.
    #[boxed]
    pub async fn repeat_proposal(&self, id: &ProposalId, cancel: &Cancel) -> Result<Repeated, WorkflowError> {
        let store = self.store()?;
        let drafter = self.drafter().ok_or(WorkflowError::NoDrafter)?;
        let not_repeatable = || WorkflowError::NotRepeatable(id.to_string());
        let Proposal { begun, outcome } = store.proposal(id).await?;
        // What a person stopped ended at their word, which no repetition can hear.
        let then = outcome.filter(|then| then.status != ProposalStatus::Cancelled && !then.token_ids.is_empty());
        let then = then.ok_or_else(not_repeatable)?;
        let prompt: DraftPrompt = serde_json::from_str(&begun.prompt).map_err(|_| not_repeatable())?;
        let settings = &begun.settings;
        let instances: Vec<String> =
            serde_json::from_value(settings["instances"].clone()).map_err(|_| not_repeatable())?;
        let max_tokens =
            settings["max_tokens"].as_u64().and_then(|n| u32::try_from(n).ok()).ok_or_else(not_repeatable)?;

        let (events, _) = mpsc::unbounded_channel();
        let side = drafter.side(&events, cancel).await?;
        let (images, hashes) = self.model_inputs(&store, &instances, side, cancel).await?;
        let now = drafter.draft(DraftJob { side, encoded: vec![None; images.len()], images, prompt, max_tokens }, &events, cancel).await?;
        if now.finish == "cancelled" {
            return Err(Fault { code: "worker.cancelled".into(), detail: "The repetition was cancelled.".into() }.into());
        }

        let mut different = Vec::new();
        if drafter.pack().hash != begun.pack_hash.as_str() {
            different.push("the model pack".to_owned());
        }
        if hashes != begun.image_hashes {
            different.push("the image as the model is given it".to_owned());
        }
        let before: Circumstances = serde_json::from_value(then.timings["circumstances"].clone()).unwrap_or_default();
        different.extend(differences(&before, &now.circumstances).into_iter().map(str::to_owned));
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let repeated = Repeated {
            same_tokens: now.token_ids == then.token_ids,
            same_logprobs: bits(&now.logprobs) == bits(&then.logprobs),
            different,
        };
        let event = AuditEvent::new(self.now(), &store.user().id, "proposal.repeat", id.as_str())
            .with(json!({ "same_tokens": repeated.same_tokens, "different": repeated.different }));
        store.record_event(event).await?;
        Ok(repeated)
    }
}

/// In which of these two answers' circumstances are not the same, in words.
fn differences(then: &Circumstances, now: &Circumstances) -> Vec<&'static str> {
    [
        (then.build != now.build, "the program"),
        (then.engine != now.engine, "the engine or the device"),
        (then.grammar_sha256 != now.grammar_sha256, "the grammar"),
        (then.decoding != now.decoding || then.max_tokens != now.max_tokens, "the decoding"),
        (then.threads != now.threads, "the number of threads"),
        (then.cpu_features != now.cpu_features, "the processor"),
    ]
    .into_iter()
    .filter_map(|(differs, what)| differs.then_some(what))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named() {
        let then = Circumstances { threads: 2, build: "1".into(), ..Circumstances::default() };
        assert_eq!(differences(&then, &then), [""; 0]);
        let now = Circumstances { threads: 4, ..then.clone() };
        assert_eq!(differences(&then, &now), ["the number of threads"]);
        let now = Circumstances { build: "2".into(), cpu_features: vec!["avx2".into()], ..then.clone() };
        assert_eq!(differences(&then, &now), ["the program", "the processor"]);
    }
}
