//! The handlers run without a desktop: from first run to a signed document on disk, with
//! a host that is only a list of events.

#[path = "handlers/backups.rs"]
mod backups;
#[path = "handlers/overview.rs"]
mod overview;
#[allow(dead_code)]
mod common;

use async_trait::async_trait;
use hilum_app::commands::{
    audit, evidence, images, models, printing, reading, reports, session, settings, signing,
    signing_key, studies,
};
use hilum_app::dto::{
    Annotation, AnnotationKind, AppEvent, ClaimPresence, DraftMode, DraftOptions, EditCommand, FigureChoice,
    ReportView, SectionHow, SectionName, SectionToDraft, SentenceState, SignRequest,
};
use hilum_app::{App, Host, StartOptions};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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

/// Signs with a key and certificate that somebody else issued, and says what a person agreed to.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_ones_own_is_signed_with() {
    let (data, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let openssl = |words: &str| {
        let run = std::process::Command::new("openssl").args(words.split(' ')).current_dir(out.path()).output();
        run.is_ok_and(|run| run.status.success())
    };
    let made = openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=Reader -days 30")
        && openssl("pkcs12 -export -inkey key.pem -in cert.pem -out own.p12 -passout pass:geheim");
    if !made {
        println!("skipped: openssl, which makes the key file, is not there");
        return;
    }
    let host = Arc::new(Fake {
        files: vec![out.path().join("own.p12")],
        folder: None,
        save: out.path().join("certificate"),
        events: Mutex::default(),
    });
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host));
    let locked = signing_key::signing_key(&app).await;
    assert_eq!(locked.expect_err("nobody is there").code, "vault.locked");
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    let first = signing_key::signing_key(&app).await.expect("a key");
    assert_eq!((first.name.as_str(), first.self_issued), ("Dr A. Reader", true));

    for (password, passphrase, code) in
        [("wrong", "long enough", "pkcs12.wrong_password"), ("geheim", "not my passphrase", "vault.locked")]
    {
        let refused = signing_key::signing_key_import(&app, password.into(), passphrase.into()).await;
        assert_eq!(refused.expect_err(code).code, code);
        assert_eq!(signing_key::signing_key(&app).await.expect("a key"), first, "{code}");
    }
    let own = signing_key::signing_key_import(&app, "geheim".into(), "long enough".into()).await;
    let own = own.expect("taken").expect("chosen");
    assert_eq!(own.name, "Reader");
    assert_eq!(signing_key::signing_key(&app).await.expect("a key"), own);
    let saved = signing_key::signing_certificate_save(&app).await.expect("saved").expect("a place");
    assert!(saved.ends_with("certificate.der"), "{saved}");
    assert_eq!(std::fs::read(saved).expect("a file"), certificate_of(&data.path().join("data")));

    signing_key::accept_intended_use(&app).await.expect("recorded");
    let lines = audit::audit(&app, 20, None, Default::default()).await.expect("lines");
    for (action, object) in [("terms.accept", "intended-use"), ("user.identity", first_user(&app).await.as_str())] {
        assert!(lines.iter().any(|l| l.action == action && l.object == object), "{action}: {lines:?}");
    }
}

async fn first_user(app: &App) -> String {
    session::app_status(app).await.expect("a status").users.remove(0).id
}

/// The signer's certificate as the data folder keeps it.
fn certificate_of(folder: &std::path::Path) -> Vec<u8> {
    let certificates = hilum_store::certificates(folder).expect("the vault is readable");
    certificates.last().expect("a certificate").der.clone()
}

/// A model is chosen, refused, cancelled, added, used and removed without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_added_while_the_window_is_open() {
    common::use_demo_packs();
    let root = tempfile::tempdir().expect("a folder");
    let download = root.path().join("MedSigLIP tiny");
    hilum_testkit::siglip::TinySiglip::references()[0].1.write(&download).expect("a model");
    let fake =
        Fake { files: vec![], folder: Some(download.clone()), save: root.path().into(), events: Mutex::default() };
    let host = Arc::new(fake);
    let data = root.path().join("data");
    let app = Arc::new(App::new(StartOptions { data: data.clone(), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");

    let ended = |job: String| {
        let host = host.clone();
        async move {
            host.wait("end of the addition", 120, |e| match e {
                AppEvent::PackAdded { job: of, id } if *of == job => Some(Ok(id.clone())),
                AppEvent::PackFailed { job: of, code, .. } if *of == job => Some(Err(code.clone())),
                _ => None,
            })
            .await
        }
    };
    let in_use = async || {
        let packs = models::models(&app).await.expect("models");
        packs.into_iter().find(|p| p.kind == "medsiglip" && p.in_use).map(|p| p.id)
    };
    assert_eq!(in_use().await.as_deref(), Some("medsiglip-demo"));

    // A pickle beside the weights: said at once, and there is nothing to add.
    std::fs::write(download.join("pytorch_model.bin"), "x").expect("a file");
    let refused = models::pack_choose(&app).await.expect("a choice").expect("a candidate");
    assert_eq!(refused.problem.expect("a problem").code, "pack.pickle_refused");
    let unknown = models::pack_add(&app, refused.token, "none".into(), true).await;
    assert_eq!(unknown.expect_err("unknown").code, "pack.not_chosen");
    std::fs::remove_file(download.join("pytorch_model.bin")).expect("removed");

    let found = models::pack_choose(&app).await.expect("a choice").expect("a candidate");
    assert_eq!((found.kind.as_str(), found.problem.is_none(), found.demo), ("medsiglip", true, false));
    assert!(found.terms.contains("Health AI Developer Foundations") && found.quantize == ["none"]);
    assert!(!found.token.contains("tiny"), "the window is given no path");
    let add =
        async |accepted| models::pack_add(&app, found.token.clone(), "none".into(), accepted).await.expect("a job");
    assert_eq!(ended(add(false).await).await, Err("pack.terms".into()));

    // A card of zeros that the disk need not hold gives time to cancel.
    let card = std::fs::File::create(download.join("README.md")).expect("a file");
    card.set_len(4 << 30).expect("a length");
    let job = add(true).await;
    host.wait("the copy", 60, |e| match e {
        AppEvent::PackProgress { job: of, fraction: Some(_), .. } if *of == job => Some(()),
        _ => None,
    })
    .await;
    models::pack_add_cancel(&app, job.clone()).await.expect("cancelled");
    assert_eq!(ended(job).await, Err("pack.cancelled".into()));
    let left: Vec<_> =
        std::fs::read_dir(data.join("packs")).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, [".lock"], "nothing half-added is left");
    assert_eq!(in_use().await.as_deref(), Some("medsiglip-demo"));

    std::fs::write(download.join("README.md"), "a card").expect("a file");
    let id = ended(add(true).await).await.expect("added");
    assert_eq!((id.as_str(), in_use().await.as_deref()), ("medsiglip-tiny", Some("medsiglip-tiny")));
    let packs = models::models(&app).await.expect("models");
    assert!(packs.iter().any(|p| p.id == id && p.terms_accepted_at.is_some() && p.card.as_deref() == Some("a card")));
    let engines = models::engines(&app).await.expect("engines");
    assert!(engines.iter().any(|e| e.role == "encode" && !e.demo));

    let kept = models::pack_remove(&app, "medsiglip-demo".into()).await;
    assert_eq!(kept.expect_err("built in").code, "pack.read_only");
    models::pack_remove(&app, id.clone()).await.expect("removed");
    assert_eq!(in_use().await.as_deref(), Some("medsiglip-demo"));
    let lines = audit::audit(&app, 50, None, Default::default()).await.expect("lines");
    for action in ["pack.add", "pack.remove"] {
        assert!(lines.iter().any(|l| l.action == action && l.object == id), "{action} is in the chain");
    }
    session::lock(&app).await.expect("locked");
    assert_eq!(models::pack_remove(&app, id).await.expect_err("locked").code, "vault.locked");
    app.close().await;
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

/// Two studies of one patient a year apart, whose images differ: the older goes to the model first, both are on
/// record, and the draft of both is another one than that of the newer alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_prior_is_drafted_with() {
    use hilum_testkit::dicom::{DicomFile, INSTANCE_UID, SERIES_UID, STUDY_DATE, STUDY_UID};
    common::use_demo_packs();
    let root = tempfile::tempdir().expect("a folder");
    // A bright patch at the foot of the left lung, on the newer image alone.
    let image = |name: &str, number: u32, date: &str, patch: bool| {
        let pixel = move |row: u32, column: u32| {
            let lung = (column as i64 - 90).abs().min((column as i64 - 230).abs()) < 55 && (50..270).contains(&row);
            let white = patch && column > 190 && row > 200;
            if white {
                3400
            } else if lung {
                700 + row as u16
            } else {
                2600 + (column % 90) as u16
            }
        };
        let uid = |kind: u32| format!("2.25.{kind}00{number}");
        let file = DicomFile::radiograph(320, 320, 12, pixel)
            .text(INSTANCE_UID, b"UI", &uid(3))
            .text(STUDY_UID, b"UI", &uid(1))
            .text(SERIES_UID, b"UI", &uid(2))
            .text(STUDY_DATE, b"DA", date);
        let path = root.path().join(name);
        std::fs::write(&path, file.write()).expect("a file");
        (path, uid(1), uid(3))
    };
    let (prior, prior_study, prior_image) = image("prior.dcm", 1, "20250210", false);
    let (current, study, current_image) = image("current.dcm", 2, "20260211", true);
    let files = vec![prior, current];
    let host = Arc::new(Fake { files, folder: None, save: root.path().into(), events: Mutex::default() });
    let app = Arc::new(App::new(StartOptions { data: root.path().join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    studies::import_files(&app).await.expect("an import").expect("a job");
    let imported = host.wait("end of the import", 60, |e| match e {
        AppEvent::ImportDone { imported, .. } => Some(*imported),
        _ => None,
    });
    assert_eq!(imported.await as usize, 2);

    let draft = async |study: &str, use_prior| {
        let report = reports::report_view(&app, study.to_owned()).await.expect("a report");
        host.events.lock().expect("events").clear();
        let options = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior };
        reports::draft_start(&app, report.id.clone(), options).await.expect("a draft begins");
        let ended = host.wait("the draft", 180, |e| match e {
            AppEvent::DraftDone { report, .. } => Some(Ok(report.clone())),
            AppEvent::DraftFailed { code, .. } => Some(Err(code.clone())),
            _ => None,
        });
        let report = ended.await?;
        let sentences = report.sections.iter().flat_map(|s| &s.sentences);
        let id = sentences.filter(|s| s.state == SentenceState::Proposed).find_map(|s| s.proposal_id.clone());
        let id = id.expect("a proposal");
        let view = reports::proposal_view(&app, id.clone()).await.expect("a proposal");
        let settings: serde_json::Value = serde_json::from_str(&view.settings).expect("JSON");
        Ok::<_, String>((hilum_report::ProposalId::new(id), view, settings))
    };
    let (_, alone, alone_settings) = draft(&study, false).await.expect("a draft");
    let (both, with, settings) = draft(&study, true).await.expect("a draft");
    assert_eq!(alone.rendered_prompt.matches("<start_of_image>").count(), 1);
    assert_eq!(with.rendered_prompt.matches("<start_of_image>").count(), 2, "{}", with.rendered_prompt);
    let hashes = |settings: &serde_json::Value| settings["image_hashes"].as_array().expect("hashes").clone();
    let (one, two) = (hashes(&alone_settings), hashes(&settings));
    assert_eq!(two.len(), 2);
    assert_ne!(two[0], two[1], "two different images");
    assert_eq!((&two[1], one.len()), (&one[0], 1), "the current image comes last");
    assert_eq!(settings["circumstances"]["images_sha256"], settings["image_hashes"]);
    assert_eq!(settings["asked"]["instances"], serde_json::json!([prior_image, current_image]));
    assert_ne!(settings["circumstances"]["grammar_sha256"], alone_settings["circumstances"]["grammar_sha256"]);
    // The second image is read by the model and not only recorded.
    let workstation = app.workstation().await.expect("unlocked");
    let tokens = workstation.proposal(&both).await.expect("kept").outcome.expect("finished");
    let prompt = tokens.timings["prompt_token_ids"].as_array().expect("tokens").len();
    let single = workstation.proposals(&study).await.expect("kept");
    let single = single.into_iter().find(|p| p.begun.id != both).and_then(|p| p.outcome).expect("finished");
    let single_prompt = single.timings["prompt_token_ids"].as_array().expect("tokens").len();
    assert!(prompt > single_prompt, "{prompt} {single_prompt}");
    assert_ne!(tokens.logprobs, single.logprobs);

    // Both images are found again when it is done once more.
    let again = workstation.repeat_proposal(&both, &hilum_workflow::Cancel::new()).await.expect("repeated");
    assert!(again.same_tokens && again.same_logprobs && again.different.is_empty(), "{again:?}");
    assert_eq!(draft(&prior_study, true).await.err().as_deref(), Some("draft.no_prior"), "the older one has none");
    app.close().await;
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

/// A report is printed with the images, measurements and logo that a person chose; a time-stamp server
/// that does not answer signs nothing, and the person may go on without.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_printed_and_stamped_as_a_person_chose() {
    common::use_demo_packs();
    let data = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let radiograph = common::radiographs().remove(0);
    std::fs::copy(&radiograph, out.path().join("image.dcm")).expect("a copy");
    let logo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("icons/128x128.png");
    let host = Arc::new(Fake {
        files: vec![logo],
        folder: Some(out.path().to_owned()),
        save: out.path().join("report"),
        events: Mutex::default(),
    });
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    studies::import_folder(&app).await.expect("an import").expect("a job");
    let uids = host
        .wait("end of the import", 60, |e| match e {
            AppEvent::ImportDone { study_uids, .. } => Some(study_uids.clone()),
            _ => None,
        })
        .await;
    let study = studies::open_study(&app, uids[0].clone()).await.expect("a study");
    let image = study.images[0].instance_uid.clone();
    let mut report = reports::report_view(&app, uids[0].clone()).await.expect("a report");
    let id = report.id.clone();
    for section in [SectionName::Exam, SectionName::Findings, SectionName::Impression] {
        let typed = EditCommand::Insert {
            section,
            after: None,
            id: format!("typed-{section:?}"),
            text: "The heart is enlarged.".into(),
            region: None,
            from: None,
        };
        report = reports::report_edit(&app, id.clone(), report.revision, vec![typed]).await.expect("an edit");
    }
    assert!(report.needs.is_empty(), "{:?}", report.needs);

    // A mark with a measurement, and one of an image that is not this study's.
    let mark = |id: &str, label: &str, measured: &[&str]| Annotation {
        id: id.into(),
        instance_uid: image.clone(),
        kind: AnnotationKind::Length,
        points: vec![[100.5, 100.5], [300.5, 220.5]],
        label: label.into(),
        measured: measured.iter().map(|m| (*m).to_owned()).collect(),
        spacing: Some("imager".into()),
    };
    reading::annotation_put(&app, mark("m1", "heart", &["148 mm"])).await.expect("a mark");
    let first = printing::figures(&app, id.clone()).await.expect("figures");
    assert_eq!((first.images.as_slice(), first.measurements.len()), (&[image.clone()][..], 0));
    let plain = signing::draft_preview_pdf(&app, id.clone()).await.expect("a preview");
    let choice = FigureChoice {
        images: vec![image.clone(), "1.2.3".into(), image.clone()],
        measurements: vec!["m1".into(), "nothing".into()],
    };
    let kept = printing::set_figures(&app, id.clone(), choice).await.expect("kept");
    assert_eq!(kept, FigureChoice { images: vec![image.clone()], measurements: vec!["m1".into()] });
    assert_eq!(printing::figures(&app, id.clone()).await.expect("figures"), kept);
    assert!(printing::logo(&app).await.expect("no logo").is_empty());
    assert!(printing::logo_choose(&app).await.expect("a logo"));
    assert_eq!(printing::logo(&app).await.expect("a logo").len(), 8 + 128 * 128 * 3);
    let chosen = signing::draft_preview_pdf(&app, id.clone()).await.expect("a preview");
    let has = |pdf: &[u8], words: &[u8]| pdf.windows(words.len()).any(|w| w == words);
    assert!(has(&chosen, b"/Logo") && !has(&plain, b"/Logo"));
    assert!(has(&chosen, b"/KeyImage1") && has(&plain, b"/KeyImage1"));
    let text = |pdf: &[u8]| {
        let path = out.path().join("preview.pdf");
        std::fs::write(&path, pdf).expect("written");
        let read =
            std::process::Command::new("pdftotext").args(["-layout", path.to_str().expect("a path"), "-"]).output();
        read.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if let (Some(chosen), Some(plain)) = (text(&chosen), text(&plain)) {
        assert!(
            chosen.contains("Measurements") && chosen.contains("Length: heart") && chosen.contains("148 mm"),
            "{chosen}"
        );
        assert!(chosen.contains("Imager Pixel Spacing"), "{chosen}");
        assert!(!plain.contains("Length: heart"), "{plain}");
    }

    let wrong = printing::set_time_stamp_url(&app, "https://tsa.example.org".into()).await;
    assert_eq!(wrong.expect_err("an address").code, "timestamp.address");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let set = printing::set_time_stamp_url(&app, format!("http://{free}/tsr")).await.expect("set");
    assert!(set.certificate.is_empty());
    let request = || SignRequest {
        report_id: id.clone(),
        revision: report.revision,
        passphrase: "long enough".into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let refused = signing::sign(&app, request()).await.expect_err("nobody there");
    assert_eq!(refused.code, "timestamp.unreachable");
    let now = reports::report_view(&app, uids[0].clone()).await.expect("a report");
    assert_eq!(now.revision, report.revision, "nothing was signed");
    let signed = signing::sign_without_time_stamp(&app, request()).await.expect("a signature");
    let pdf = signing::signed_pdf(&app, signed.version_id.clone()).await.expect("the document");
    let checked = hilum_export::verify::verify(&pdf, &[certificate_of(&data.path().join("data"))]);
    assert!(checked.is_ok() && checked.stamped_at.is_none(), "{checked:?}");
    let lines = audit::audit(&app, 200, None, Default::default()).await.expect("lines");
    for action in ["letterhead.logo", "report.figures", "report.sign"] {
        assert!(lines.iter().any(|l| l.action == action), "{action} is in the chain");
    }
    printing::logo_remove(&app).await.expect("removed");
    assert!(printing::logo(&app).await.expect("no logo").is_empty());
    app.close().await;
}
