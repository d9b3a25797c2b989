//! Drafting on a data folder whose decoder and drafter are stand-ins: a file is its own
//! header, and the drafter writes down what it was asked.

use crate::{
    Cancel, Decoder, DraftChoice, DraftMode, Drafter, Fault, Ids, ModelPack, Outside, Repeated, Requeried,
    RequeryProgress, SystemClock, Workstation,
};
use async_trait::async_trait;
use hilum_report::{Command, PackHash, ReportId, SectionKind, Sentence, SentenceId, TemplateId};
use hilum_store::{KeptClaim, KeptEvidence};
use hilum_workers::messages::decode::{DecodeWants, DecodedHeader};
use hilum_workers::messages::draft::{
    AnswerRules, Circumstances, DraftOutcome, DraftPrompt, DraftedPart, DraftedSection, DraftedSentence, Rewrite, YesNo,
};
use hilum_workers::{Decoded, DraftEvent, DraftJob, JointJob, JointOutcome};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

const SIDE: u32 = 4;

struct FileIsHeader;

#[async_trait]
impl Decoder for FileIsHeader {
    async fn decode(&self, file: Vec<u8>, wants: &DecodeWants, _: &Cancel) -> Result<Decoded, Fault> {
        let header: DecodedHeader = serde_json::from_slice(&file)
            .map_err(|e| Fault { code: "dicom.not_dicom".into(), detail: e.to_string() })?;
        // Each image is filled with the last digit of its study date.
        let shade = header.study_date.as_deref().and_then(|date| date.bytes().last()).unwrap_or_default();
        let gray = vec![shade; (SIDE * SIDE) as usize];
        let model_inputs = wants.model_inputs.iter().map(|side| (*side, gray.clone())).collect();
        Ok(Decoded { header, model_inputs, pixels: None, stored: None, thumbnail: None, display: None })
    }
}

/// Answers as `says` says and keeps every job.
struct Scribe {
    pack: ModelPack,
    jobs: Mutex<Vec<DraftJob>>,
    joint: Mutex<Vec<JointJob>>,
    says: Mutex<DraftOutcome>,
}

#[async_trait]
impl Drafter for Scribe {
    fn pack(&self) -> &ModelPack {
        &self.pack
    }

    async fn side(&self, _: &mpsc::UnboundedSender<DraftEvent>, _: &Cancel) -> Result<u32, Fault> {
        Ok(SIDE)
    }

    async fn draft(
        &self,
        job: DraftJob,
        _: &mpsc::UnboundedSender<DraftEvent>,
        _: &Cancel,
    ) -> Result<DraftOutcome, Fault> {
        self.jobs.lock().expect("jobs").push(job);
        Ok(self.says.lock().expect("an answer").clone())
    }

    async fn draft_together(
        &self,
        job: JointJob,
        answers: mpsc::UnboundedSender<(usize, DraftOutcome)>,
        _: &Cancel,
    ) -> Result<JointOutcome, Fault> {
        let answer = self.says.lock().expect("an answer").clone();
        for index in 0..job.prompts.len() {
            let _ = answers.send((index, answer.clone()));
        }
        self.joint.lock().expect("jobs").push(job);
        Ok(JointOutcome { cancelled: false, encoded: answer.encoded })
    }
}

struct Counted(AtomicUsize);

impl Ids for Counted {
    fn fresh(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

fn answer(findings: &str, impression: &str) -> DraftOutcome {
    let section = |name: &str, text: &str, region: Option<&str>| DraftedSection {
        section: name.into(),
        sentences: vec![DraftedSentence { text: text.into(), region: region.map(str::to_owned) }],
    };
    DraftOutcome {
        sections: vec![section("findings", findings, Some("Pleura")), section("impression", impression, None)],
        text: format!("{findings} {impression}"),
        token_ids: vec![1, 2, 3],
        logprobs: vec![-0.5, -0.25, -0.125],
        finish: "stop".into(),
        circumstances: Circumstances { build: "one".into(), threads: 2, ..Circumstances::default() },
        ..DraftOutcome::default()
    }
}

struct Room {
    _folder: tempfile::TempDir,
    workstation: Workstation,
    scribe: Arc<Scribe>,
}

impl Room {
    /// Studies of one patient by date and view, named by their date.
    async fn with(studies: &[(&str, &str)]) -> Room {
        let folder = tempfile::tempdir().expect("a folder");
        let pack = serde_json::json!({
            "id": "pack", "kind": "medgemma", "name": "A pack", "demo": false, "hash": "h", "bytes": 1, "dir": "/nowhere",
        });
        let scribe = Arc::new(Scribe {
            pack: serde_json::from_value(pack).expect("a pack"),
            jobs: Mutex::default(),
            joint: Mutex::default(),
            says: Mutex::new(answer("Small effusion.", "Effusion.")),
        });
        let outside = Outside {
            clock: Arc::new(SystemClock { offset: time::UtcOffset::UTC }),
            ids: Arc::new(Counted(AtomicUsize::new(0))),
            decoder: Arc::new(FileIsHeader),
            scorer: None,
            drafter: Some(scribe.clone()),
        };
        let workstation = Workstation::open(&folder.path().join("data"), outside).expect("a folder");
        workstation.create_first_user("Ada Byron", "correct horse").await.expect("a user");
        let paths: Vec<_> = studies.iter().map(|(date, view)| write(folder.path(), date, view)).collect();
        let (events, _) = mpsc::unbounded_channel();
        workstation.import(&paths, &events, &Cancel::new()).await.expect("an import");
        Room { _folder: folder, workstation, scribe }
    }

    async fn report(&self, date: &str) -> ReportId {
        let report = self.workstation.report_of(&study_uid(date), &TemplateId::new("")).await.expect("a report");
        report.report.id().clone()
    }

    async fn draft(&self, id: &ReportId, choice: DraftChoice) -> Result<(), String> {
        let (events, _) = mpsc::unbounded_channel();
        let done = self.workstation.draft(id, choice, &events, &Cancel::new()).await;
        done.map(|_| ()).map_err(|e| e.code())
    }

    async fn section(&self, id: &ReportId, part: DraftedPart, how: Rewrite) -> Result<(), String> {
        let (events, _) = mpsc::unbounded_channel();
        let done = self.workstation.draft_section(id, part, how, &events, &Cancel::new()).await;
        done.map(|_| ()).map_err(|e| e.code())
    }

    /// Asks the yes/no questions of a report; gives what became of them and the last progress that was told.
    async fn ask(&self, id: &ReportId) -> (Requeried, Option<RequeryProgress>) {
        let (progress, mut told) = mpsc::unbounded_channel();
        let done = self.workstation.requery(id, &progress, &Cancel::new()).await.expect("asked");
        drop(progress);
        let mut last = None;
        while let Some(progress) = told.recv().await {
            last = Some(progress);
        }
        (done, last)
    }

    async fn edit(&self, id: &ReportId, commands: Vec<Command>) {
        let revision = self.workstation.report(id).await.expect("a report").report.revision();
        self.workstation.edit(id, revision, commands).await.expect("an edit");
    }

    fn last_job(&self) -> DraftJob {
        self.scribe.jobs.lock().expect("jobs").last().expect("a job").clone()
    }
}

fn study_uid(date: &str) -> String {
    format!("1.2.{date}")
}

fn write(folder: &Path, date: &str, view: &str) -> std::path::PathBuf {
    let header = DecodedHeader {
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.1.1".into(),
        sop_instance_uid: format!("{}.1.1", study_uid(date)),
        study_uid: study_uid(date),
        series_uid: format!("{}.1", study_uid(date)),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        patient_name: Some("Secret^Name".into()),
        patient_id: Some("ID".into()),
        study_date: Some(date.into()),
        modality: Some("DX".into()),
        body_part: Some("CHEST".into()),
        view_position: Some(view.into()),
        rows: Some(2000),
        columns: Some(2000),
        samples_per_pixel: 1,
        ..DecodedHeader::default()
    };
    let path = folder.join(format!("{date}.dcm"));
    std::fs::write(&path, serde_json::to_vec(&header).expect("JSON")).expect("a file");
    path
}

fn insert(section: SectionKind, id: &str, text: &str) -> Command {
    let (id, text) = (SentenceId::new(id), text.to_owned());
    Command::Insert { section, after: None, id, text, region: None, from: None }
}

#[tokio::test]
async fn a_linked_prior_goes_first() {
    let studies = [("20260105", "PA"), ("20250104", "PA"), ("20240103", "AP"), ("20251202", "LL"), ("20260201", "PA")];
    let room = Room::with(&studies).await;
    let priors = room.workstation.priors(&study_uid("20260105")).await.expect("priors");
    let dates: Vec<_> = priors.iter().map(|p| (p.date.as_str(), p.view.as_str())).collect();
    assert_eq!(dates, [("2025-01-04", "PA"), ("2024-01-03", "AP")], "older, frontal, newest first");

    let id = room.report("20260105").await;
    let plain = DraftChoice::default();
    assert_eq!(room.draft(&id, plain.clone()).await, Ok(()));
    let job = room.last_job();
    assert_eq!(job.images, [vec![b'5'; 16]]);
    assert!(matches!(job.prompt, DraftPrompt::Sections { rules: AnswerRules { comparison: false, .. }, .. }));

    assert_eq!(room.draft(&id, DraftChoice { use_prior: true, ..plain.clone() }).await, Ok(()));
    let job = room.last_job();
    assert_eq!(job.images, [vec![b'4'; 16], vec![b'5'; 16]], "prior, then current");
    assert!(matches!(job.prompt, DraftPrompt::Sections { rules: AnswerRules { comparison: true, .. }, .. }));
    // A section that is written again keeps the link.
    assert_eq!(room.section(&id, DraftedPart::Findings, Rewrite::Again).await, Ok(()));
    assert_eq!(room.last_job().images.len(), 2);
    // One that is no longer linked is neither sent nor compared with.
    let (current, prior) = (study_uid("20260105"), study_uid("20250104"));
    room.workstation.set_comparison(&current, &prior, false).await.expect("unlinked");
    assert_eq!(room.section(&id, DraftedPart::Findings, Rewrite::Again).await, Ok(()));
    let job = room.last_job();
    assert_eq!(job.images, [vec![b'5'; 16]]);
    assert!(matches!(job.prompt, DraftPrompt::Section { rules: AnswerRules { comparison: false, .. }, .. }));
    room.workstation.set_comparison(&current, &prior, true).await.expect("linked");

    let oldest = room.report("20240103").await;
    assert_eq!(room.draft(&oldest, DraftChoice { use_prior: true, ..plain.clone() }).await, Err("draft.no_prior".into()));
    assert_eq!(room.draft(&id, DraftChoice { mode: DraftMode::Raw, ..plain.clone() }).await, Ok(()));
    assert!(matches!(room.last_job().prompt, DraftPrompt::Report { indication: None }));
}

#[tokio::test]
async fn what_a_draft_states_puts_its_study_in_front() {
    let room = Room::with(&[("20260105", "PA"), ("20270104", "PA")]).await;
    let id = room.report("20260105").await;
    let order = async || {
        let lines = room.workstation.worklist("", 0).await.expect("lines");
        lines.into_iter().map(|l| (l.study_uid, crate::front_words(&l.front).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(room.draft(&id, DraftChoice::default()).await, Ok(()));
    assert_eq!(order().await, [(study_uid("20270104"), String::new()), (study_uid("20260105"), String::new())]);
    *room.scribe.says.lock().expect("an answer") = answer("The endotracheal tube ends in the right main bronchus.", "Misplaced tube.");
    assert_eq!(room.draft(&id, DraftChoice::default()).await, Ok(()));
    assert_eq!(order().await[0], (study_uid("20260105"), "Misplaced tube".to_owned()));
}

#[tokio::test]
async fn an_image_is_encoded_once() {
    let room = Room::with(&[("20260105", "PA"), ("20250104", "PA")]).await;
    let id = room.report("20260105").await;
    room.scribe.says.lock().expect("an answer").encoded = vec![(0, vec![9, 9, 9, 9])];
    assert_eq!(room.draft(&id, DraftChoice::default()).await, Ok(()));
    assert_eq!(room.last_job().encoded, [None], "nobody knows it yet");
    room.scribe.says.lock().expect("an answer").encoded = vec![(0, vec![7])];
    assert_eq!(room.draft(&id, DraftChoice { use_prior: true, ..DraftChoice::default() }).await, Ok(()));
    assert_eq!(room.last_job().encoded, [None, Some(vec![9, 9, 9, 9])], "the prior is new, the current image is not");
    room.scribe.says.lock().expect("an answer").encoded.clear();
    assert_eq!(room.section(&id, DraftedPart::Findings, Rewrite::Again).await, Ok(()));
    assert_eq!(room.last_job().encoded, [Some(vec![7]), Some(vec![9, 9, 9, 9])]);
}

#[tokio::test]
async fn questions_go_together_with_what_is_known_of_the_image() {
    let room = Room::with(&[("20260105", "PA")]).await;
    let id = room.report("20260105").await;
    room.scribe.says.lock().expect("an answer").encoded = vec![(0, vec![9, 9, 9, 9])];
    assert_eq!(room.draft(&id, DraftChoice::default()).await, Ok(()));
    {
        let mut says = room.scribe.says.lock().expect("an answer");
        says.encoded.clear();
        says.yes_no = Some(YesNo { answer: Some(true), yes_logprob: -0.1, no_logprob: -3.0 });
    }
    room.edit(&id, vec![insert(SectionKind::Findings, "typed", "The heart is enlarged.")]).await;
    let (done, last) = room.ask(&id).await;
    let joint = room.scribe.joint.lock().expect("jobs").clone();
    assert_eq!(joint.len(), 1, "one request for all of them");
    let asked = joint[0].prompts.len();
    assert!(asked >= 2 && joint[0].prompts.iter().all(|prompt| matches!(prompt, DraftPrompt::YesNo { .. })));
    assert_eq!(joint[0].encoded, [Some(vec![9, 9, 9, 9])], "the draft has encoded it");
    assert_eq!(done, Requeried { asked, cancelled: false });
    assert_eq!(last, Some(RequeryProgress { done: asked as u32, total: asked as u32 }));
    let evidence = room.workstation.evidence(&id).await.expect("evidence");
    let answers = evidence.iter().flat_map(|sentence| &sentence.claims).filter(|claim| claim.requery.is_some());
    assert!(answers.count() >= asked);
    let again = room.ask(&id).await;
    assert_eq!(again, (Requeried { asked: 0, cancelled: false }, None), "what was answered is not asked again");
    assert_eq!(room.scribe.joint.lock().expect("jobs").len(), 1);
}

/// Answers that an earlier Hilum read out of the model's words by its own rule stand under the pack's hash alone.
#[tokio::test]
async fn answers_that_were_read_in_another_way_are_asked_again() {
    let room = Room::with(&[("20260105", "PA")]).await;
    let id = room.report("20260105").await;
    room.edit(&id, vec![insert(SectionKind::Findings, "typed", "The heart is enlarged.")]).await;
    room.scribe.says.lock().expect("an answer").yes_no =
        Some(YesNo { answer: Some(true), yes_logprob: -0.1, no_logprob: -3.0 });
    let (first, _) = room.ask(&id).await;
    assert_eq!(first.asked, 1);

    // What that Hilum would have kept of the same question in another report of the study's image.
    let old = Room::with(&[("20260105", "PA")]).await;
    let id = old.report("20260105").await;
    old.edit(&id, vec![insert(SectionKind::Findings, "typed", "The heart is enlarged.")]).await;
    let store = old.workstation.store().expect("unlocked");
    let kept = room.workstation.store().expect("unlocked").kept_claims(&room.report("20260105").await).await;
    let earlier = kept.expect("claims").into_iter().map(|(claim, evidence)| {
        let of_the_pack = evidence.into_iter().map(|one| KeptEvidence { pack_hash: PackHash::new("h"), ..one });
        (KeptClaim { report: id.clone(), ..claim }, of_the_pack.collect())
    });
    let earlier: Vec<(KeptClaim, Vec<KeptEvidence>)> = earlier.collect();
    assert!(earlier.iter().any(|(_, evidence)| !evidence.is_empty()));
    store.keep_claims(&earlier).await.expect("kept");

    let claims = old.workstation.evidence(&id).await.expect("evidence");
    assert!(claims.iter().flat_map(|sentence| &sentence.claims).all(|claim| claim.requery.is_none()));
    old.scribe.says.lock().expect("an answer").yes_no =
        Some(YesNo { answer: Some(false), yes_logprob: -3.0, no_logprob: -0.1 });
    assert_eq!(old.ask(&id).await.0.asked, 1, "asked again");
    let claims = old.workstation.evidence(&id).await.expect("evidence");
    let answers = claims.iter().flat_map(|sentence| &sentence.claims).filter_map(|claim| claim.requery.as_ref());
    let answers: Vec<Option<bool>> = answers.map(|requery| requery.answer.yes).collect();
    assert_eq!(answers, [Some(false)], "and the new answer counts");
}

#[tokio::test]
async fn a_section_is_rewritten_from_what_a_person_stands_for() {
    let room = Room::with(&[("20260105", "PA")]).await;
    let id = room.report("20260105").await;
    assert_eq!(
        room.section(&id, DraftedPart::Impression, Rewrite::FromFindings).await,
        Err("draft.no_findings".into())
    );
    assert_eq!(
        room.section(&id, DraftedPart::Impression, Rewrite::Shorter).await,
        Err("draft.nothing_to_rewrite".into())
    );

    room.edit(&id, vec![insert(SectionKind::Indication, "i", "Cough.")]).await;
    assert_eq!(room.draft(&id, DraftChoice { indication_confirmed: true, ..DraftChoice::default() }).await, Ok(()));
    // Nothing was accepted yet.
    assert_eq!(
        room.section(&id, DraftedPart::Impression, Rewrite::FromFindings).await,
        Err("draft.no_findings".into())
    );
    let typed = insert(SectionKind::Findings, "typed", "A nodule of 12 mm in the right upper lobe of the lung.");
    let report = room.workstation.report(&id).await.expect("a report").report;
    let finding = report.proposed().find(|(section, _)| *section == SectionKind::Findings).expect("one").1.id.clone();
    room.edit(&id, vec![typed, Command::Accept { id: finding }]).await;

    *room.scribe.says.lock().expect("an answer") = answer("Another finding.", "Another impression.");
    assert_eq!(room.section(&id, DraftedPart::Impression, Rewrite::FromFindings).await, Ok(()));
    let DraftPrompt::Section { section, how, indication, text, rules } = room.last_job().prompt else {
        panic!("{:?}", room.last_job().prompt)
    };
    assert_eq!((section, how, indication.as_deref()), (DraftedPart::Impression, Rewrite::FromFindings, Some("Cough.")));
    assert_eq!(
        text,
        "Lungs and airways: A nodule of 12 mm in the right upper lobe of the lung.\nPleura: Small effusion."
    );
    assert_eq!(rules, AnswerRules { comparison: false, measured: vec!["12 mm".to_owned()] });

    let report = room.workstation.report(&id).await.expect("a report").report;
    let texts = |kind| -> Vec<(String, bool)> {
        let sentences = &report.section(kind).expect("a section").sentences;
        sentences.iter().map(|s| (s.text().to_owned(), matches!(s, Sentence::Proposed(_)))).collect()
    };
    assert!(!texts(SectionKind::Findings).iter().any(|(_, proposed)| *proposed), "only the impression was asked for");
    let impression: Vec<_> = texts(SectionKind::Impression).into_iter().filter(|(_, proposed)| *proposed).collect();
    assert_eq!(impression, [("Another impression.".to_owned(), true)]);

    // An indication that was changed since it was confirmed is not sent.
    room.edit(&id, vec![Command::Edit { id: SentenceId::new("i"), text: "Fever.".into() }]).await;
    assert_eq!(room.section(&id, DraftedPart::Findings, Rewrite::Shorter).await, Ok(()));
    assert!(matches!(room.last_job().prompt, DraftPrompt::Section { indication: None, .. }));
}

#[tokio::test]
async fn notes_go_to_the_model_as_they_were_given() {
    let room = Room::with(&[("20260105", "PA")]).await;
    let id = room.report("20260105").await;
    room.edit(&id, vec![insert(SectionKind::Indication, "i", "Cough.")]).await;
    let given = |room: &Room| match room.last_job().prompt {
        DraftPrompt::Sections { indication, .. }
        | DraftPrompt::Section { indication, .. }
        | DraftPrompt::Report { indication } => indication,
        other => panic!("{other:?}"),
    };
    let check = async |indication_confirmed: bool, notes: &str, expected: Option<&str>| {
        for mode in [DraftMode::Structured, DraftMode::Raw] {
            let choice = DraftChoice { indication_confirmed, notes: notes.into(), mode, use_prior: false };
            assert_eq!(room.draft(&id, choice).await, Ok(()));
            assert_eq!(given(&room).as_deref(), expected, "{indication_confirmed} {notes:?} {mode:?}");
        }
        // A section that is written again is given the same.
        assert_eq!(room.section(&id, DraftedPart::Findings, Rewrite::Again).await, Ok(()));
        assert_eq!(given(&room).as_deref(), expected, "{indication_confirmed} {notes:?}, a section");
    };
    check(false, " \n", None).await;
    check(true, "", Some("Cough.")).await;
    // The wording is that of the prompts, which this crate does not link.
    let prompts = include_str!("../../drafting/src/prompts.json");
    let prompts: serde_json::Value = serde_json::from_str(prompts).expect("JSON");
    let wording = prompts["clinical_notes"]["text"].as_str().expect("a wording");
    assert_eq!(wording.replace("{notes}", "Smoker."), "\n\nClinical notes: Smoker.");
    check(false, " Smoker. ", Some("\n\nClinical notes: Smoker.")).await;
    check(true, "Smoker.", Some("Cough.\n\nClinical notes: Smoker.")).await;
    // Nothing of it stands in the report, and none of it is sent once the indication is another.
    let report = room.workstation.report(&id).await.expect("a report").report;
    assert!(!report.sections().iter().flat_map(|s| &s.sentences).any(|s| s.text().contains("Smoker")));
    room.edit(&id, vec![Command::Edit { id: SentenceId::new("i"), text: "Fever.".into() }]).await;
    assert_eq!(room.section(&id, DraftedPart::Findings, Rewrite::Again).await, Ok(()));
    assert_eq!(given(&room), None);
}

#[tokio::test]
async fn a_proposal_is_repeated_and_compared() {
    let room = Room::with(&[("20260105", "PA"), ("20250104", "PA")]).await;
    let id = room.report("20260105").await;
    assert_eq!(room.draft(&id, DraftChoice { use_prior: true, ..DraftChoice::default() }).await, Ok(()));
    let first = room.last_job();
    let report = room.workstation.report(&id).await.expect("a report").report;
    let proposal = report.proposed().next().expect("a proposal").1.proposal.clone();
    let repeat = async || room.workstation.repeat_proposal(&proposal, &Cancel::new()).await.expect("repeated");
    let same = Repeated { same_tokens: true, same_logprobs: true, different: Vec::new() };
    assert_eq!(repeat().await, same);
    assert_eq!(room.last_job(), first, "the same question about the same images");
    assert_eq!(room.workstation.report(&id).await.expect("a report").report, report, "the report stays");

    room.scribe.says.lock().expect("an answer").logprobs[2] = -0.125_000_1;
    assert_eq!(repeat().await, Repeated { same_logprobs: false, ..same.clone() });
    room.scribe.says.lock().expect("an answer").circumstances.threads = 4;
    room.scribe.says.lock().expect("an answer").token_ids = vec![1, 2, 9];
    let other = repeat().await;
    assert_eq!((other.same_tokens, other.different), (false, vec!["the number of threads".to_owned()]));

    // A repetition that was stopped compares nothing, and what was stopped then cannot be repeated.
    room.scribe.says.lock().expect("an answer").finish = "cancelled".into();
    let stopped = room.workstation.repeat_proposal(&proposal, &Cancel::new()).await;
    assert_eq!(stopped.expect_err("stopped").code(), "worker.cancelled");
    assert_eq!(room.draft(&id, DraftChoice::default()).await, Ok(()), "nothing came of it");
    let newest = room.workstation.proposals(&study_uid("20260105")).await.expect("proposals").remove(0).begun.id;
    assert_ne!(newest, proposal);
    let cut = room.workstation.repeat_proposal(&newest, &Cancel::new()).await;
    assert_eq!(cut.expect_err("cut short").code(), "draft.not_repeatable");
}
