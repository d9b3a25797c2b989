//! The handlers run without a desktop: from first run to a signed document on disk, with
//! a host that is only a list of events.

#[allow(dead_code)]
mod common;

use async_trait::async_trait;
use hilum_app::commands::{audit, images, models, reports, session, settings, signing, studies};
use hilum_app::dto::{AppEvent, EditCommand, ReportView, SectionName, SentenceState, SignRequest};
use hilum_app::{App, Host, StartOptions};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

struct Fake {
    files: Vec<PathBuf>,
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

    async fn choose_folder(&self) -> Option<PathBuf> {
        None
    }

    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        Some(self.save.clone())
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
    let host = Arc::new(Fake { files: files.clone(), save: out.path().join("report"), events: Mutex::default() });
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host.clone()));

    assert!(session::app_status(&app).await.expect("a status").first_run);
    let weak = session::create_first_user(&app, "Dr A. Reader".into(), "short".into()).await;
    assert_eq!(weak.expect_err("weak").code, "vault.weak_passphrase");
    let first = session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    assert!(first.recovery_key.len() > 20);
    session::lock(&app).await.expect("locked");
    let locked = studies::worklist(&app, String::new()).await;
    assert_eq!(locked.expect_err("locked").code, "vault.locked");
    let wrong = session::unlock(&app, "Dr A. Reader".into(), "wrong passphrase".into()).await;
    assert_eq!(wrong.expect_err("wrong").code, "vault.locked");
    session::unlock(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("unlocked");

    studies::import_files(&app).await.expect("an import").expect("a job");
    let (imported, refused, uids) = host
        .wait("end of the import", 60, |e| match e {
            AppEvent::ImportDone { imported, refused, study_uids, .. } => Some((*imported, *refused, study_uids.clone())),
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
    reports::draft_start(&app, id.clone(), true).await.expect("a draft begins");
    let twice = reports::draft_start(&app, id.clone(), true).await;
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
    let lines = audit::audit(&app, 200, None).await.expect("lines");
    for action in ["vault.create", "instance.import", "study.read", "report.sign", "report.export"] {
        assert!(lines.iter().any(|l| l.action == action), "{action} is in the chain");
    }
    app.close().await;
}

/// The signer's certificate as the data folder keeps it.
fn certificate_of(folder: &std::path::Path) -> Vec<u8> {
    let certificates = hilum_store::certificates(folder).expect("the vault is readable");
    certificates.first().expect("a certificate").der.clone()
}
