//! The handlers run without a desktop: from first run to a signed document on disk, with
//! a host that is only a list of events.

#[path = "handlers/allowed.rs"]
mod allowed;
#[path = "handlers/backups.rs"]
mod backups;
#[path = "handlers/figures.rs"]
mod figures;
#[path = "handlers/first_run.rs"]
mod first_run;
#[path = "handlers/overview.rs"]
mod overview;
#[path = "handlers/packs.rs"]
mod packs;
#[path = "handlers/page.rs"]
mod page;
#[path = "handlers/prior.rs"]
mod prior;
#[path = "handlers/signing_key.rs"]
mod signing_key_of_ones_own;
#[allow(dead_code)]
mod common;

use async_trait::async_trait;
use hilum_app::commands::{audit, evidence, images, models, reports, session, settings, signing, studies};
use hilum_app::dto::{
    AppEvent, ClaimPresence, DraftMode, DraftOptions, EditCommand, ReportView, SectionHow, SectionName, SectionToDraft,
    SentenceState, SignRequest,
};
use hilum_app::{App, Host, StartOptions};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Fake {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
    save: PathBuf,
    events: Mutex<Vec<AppEvent>>,
}

#[async_trait]
impl Host for Fake {
    fn emit(&self, event: AppEvent) {
        self.events.lock().expect("events").push(event);
    }

    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        Some(self.files.clone())
    }

    async fn choose_folder(&self, _title: &str) -> Option<PathBuf> {
        self.folder.clone()
    }

    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        Some(self.save.clone())
    }

    async fn allows(&self, _question: &str, _words: &str) -> bool {
        true
    }
}

impl Fake {
    /// Waits for an event that `pick` wants.
    async fn wait<T>(&self, what: &str, seconds: u64, pick: impl Fn(&AppEvent) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = self.events.lock().expect("events").iter().find_map(&pick) {
                return found;
            }
            assert!(Instant::now() < until, "no {what} within {seconds} s: {:?}", self.events.lock().expect("events"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the end of an import; the studies that came.
    async fn imported(&self) -> Vec<String> {
        self.wait("end of the import", 60, |e| match e {
            AppEvent::ImportDone { study_uids, .. } => Some(study_uids.clone()),
            _ => None,
        })
        .await
    }
}

fn proposed(report: &ReportView) -> Vec<String> {
    let sentences = report.sections.iter().flat_map(|s| &s.sentences);
    sentences.filter(|s| s.state == SentenceState::Proposed).map(|s| s.id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_first_run_to_a_signed_document() {
    common::use_demo_packs();
    let data = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let not_dicom = out.path().join("letter.dcm");
    std::fs::write(&not_dicom, b"%PDF-1.7 not an image").expect("a file");
    let mut files = common::radiographs();
    files.push(not_dicom);
    let host = Arc::new(Fake {
        files: files.clone(),
        folder: None,
        save: out.path().join("report"),
        events: Mutex::default(),
    });
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host.clone()));

    assert!(session::app_status(&app).await.expect("a status").first_run);
    let weak = session::create_first_user(&app, "Dr A. Reader".into(), "short".into()).await;
    assert_eq!(weak.err().expect("weak").code, "vault.weak_passphrase");
    let first = session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    assert!(first.recovery_key.len() > 20);
    session::lock(&app).await.expect("locked");
    let locked = studies::worklist(&app, String::new()).await;
    assert_eq!(locked.expect_err("locked").code, "vault.locked");
    let wrong = session::unlock(&app, "Dr A. Reader".into(), "wrong passphrase".into()).await;
    assert_eq!(wrong.expect_err("wrong").code, "vault.locked");
    session::unlock(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("unlocked");
    renewed_recovery_key(&app, &first.recovery_key).await;

    studies::import_files(&app).await.expect("an import").expect("a job");
    let (imported, refused, uids) = host
        .wait("end of the import", 60, |e| match e {
            AppEvent::ImportDone { imported, refused, study_uids, .. } => {
                Some((*imported, *refused, study_uids.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!((imported as usize, refused), (files.len() - 1, 1));
    let rows = studies::worklist(&app, String::new()).await.expect("a worklist");
    assert_eq!(rows.len(), uids.len());
    assert!(rows.iter().all(|r| r.status == "new"));

    let packs = models::models(&app).await.expect("models");
    assert!(packs.iter().any(|p| p.kind == "medgemma" && p.demo && p.in_use), "{packs:?}");
    let settings_now = settings::settings(&app).await.expect("settings");
    settings::set_settings(&app, settings_now).await.expect("settings kept");

    for uid in &uids {
        let study = studies::open_study(&app, uid.clone()).await.expect("a study");
        let image = study.images.first().expect("an image").instance_uid.clone();
        let pixels = images::image_pixels(&app, image.clone()).await.expect("pixels");
        assert!(pixels.len() > 2 * 500 * 500);
        assert!(images::thumbnail(&app, image).await.expect("a thumbnail").starts_with(b"\x89PNG"));
        let scores = host
            .wait("support", 120, |e| match e {
                AppEvent::SupportReady { study_uid, support, .. } if study_uid == uid => Some(support.len()),
                AppEvent::SupportFailed { study_uid, code, .. } if study_uid == uid => panic!("scoring: {code}"),
                _ => None,
            })
            .await;
        assert_eq!(scores, 13);
    }

    let uid = uids.first().expect("a study").clone();
    let report = reports::report_view(&app, uid.clone()).await.expect("a report");
    let id = report.id.clone();
    let typed = EditCommand::Insert {
        section: SectionName::Indication,
        after: None,
        id: "typed-1".into(),
        text: "Cough.".into(),
        region: None,
        from: None,
    };
    let report = reports::report_edit(&app, id.clone(), report.revision, vec![typed]).await.expect("an edit");
    assert!(report.saved_at.is_some());
    let report = claims_are_set_against_the_models(&app, &host, report).await;
    assert!(report.needs.iter().any(|need| need.code == "sign.empty_section"));
    let options = |use_prior| DraftOptions { indication_confirmed: true, notes: String::new(), mode: DraftMode::Structured, use_prior };
    reports::draft_start(&app, id.clone(), options(false)).await.expect("a draft begins");
    let twice = reports::draft_start(&app, id.clone(), options(false)).await;
    assert_eq!(twice.expect_err("running").code, "draft.running");
    let report = host
        .wait("the draft", 180, |e| match e {
            AppEvent::DraftDone { report, .. } => Some(report.clone()),
            AppEvent::DraftFailed { code, detail, .. } => panic!("{code}: {detail}"),
            _ => None,
        })
        .await;
    let sentences = proposed(&report);
    assert!(!sentences.is_empty());
    let streamed = host.events.lock().expect("events").iter().any(|e| matches!(e, AppEvent::DraftText { .. }));
    assert!(streamed, "the text streamed in before it was done");

    sentences_say_where_they_come_from(&app, &report).await;
    what_packs_run_on_is_known(&app).await;
    let request = |report: &ReportView, passphrase: &str, confirmed: bool| SignRequest {
        report_id: report.id.clone(),
        revision: report.revision,
        passphrase: passphrase.into(),
        patient_confirmed: confirmed,
        accession_confirmed: true,
    };
    let early = signing::sign(&app, request(&report, "long enough", true)).await;
    assert_eq!(early.expect_err("unreviewed").code, "sign.unreviewed");

    let mut commands: Vec<EditCommand> = sentences.iter().map(|s| EditCommand::Accept { id: s.clone() }).collect();
    commands[0] = EditCommand::Edit { id: sentences[0].clone(), text: "The first sentence, in my words.".into() };
    for (section, name) in [(SectionName::Findings, "f"), (SectionName::Impression, "i")] {
        commands.push(EditCommand::Insert {
            section,
            after: None,
            id: format!("typed-{name}"),
            text: "As written by a person.".into(),
            region: None,
            from: None,
        });
    }
    let stale = reports::report_edit(&app, id.clone(), report.revision - 1.0, vec![]).await;
    assert_eq!(stale.expect_err("stale").code, "store.stale_revision");
    let report = reports::report_edit(&app, id.clone(), report.revision, commands).await.expect("a review");
    assert!(report.needs.is_empty(), "{:?}", report.needs);
    let words = [("said", "Large left pleural effusion."), ("denied", "There is no pleural effusion.")];
    let contradict = words.map(|(name, text)| EditCommand::Insert {
        section: SectionName::Findings,
        after: None,
        id: name.into(),
        text: text.into(),
        region: None,
        from: None,
    });
    let flagged = reports::report_edit(&app, id.clone(), report.revision, contradict.into()).await.expect("an edit");
    let both = |f: &hilum_app::dto::ReportFlag| words.iter().all(|(name, _)| f.sentence_ids.iter().any(|s| s == name));
    assert!(flagged.flags.iter().any(|f| f.code == "check.contradiction" && both(f)), "{:?}", flagged.flags);
    let remove = words.map(|(name, _)| EditCommand::Remove { id: name.into() });
    let report = reports::report_edit(&app, id.clone(), flagged.revision, remove.into()).await.expect("an edit");
    assert!(!report.flags.iter().any(both), "{:?}", report.flags);
    let report = one_section_is_written_again(&app, &host, report).await;
    let unconfirmed = signing::sign(&app, request(&report, "long enough", false)).await;
    assert_eq!(unconfirmed.expect_err("unconfirmed").code, "sign.not_confirmed");
    let wrong = signing::sign(&app, request(&report, "not my passphrase", true)).await;
    assert_eq!(wrong.expect_err("wrong").code, "vault.locked");

    let began = Instant::now();
    let signed = signing::sign(&app, request(&report, "long enough", true)).await.expect("a signature");
    println!("signed in {:.2} s", began.elapsed().as_secs_f64());
    let again = signing::sign(&app, request(&signed.report, "long enough", true)).await;
    assert_eq!(again.expect_err("final").code, "sign.not_open");
    let saved = signing::save_pdf(&app, signed.version_id.clone()).await.expect("saved").expect("a path");
    let on_disk = std::fs::read(&saved).expect("the document");
    assert_eq!(on_disk, signing::signed_pdf(&app, signed.version_id.clone()).await.expect("the document"));
    assert!(saved.ends_with("report.pdf"));

    let folder = certificate_of(&data.path().join("data"));
    let certificate = out.path().join("signer.der");
    std::fs::write(&certificate, &folder).expect("a certificate");
    assert_ne!(common::pyhanko_accepts(std::path::Path::new(&saved), &certificate), Some(false));
    let checked = hilum_export::verify::verify(&on_disk, &[folder]);
    assert!(checked.is_ok(), "{checked:?}");

    let chain = audit::audit_verify(&app).await.expect("a chain");
    assert!(chain.ok, "{chain:?}");
    let lines = audit::audit(&app, 200, None, Default::default()).await.expect("lines");
    for action in ["vault.create", "instance.import", "study.read", "report.sign", "report.export"] {
        assert!(lines.iter().any(|l| l.action == action), "{action} is in the chain");
    }
    app.close().await;
}

/// Sentences have claims with the encoder's numbers, and after the questions with the answers. Gives
/// back the report without them.
async fn claims_are_set_against_the_models(app: &Arc<App>, host: &Fake, report: ReportView) -> ReportView {
    let id = report.id.clone();
    let texts = ["Small left pleural effusion.", "No pneumothorax.", "Possible pneumonia.", "No acute abnormality."];
    let insert = texts.iter().enumerate().map(|(n, text)| EditCommand::Insert {
        section: SectionName::Findings,
        after: None,
        id: format!("claims-{n}"),
        text: (*text).to_owned(),
        region: None,
        from: None,
    });
    let report = reports::report_edit(app, id.clone(), report.revision, insert.collect()).await.expect("an edit");
    let known = evidence::evidence(app, id.clone()).await.expect("evidence");
    assert_eq!(known.len(), texts.len(), "{known:?}");
    let claims: Vec<_> = known.iter().flat_map(|e| &e.claims).collect();
    assert!(claims.iter().all(|c| c.requery.is_none() && !c.reason.is_empty()));
    let scored = |c: &hilum_app::dto::ClaimView| {
        c.support.as_ref().is_some_and(|s| !s.pack_id.is_empty() && s.difference != 0.0)
    };
    assert!(claims.iter().all(|c| scored(c) == (c.finding != "no_finding")), "{claims:?}");

    evidence::evidence_requery(app, id.clone()).await.expect("questions begin");
    host.wait("the answers", 180, |e| match e {
        AppEvent::EvidenceReady { report_id } if *report_id == id => Some(()),
        AppEvent::EvidenceFailed { code, detail, .. } => panic!("{code}: {detail}"),
        _ => None,
    })
    .await;
    let asked = evidence::evidence(app, id.clone()).await.expect("evidence");
    for claim in asked.iter().flat_map(|e| &e.claims) {
        let may_be_asked = claim.finding != "no_finding" && claim.presence != ClaimPresence::Uncertain;
        assert_eq!(claim.requery.is_some(), may_be_asked, "{claim:?}");
        let Some(answer) = &claim.requery else { continue };
        assert!(answer.question.starts_with("Is there "), "{claim:?}");
        assert!(answer.yes_logprob <= 0.0 && answer.no_logprob <= 0.0, "{claim:?}");
    }
    let unknown = evidence::evidence(app, "no-such-report".into()).await;
    assert_eq!(unknown.expect_err("unknown").code, "store.not_found");
    let remove = (0..texts.len()).map(|n| EditCommand::Remove { id: format!("claims-{n}") }).collect();
    reports::report_edit(app, id, report.revision, remove).await.expect("an edit")
}

/// A new recovery key is given for the passphrase alone, and the one before opens nothing.
async fn renewed_recovery_key(app: &App, before: &str) {
    let wrong = session::recovery_renew(app, "not my passphrase".into()).await;
    assert_eq!(wrong.expect_err("wrong").code, "vault.locked");
    let renewed = session::recovery_renew(app, "long enough".into()).await.expect("a new key");
    assert_ne!(renewed, before);
    session::lock(app).await.expect("locked");
    let locked = session::recovery_renew(app, "long enough".into()).await;
    assert_eq!(locked.expect_err("locked").code, "vault.locked");
    let (name, passphrase) = ("Dr A. Reader", "long enough");
    let old = session::unlock_with_recovery(app, before.into(), name.into(), passphrase.into()).await;
    assert_eq!(old.expect_err("the key before opens nothing any more").code, "vault.wrong_recovery_key");
    session::unlock_with_recovery(app, renewed, name.into(), passphrase.into()).await.expect("unlocked");
    let lines = audit::audit(app, 20, None, Default::default()).await.expect("lines");
    assert!(lines.iter().any(|l| l.action == "vault.renew_recovery"));
}

async fn first_user(app: &App) -> String {
    session::app_status(app).await.expect("a status").users.remove(0).id
}

/// The signer's certificate as the data folder keeps it.
fn certificate_of(folder: &std::path::Path) -> Vec<u8> {
    let certificates = hilum_store::certificates(folder).expect("the vault is readable");
    certificates.last().expect("a certificate").der.clone()
}

/// Every proposed sentence names a generation that is kept with all that repeats it.
async fn sentences_say_where_they_come_from(app: &App, report: &ReportView) {
    let sentences = report.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.state == SentenceState::Proposed);
    let ids: std::collections::BTreeSet<_> = sentences.map(|s| s.proposal_id.clone().expect("a proposal")).collect();
    assert_eq!(ids.len(), 1);
    let id = ids.first().expect("one").clone();
    let view = reports::proposal_view(app, id.clone()).await.expect("a proposal");
    assert_eq!((view.mode.as_str(), view.status.as_str()), ("sections", "complete"));
    assert!(view.rendered_prompt.contains("Cough. findings:"), "the confirmed indication: {}", view.rendered_prompt);
    assert!(view.raw_text.starts_with("FINDINGS:\n"), "{}", view.raw_text);
    let settings: serde_json::Value = serde_json::from_str(&view.settings).expect("JSON");
    let circumstances = &settings["circumstances"];
    assert_eq!(circumstances["images_sha256"], settings["image_hashes"]);
    assert!(circumstances["grammar_sha256"].as_str().is_some_and(|hash| hash.len() == 64));
    assert!(circumstances["threads"].as_u64().is_some_and(|n| n > 0) && circumstances["build"].is_string());

    let workstation = app.workstation().await.expect("unlocked");
    let proposal = hilum_report::ProposalId::new(id);
    let again = workstation.repeat_proposal(&proposal, &hilum_workflow::Cancel::new()).await.expect("repeated");
    assert!(again.same_tokens && again.same_logprobs && again.different.is_empty(), "{again:?}");
}

/// After a draft and a score the app itself has measured both demonstration packs.
async fn what_packs_run_on_is_known(app: &App) {
    let packs = models::models(app).await.expect("models");
    for kind in ["medgemma", "medsiglip"] {
        let pack = packs.iter().find(|p| p.kind == kind && p.demo && p.in_use).expect("a demonstration");
        assert!(pack.device.starts_with("CPU, "), "{kind}: {}", pack.device);
        assert!(pack.load_seconds.is_some_and(|seconds| seconds > 0.0), "{kind}");
        assert_eq!(pack.memory_bytes.is_some_and(|bytes| bytes > 1e6), cfg!(target_os = "linux"), "{kind}");
        assert_eq!(pack.tokens_per_second.is_some_and(|speed| speed > 0.0), kind == "medgemma", "{kind}");
        assert_eq!(pack.image_seconds.is_some_and(|seconds| seconds > 0.0), kind == "medsiglip", "{kind}");
    }
}

/// A section that is written again leaves what a person stands for as it is. Gives back the
/// report with the new proposals dropped.
async fn one_section_is_written_again(app: &Arc<App>, host: &Fake, report: ReportView) -> ReportView {
    let written = |report: &ReportView| -> Vec<(SectionName, String)> {
        let sentences = report.sections.iter().flat_map(|s| s.sentences.iter().map(move |one| (s.name, one)));
        sentences.filter(|(_, s)| s.state != SentenceState::Proposed).map(|(n, s)| (n, s.text.clone())).collect()
    };
    let before = written(&report);
    host.events.lock().expect("events").clear();
    reports::draft_section(app, report.id.clone(), SectionToDraft::Impression, SectionHow::FromFindings)
        .await
        .expect("a section begins");
    let after = host
        .wait("the section", 180, |e| match e {
            AppEvent::DraftDone { report, .. } => Some(report.clone()),
            AppEvent::DraftFailed { code, detail, .. } => panic!("{code}: {detail}"),
            _ => None,
        })
        .await;
    assert_eq!(written(&after), before, "a person's text stays");
    for section in &after.sections {
        let proposals = section.sentences.iter().filter(|s| s.state == SentenceState::Proposed).count();
        assert_eq!(proposals > 0, section.name == SectionName::Impression, "{:?}", section.name);
    }
    let id = after.sections.iter().flat_map(|s| &s.sentences).find(|s| s.state == SentenceState::Proposed);
    let view =
        reports::proposal_view(app, id.and_then(|s| s.proposal_id.clone()).expect("an id")).await.expect("a proposal");
    assert!(view.rendered_prompt.contains("As written by a person."), "the findings as a person left them");
    assert!(view.rendered_prompt.contains("\n\nWrite the impression."), "{}", view.rendered_prompt);
    let drop = proposed(&after).into_iter().map(|id| EditCommand::Drop { id }).collect();
    reports::report_edit(app, after.id.clone(), after.revision, drop).await.expect("dropped")
}
