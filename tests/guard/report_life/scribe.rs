//! Who drafts in most sequences: a scribe at the drafter's port, whose sentences are chosen at random, so that ten
//! thousand sequences take minutes and meet words that the demonstration pack never writes.

use crate::common::Random;
use crate::person::TEXTS;
use async_trait::async_trait;
use hilum_workers::messages::draft::{DraftOutcome, DraftedSection, DraftedSentence};
use hilum_workers::{DraftEvent, DraftJob, JointJob, JointOutcome};
use hilum_workflow::{Cancel, Drafter, Fault, MeasuredPack, ModelPack, Models, PackKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

struct Scribe {
    pack: ModelPack,
    random: Mutex<Random>,
}

/// Models for one sequence: a scribe, and nobody who scores.
pub fn models(number: u64) -> Models {
    // A pack of a department's own every other time: of its critical results somebody must be told.
    let pack = ModelPack {
        id: "scribe".into(),
        kind: PackKind::Medgemma,
        name: "Scribe".into(),
        demo: number % 2 == 0,
        hash: "0".repeat(64),
        bytes: 0,
        source: String::new(),
        terms: String::new(),
        notice: String::new(),
        quantization: String::new(),
        arithmetic: String::new(),
        terms_accepted_at: None,
        dir: Default::default(),
        card: None,
        measured: MeasuredPack::default(),
    };
    let random = Mutex::new(Random::new(0x5C81_BE00 ^ number));
    Models { scorer: None, drafter: Some(Arc::new(Scribe { pack, random })) }
}

#[async_trait]
impl Drafter for Scribe {
    fn pack(&self) -> &ModelPack {
        &self.pack
    }

    async fn side(&self, _: &mpsc::UnboundedSender<DraftEvent>, _: &Cancel) -> Result<u32, Fault> {
        Ok(32)
    }

    async fn draft(
        &self,
        _: DraftJob,
        events: &mpsc::UnboundedSender<DraftEvent>,
        cancel: &Cancel,
    ) -> Result<DraftOutcome, Fault> {
        let (pause, sections) = {
            let mut random = self.random.lock().expect("a scribe");
            let mut section = |name: &str| {
                let count = random.below(5);
                let sentences = (0..count).map(|_| DraftedSentence::free(random.pick(&TEXTS))).collect();
                DraftedSection { section: name.into(), sentences }
            };
            let sections = vec![section("findings"), section("impression")];
            (random.below(12) as u64, sections)
        };
        // Time in which the person goes on.
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let _ = events.send(DraftEvent::Text("Streaming.".into()));
        if cancel.is_cancelled() {
            return Err(Fault { code: "worker.cancelled".into(), detail: "Cancelled.".into() });
        }
        Ok(DraftOutcome { sections, finish: "stop".into(), ..DraftOutcome::default() })
    }

    /// Questions are no part of a report's life, and no sequence asks one.
    async fn draft_together(
        &self,
        _: JointJob,
        _: mpsc::UnboundedSender<(usize, DraftOutcome)>,
        _: &Cancel,
    ) -> Result<JointOutcome, Fault> {
        Err(Fault { code: "draft.no_model".into(), detail: "The scribe answers no questions.".into() })
    }
}
