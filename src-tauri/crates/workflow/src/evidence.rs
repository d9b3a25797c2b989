//! Evidence: what a report's sentences claim, set against the encoder's scores and against a
//! model's answers to questions. Nothing of it changes the report.

use async_recursion::async_recursion as boxed;
use crate::drafting::ask_together_knowing;
use crate::reading::image_for_models;
use crate::{Cancel, Drafter, WorkflowError, Workstation};
use hilum_report::claims::{Claim, Finding, label};
use hilum_report::evidence::{Answer, Support, Verdict, judge, question};
use hilum_report::{PackHash, Report, ReportId, SectionKind, Sentence, SentenceId};
use hilum_store::{AuditEvent, KeptClaim, KeptEvidence, Source, Store};
use hilum_workers::JointJob;
use hilum_workers::messages::draft::{DraftOutcome, DraftPrompt};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

/// A sentence and how each of its claims stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SentenceEvidence {
    pub sentence: SentenceId,
    pub claims: Vec<ClaimEvidence>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimEvidence {
    pub claim: Claim,
    pub verdict: Verdict,
    /// `None` where the image was not scored, or the encoder does not score the finding.
    pub score: Option<ScoreEvidence>,
    /// `None` where it was not asked.
    pub requery: Option<RequeryEvidence>,
}

/// The encoder's score for the claim's finding; never a probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreEvidence {
    pub support: Support,
    pub pack_id: String,
    pub instance_uid: String,
}

/// The answer of the model that drafts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequeryEvidence {
    pub question: String,
    pub answer: Answer,
    pub pack_id: String,
}

/// What became of the questions about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requeried {
    /// Questions that were answered now; those answered before are not asked again.
    pub asked: usize,
    /// True when it was cancelled before all were asked.
    pub cancelled: bool,
}

/// How many of the questions about a report are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequeryProgress {
    pub done: u32,
    pub total: u32,
}

/// Questions in one request; the engine decides how many of them it answers at a time.
const AT_ONCE: usize = 8;

/// Longest answer to a question, tokens; the published ones end with "Final Answer: yes".
const MAX_TOKENS: u32 = 256;

impl Workstation {
    /// Whether a model that drafts, and so answers, is installed.
    pub fn can_draft(&self) -> bool {
        self.drafter().is_some()
    }

    /// What the sentences of Findings, Impression and Addendum claim, in reading order, each set
    /// against what is known by now. Asks no model; sentences without a claim are left out.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn evidence(&self, id: &ReportId) -> Result<Vec<SentenceEvidence>, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        self.note_first(&store, "report.read", id.as_str()).await?;
        let known = self.known(&store, &report).await?;
        let covered = self.is_covered(&store, &report).await?;
        Ok(sentences(&report)
            // What is not to be read yet is not to be judged in sight either.
            .filter(|(id, _)| !covered || matches!(report.sentence(id), Some(Sentence::Written(_))))
            .map(|(sentence, text)| SentenceEvidence {
                sentence: sentence.clone(),
                claims: label(text).into_iter().map(|claim| known.of(claim, text)).collect(),
            })
            .filter(|evidence| !evidence.claims.is_empty())
            .collect())
    }

    /// Asks the model that drafts a yes/no question about every claim of the report that has one and was not
    /// asked before, one question a finding and side, and keeps each answer as it comes.
    ///
    /// # Errors
    /// `draft.no_model`, `draft.not_applicable`; the worker's own codes. What was answered before an
    /// error is kept.
    #[boxed]
    pub async fn requery(
        &self,
        id: &ReportId,
        progress: &mpsc::UnboundedSender<RequeryProgress>,
        cancel: &Cancel,
    ) -> Result<Requeried, WorkflowError> {
        let store = self.store()?;
        let drafter = self.drafter().ok_or(WorkflowError::NoDrafter)?;
        let report = store.report(id).await?;
        let study = store.study(report.study_uid()).await?;
        let instance = image_for_models(&study)?;
        let pack = drafter.pack().answers_key();
        let known: BTreeSet<String> = store.answers(&instance.uid, &pack).await?.into_iter().map(|(q, _)| q).collect();
        let open = questions(&report).into_iter().filter(|question| !known.contains(question));
        let open: Vec<String> = open.collect();
        let mut done = Requeried { asked: 0, cancelled: false };
        if !open.is_empty() {
            match self.ask_all(&store, drafter.as_ref(), &report, &open, progress, cancel, &mut done).await {
                Err(WorkflowError::Outside(fault)) if fault.code == "worker.cancelled" => done.cancelled = true,
                other => other?,
            }
        }
        // Answers that are known already belong to claims that are new.
        self.keep_evidence(&store, &report).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "report.requery", id.as_str())
            .with(json!({ "pack": drafter.pack().hash, "asked": done.asked, "cancelled": done.cancelled }));
        store.record_event(event).await?;
        Ok(done)
    }

    #[expect(clippy::too_many_arguments, reason = "one call site; each is a thing of its own")]
    async fn ask_all(
        &self,
        store: &Store,
        drafter: &dyn Drafter,
        report: &Report,
        questions: &[String],
        progress: &mpsc::UnboundedSender<RequeryProgress>,
        cancel: &Cancel,
        done: &mut Requeried,
    ) -> Result<(), WorkflowError> {
        let study = store.study(report.study_uid()).await?;
        let instance = image_for_models(&study)?;
        let tell = |done: usize| progress.send(RequeryProgress { done: done as u32, total: questions.len() as u32 });
        // Nobody listening is no reason to stop.
        let _ = tell(0);
        // Nobody is shown the loading here.
        let (events, _) = mpsc::unbounded_channel();
        let side = drafter.side(&events, cancel).await?;
        let (gray, hash) = self.model_input(store, instance, side, cancel).await?;
        // Some at a time, so that an answer that is long in coming holds up few of the others' keeping.
        for questions in questions.chunks(AT_ONCE) {
            let prompts = questions.iter().map(|question| DraftPrompt::YesNo { question: question.clone() }).collect();
            let job =
                JointJob { side, images: vec![gray.clone()], prompts, max_tokens: MAX_TOKENS, encoded: Vec::new() };
            let (answers, mut answered) = mpsc::unbounded_channel();
            let inputs = [(instance.uid.as_str(), hash.as_str())];
            let input = (instance.uid.as_str(), side, hash.as_str());
            let asking = ask_together_knowing(store, drafter, job, &inputs, answers, cancel);
            let keeping = async {
                while let Some((index, outcome)) = answered.recv().await {
                    let Some(question) = questions.get(index) else { continue };
                    if self.keep_answer(store, drafter, report, question, &outcome, input).await? {
                        done.asked += 1;
                        let _ = tell(done.asked);
                    }
                }
                Ok::<(), WorkflowError>(())
            };
            let (outcome, kept) = tokio::join!(asking, keeping);
            kept?;
            if outcome?.cancelled {
                done.cancelled = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Keeps the answer to a question with every claim that raised it; false where the model gave none. `input`: the
    /// instance, the side of its model input, and that one's SHA-256.
    async fn keep_answer(
        &self,
        store: &Store,
        drafter: &dyn Drafter,
        report: &Report,
        question: &str,
        outcome: &DraftOutcome,
        (instance_uid, side, image): (&str, u32, &str),
    ) -> Result<bool, WorkflowError> {
        let Some(said) = outcome.yes_no else { return Ok(false) };
        let answer = Answer {
            yes: said.answer,
            yes_logprob: f64::from(said.yes_logprob),
            no_logprob: f64::from(said.no_logprob),
        };
        let evidence = KeptEvidence {
            instance_uid: instance_uid.to_owned(),
            pack_id: drafter.pack().id.clone(),
            pack_hash: drafter.pack().answers_key(),
            source: Source::Requery { question: question.to_owned(), answer },
            detail: detail(outcome, side, image),
            at: self.now(),
        };
        let about = claims(report).filter(|(_, _, claim)| self::question(claim).as_deref() == Some(question));
        let kept: Vec<_> = about
            .map(|(sentence, text, claim)| (self.kept(report, sentence, text, claim), vec![evidence.clone()]))
            .collect();
        store.keep_claims(&kept).await?;
        Ok(true)
    }

    /// Keeps every claim of a report with what is known of it, so that it can be looked up years later.
    pub(crate) async fn keep_evidence(&self, store: &Store, report: &Report) -> Result<(), WorkflowError> {
        let known = self.known(store, report).await?;
        let kept: Vec<_> = claims(report)
            .map(|(sentence, text, claim)| {
                let evidence = known.kept(&claim, self.now());
                (self.kept(report, sentence, text, claim), evidence)
            })
            .collect();
        Ok(store.keep_claims(&kept).await?)
    }

    fn kept(&self, report: &Report, sentence: &SentenceId, text: &str, claim: Claim) -> KeptClaim {
        KeptClaim {
            report: report.id().clone(),
            sentence: sentence.clone(),
            text: text.to_owned(),
            claim,
            at: self.now(),
        }
    }

    /// Scores and answers that are kept of the report's image.
    async fn known(&self, store: &Store, report: &Report) -> Result<Known, WorkflowError> {
        let study = store.study(report.study_uid()).await?;
        // Where no model applies nothing is known, and every claim stays unchecked.
        let Ok(instance) = image_for_models(&study) else { return Ok(Known::default()) };
        let mut known = Known { instance_uid: instance.uid.clone(), ..Known::default() };
        if let Some(scorer) = self.scorer() {
            let pack = scorer.pack();
            known.scorer = Some((pack.id.clone(), pack.key()));
            for score in store.scores(&instance.uid, &pack.key()).await? {
                if let Some(finding) = Finding::of_key(&score.finding) {
                    known.scores.insert(finding, Support { difference: score.difference, softmax: score.softmax });
                }
            }
        }
        if let Some(drafter) = self.drafter() {
            let pack = drafter.pack();
            known.drafter = Some((pack.id.clone(), pack.answers_key()));
            known.answers = store.answers(&instance.uid, &pack.answers_key()).await?.into_iter().collect();
        }
        Ok(known)
    }
}

/// What is kept of one image, by the packs that are in use now.
#[derive(Default)]
struct Known {
    instance_uid: String,
    /// Id of the pack, and the key of its numbers.
    scorer: Option<(String, PackHash)>,
    scores: BTreeMap<Finding, Support>,
    drafter: Option<(String, PackHash)>,
    /// By question.
    answers: BTreeMap<String, Answer>,
}

impl Known {
    /// How a claim of `text` stands.
    fn of(&self, claim: Claim, text: &str) -> ClaimEvidence {
        let support = self.scores.get(&claim.finding).copied();
        let asked = question(&claim).and_then(|q| self.answers.get(&q).map(|a| (q, *a)));
        let verdict = judge(&claim, text, support, asked.as_ref().map(|(_, answer)| *answer));
        let pack_id = |pack: &Option<(String, PackHash)>| pack.as_ref().map(|(id, _)| id.clone()).unwrap_or_default();
        ClaimEvidence {
            verdict,
            score: support.map(|support| ScoreEvidence {
                support,
                pack_id: pack_id(&self.scorer),
                instance_uid: self.instance_uid.clone(),
            }),
            requery: asked.map(|(question, answer)| RequeryEvidence {
                question,
                answer,
                pack_id: pack_id(&self.drafter),
            }),
            claim,
        }
    }

    fn kept(&self, claim: &Claim, at: time::OffsetDateTime) -> Vec<KeptEvidence> {
        let row = |(pack_id, pack_hash): &(String, PackHash), source: Source| KeptEvidence {
            instance_uid: self.instance_uid.clone(),
            pack_id: pack_id.clone(),
            pack_hash: pack_hash.clone(),
            source,
            detail: json!({}),
            at,
        };
        let score = self.scores.get(&claim.finding).zip(self.scorer.as_ref());
        let score = score.map(|(support, pack)| row(pack, Source::Encoder(*support)));
        let answer = question(claim).and_then(|q| Some((self.answers.get(&q)?, self.drafter.as_ref()?, q)));
        let answer = answer.map(|(answer, pack, question)| row(pack, Source::Requery { question, answer: *answer }));
        score.into_iter().chain(answer).collect()
    }
}

/// Everything besides pack and question that an answer depends on.
fn detail(outcome: &DraftOutcome, side: u32, image: &str) -> Value {
    json!({
        "rendered_prompt": outcome.prompt,
        "prompt_token_ids": outcome.prompt_token_ids,
        "token_ids": outcome.token_ids,
        "text": outcome.text,
        "finish": outcome.finish,
        "side": side,
        "image_sha256": image,
        "max_tokens": MAX_TOKENS,
        "circumstances": outcome.circumstances,
    })
}

/// The sentences that claim something of the image.
fn sentences(report: &Report) -> impl Iterator<Item = (&SentenceId, &str)> {
    let speaks =
        |kind: SectionKind| matches!(kind, SectionKind::Findings | SectionKind::Impression | SectionKind::Addendum);
    report
        .sections()
        .iter()
        .filter(move |section| speaks(section.kind))
        .flat_map(|section| &section.sentences)
        .map(|sentence| (sentence.id(), sentence.text()))
}

fn claims(report: &Report) -> impl Iterator<Item = (&SentenceId, &str, Claim)> {
    sentences(report).flat_map(|(id, text)| {
        label(text).into_iter().map(move |mut claim| {
            // Its place is not kept: the text is.
            claim.span = 0..0;
            (id, text, claim)
        })
    })
}

/// The distinct questions that a report's claims raise, in reading order.
fn questions(report: &Report) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for question in claims(report).filter_map(|(_, _, claim)| question(&claim)) {
        if !found.contains(&question) {
            found.push(question);
        }
    }
    found
}
