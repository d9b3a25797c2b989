//! What a reader writes with, two people and one report, and a draft that stays covered: the handlers of
//! writing, without a desktop.

#[allow(dead_code)]
mod common;

use async_trait::async_trait;
use hilum_app::commands::{audit, evidence, images, reports, session, settings, signing, studies, templates, writing};
use hilum_app::dto::{
    AppEvent, DraftMode, DraftOptions, EditCommand, ExportAs, MacroView, MeansName, ReportStatus, ReportView,
    SectionName, SentenceState, SignRequest, SituationName, TextKind, VersionName,
};
use hilum_app::{App, Host, StartOptions};
use hilum_testkit::dicom::{
    ACCESSION_NUMBER, DicomFile, EXPLICIT_LE, INSTANCE_UID, PATIENT_BIRTH_DATE, PATIENT_ID, PATIENT_NAME, SERIES_UID,
    STUDY_DATE, STUDY_UID,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ATTENDING: &str = "Dr A. Attending";
const TRAINEE: &str = "Dr B. Trainee";
const PASSPHRASE: &str = "long enough";

/// A person who chooses this file to open and that one to save.
#[derive(Default)]
struct Fake {
    open: Mutex<Option<PathBuf>>,
    save: Mutex<Option<PathBuf>>,
    events: Mutex<Vec<AppEvent>>,
}

#[async_trait]
impl Host for Fake {
    fn emit(&self, event: AppEvent) {
        self.events.lock().expect("events").push(event);
    }
    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        self.open.lock().expect("a path").clone().map(|path| vec![path])
    }
    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        self.save.lock().expect("a path").clone()
    }
}

/// A data folder with an attending, who is logged in, a trainee, and one study a patient.
struct Desk {
    folder: TempDir,
    host: Arc<Fake>,
    app: Arc<App>,
}

impl Desk {
    async fn with(patients: &[&str]) -> Desk {
        common::use_demo_packs();
        let folder = tempfile::tempdir().expect("a folder");
        let host = Arc::new(Fake::default());
        let data = folder.path().join("data");
        let app = Arc::new(App::new(StartOptions { data, open: None }, host.clone()));
        session::create_first_user(&app, ATTENDING.into(), PASSPHRASE.into()).await.expect("a user");
        session::add_user(&app, TRAINEE.into(), PASSPHRASE.into(), true).await.expect("a second user");
        let desk = Desk { folder, host, app };
        let files = patients.iter().map(|who| desk.file(&format!("{who}.dcm"), &radiograph(who))).collect();
        let job = studies::import_dropped(&desk.app, files).await.expect("a job");
        desk.wait("end of the import", 60, |e| {
            matches!(e, AppEvent::ImportDone { job: done, imported, .. } if *done == job && *imported as usize == patients.len())
        })
        .await;
        desk
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    async fn wait(&self, what: &str, seconds: u64, is: impl Fn(&AppEvent) -> bool) -> AppEvent {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = self.host.events.lock().expect("events").iter().find(|e| is(e)) {
                return found.clone();
            }
            assert!(Instant::now() < until, "no {what} within {seconds} s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Locks, and another one logs in.
    async fn be(&self, who: &str) {
        session::lock(&self.app).await.expect("locked");
        session::unlock(&self.app, who.into(), PASSPHRASE.into()).await.expect("unlocked");
    }

    async fn report(&self, patient: &str) -> ReportView {
        reports::report_view(&self.app, uid(patient)).await.expect("a report")
    }

    async fn edit(&self, report: &ReportView, commands: Vec<EditCommand>) -> Result<ReportView, String> {
        reports::report_edit(&self.app, report.id.clone(), report.revision, commands).await.map_err(|e| e.code)
    }

    /// Actions of the audit chain on this object, the oldest first, but for edits and reading.
    async fn audited(&self, object: &str) -> Vec<String> {
        let mut lines = audit::audit(&self.app, 500, None, Default::default()).await.expect("lines");
        assert!(audit::audit_verify(&self.app).await.expect("a chain").ok);
        lines.reverse();
        let actions = lines.into_iter().filter(|l| l.object == object).map(|l| l.action);
        actions.filter(|a| !["report.edit", "report.draft", "report.read"].contains(&a.as_str())).collect()
    }
}

fn uid(who: &str) -> String {
    format!("2.25.{}.1", who.bytes().map(u64::from).fold(3, |sum, b| sum * 31 % 1_000_003 + b))
}

/// A PA radiograph of somebody born in 1966.
fn radiograph(who: &str) -> Vec<u8> {
    DicomFile::radiograph(96, 80, 12, |row, column| (row * 30 + column * 7) as u16)
        .text(0x0008_0060, b"CS", "DX")
        .text(0x0018_0015, b"CS", "CHEST")
        .text(0x0018_5101, b"CS", "PA")
        .text(PATIENT_ID, b"LO", who)
        .text(PATIENT_NAME, b"PN", &format!("{who}^TEST"))
        .text(PATIENT_BIRTH_DATE, b"DA", "19660101")
        .text(0x0010_1010, b"AS", "058Y")
        .text(ACCESSION_NUMBER, b"SH", &format!("ACC-{who}"))
        .text(STUDY_DATE, b"DA", "20240301")
        .text(STUDY_UID, b"UI", &uid(who))
        .text(SERIES_UID, b"UI", &format!("{}.1", uid(who)))
        .text(INSTANCE_UID, b"UI", &image(who))
        .write_as(EXPLICIT_LE)
}

fn image(who: &str) -> String {
    format!("{}.1.1", uid(who))
}

fn write(section: SectionName, id: &str, text: &str) -> EditCommand {
    EditCommand::Insert { section, after: None, id: id.into(), text: text.into(), region: None, from: None }
}

fn whole(prefix: &str) -> Vec<EditCommand> {
    [(SectionName::Findings, "f", "The lungs are clear."), (SectionName::Impression, "i", "No acute disease.")]
        .map(|(section, id, text)| write(section, &format!("{prefix}{id}"), text))
        .into()
}

fn request(report: &ReportView, passphrase: &str) -> SignRequest {
    SignRequest {
        report_id: report.id.clone(),
        revision: report.revision,
        passphrase: passphrase.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    }
}

fn words(report: &ReportView) -> String {
    let texts = report.sections.iter().flat_map(|s| &s.sentences).map(|s| s.text.as_str());
    texts.collect::<Vec<_>>().join(" ")
}

fn proposed(report: &ReportView) -> usize {
    let sentences = report.sections.iter().flat_map(|s| &s.sentences);
    sentences.filter(|s| s.state == SentenceState::Proposed).count()
}

fn code<T: std::fmt::Debug>(result: Result<T, hilum_app::dto::AppError>) -> String {
    result.expect_err("refused").code
}

#[tokio::test(flavor = "multi_thread")]
async fn macros_words_and_templates_are_a_readers_own() {
    let desk = Desk::with(&["OWN", "OTHER"]).await;
    let app = &desk.app;

    // Macros: kept, refused, changed, taken away, out and in again.
    let one = |name: &str, text: &str| MacroView { name: name.into(), sections: vec![], text: text.into() };
    let kept = writing::macro_put(app, one(".Nodule", "A ${1:number} mm nodule."), None).await.expect("kept");
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, "nodule"));
    for (name, text, refused) in
        [("two words", "x", "macro.name"), ("a", " ", "macro.empty"), ("a", "${side}", "macro.parameter")]
    {
        assert_eq!(code(writing::macro_put(app, one(name, text), None).await), refused, "{name}");
    }
    let file = desk.folder.path().join("macros");
    *desk.host.save.lock().expect("a path") = Some(file.clone());
    let saved = writing::macros_export(app).await.expect("saved").expect("a path");
    assert!(saved.ends_with("macros.json"));
    assert!(writing::macro_remove(app, kept[0].clone()).await.expect("removed").is_empty());
    *desk.host.open.lock().expect("a path") = Some(PathBuf::from(&saved));
    let back = writing::macros_import(app).await.expect("read").expect("chosen");
    assert_eq!(back[0].text, "A ${1:number} mm nodule.");
    *desk.host.open.lock().expect("a path") = Some(desk.file("no-macros.json", b"{}"));
    assert_eq!(code(writing::macros_import(app).await), "macro.not_macros");

    // Words: the lexicon, what the reader adds, and what an imported template says.
    writing::word_add(app, "Bochdalek".into()).await.expect("added");
    assert_eq!(code(writing::word_add(app, "two words".into()).await), "word.not_a_word");
    let page = "<!DOCTYPE html><html><head><title>Own words</title></head><body>\
        <section data-section-name='Technique'><p>A quuxogram of <input name='Patient Age' data-field-merge-flag='true'/>, \
        accession <input name='AccessionNumber' data-field-merge-flag='true'/>.</p></section>\
        <section data-section-name='Findings'><p>Nodule of <input type='number' data-field-units='mm'/>.</p></section></body></html>";
    *desk.host.open.lock().expect("a path") = Some(desk.file("own.html", page.as_bytes()));
    let template = templates::template_import(app).await.expect("read").expect("chosen");
    let spelling = writing::spelling(app).await.expect("words");
    assert_eq!(spelling.own, ["Bochdalek"]);
    for word in ["pneumothorax", "quuxogram"] {
        assert!(spelling.lexicon.iter().any(|w| w == word), "{word}");
    }
    writing::word_remove(app, "Bochdalek".into()).await.expect("removed");
    assert!(writing::spelling(app).await.expect("words").own.is_empty());

    // A template for PA images alone: a fresh report has it, its merge fields filled.
    writing::template_choose(app, SituationName::Frontal, Some(template.id.clone())).await.expect("chosen");
    assert_eq!(
        code(writing::template_choose(app, SituationName::Child, Some("none".into())).await),
        "report.no_template"
    );
    let report = desk.report("OWN").await;
    let filled = "A quuxogram of 58 Y, accession ACC-OWN. Nodule of [number] mm.";
    assert_eq!((report.template.as_str(), words(&report).as_str()), (template.id.as_str(), filled));
    // Changed and changed back, they are filled again, and what is replayed from disk is the same.
    let use_template = |id: &str| vec![EditCommand::UseTemplate { template: id.into() }];
    let plain = desk.edit(&report, use_template("cxr-normal")).await.expect("another template");
    assert!(words(&plain).contains("The lungs are clear."));
    let again = desk.edit(&plain, use_template(&template.id)).await.expect("the first one");
    assert_eq!(words(&again), filled);

    // Somebody else has none of it but the template, which is the folder's.
    desk.be(TRAINEE).await;
    assert_eq!(words(&desk.report("OWN").await), filled);
    assert!(writing::macros(app).await.expect("macros").is_empty());
    assert!(writing::template_choices(app).await.expect("choices").iter().all(|c| c.template.is_none()));
    assert_ne!(desk.report("OTHER").await.template, template.id);
    // Out as MRRT, and in again.
    *desk.host.save.lock().expect("a path") = Some(desk.folder.path().join("exported"));
    let exported = templates::template_export(app, template.id.clone()).await.expect("saved").expect("a path");
    *desk.host.open.lock().expect("a path") = Some(PathBuf::from(exported));
    assert_eq!(templates::template_import(app).await.expect("read").expect("chosen").id, template.id);
    *desk.host.open.lock().expect("a path") = Some(desk.file("bad.html", b"<html><title>x</title></html>"));
    assert_eq!(code(templates::template_import(app).await), "template.no_section");
    desk.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_and_one_report() {
    let desk = Desk::with(&["SHARED"]).await;
    let app = &desk.app;

    // A trainee writes and leaves in the middle; the attending reads, and takes over.
    desk.be(TRAINEE).await;
    let report = desk.report("SHARED").await;
    let id = report.id.clone();
    desk.edit(&report, vec![write(SectionName::Indication, "n", "Cough.")]).await.expect("an edit");
    desk.be(ATTENDING).await;
    let report = desk.report("SHARED").await;
    assert_eq!(report.held.as_ref().map(|held| held.name.as_str()), Some(TRAINEE));
    assert!(report.sections.iter().all(|s| !s.open), "read only meanwhile");
    assert_eq!(desk.edit(&report, whole("a")).await.expect_err("held"), "report.held");
    let report = reports::report_take_over(app, id.clone()).await.expect("taken over");
    assert!(report.held.is_none() && report.sections.iter().any(|s| s.open));
    desk.edit(&report, vec![EditCommand::Edit { id: "n".into(), text: "Cough and fever.".into() }])
        .await
        .expect("an edit");
    reports::report_release(app, id.clone()).await.expect("released");

    // The trainee finishes and signs as preliminary; a final signature is not theirs.
    desk.be(TRAINEE).await;
    let report = desk.report("SHARED").await;
    assert!(report.held.is_none());
    let early = signing::sign_preliminary(app, request(&report, PASSPHRASE)).await;
    assert_eq!(code(early), "sign.empty_section");
    let report = desk.edit(&report, whole("t")).await.expect("an edit");
    assert_eq!(code(signing::sign(app, request(&report, PASSPHRASE)).await), "sign.needs_attending");
    assert_eq!(code(signing::sign_preliminary(app, request(&report, "something else")).await), "vault.locked");
    let report = signing::sign_preliminary(app, request(&report, PASSPHRASE)).await.expect("a first signature");
    assert_eq!(
        (report.status, report.preliminary.as_ref().map(|p| p.by.as_str())),
        (ReportStatus::Preliminary, Some(TRAINEE))
    );

    // The attending need not wait for the trainee's hold, changes a word and co-signs.
    desk.be(ATTENDING).await;
    let report = desk.report("SHARED").await;
    assert!(report.held.is_none());
    let change = EditCommand::Edit { id: "ti".into(), text: "No acute cardiopulmonary disease.".into() };
    let report = desk.edit(&report, vec![change]).await.expect("an edit");
    let signed = signing::sign(app, request(&report, PASSPHRASE)).await.expect("a second signature");
    let version = &signed.report.versions[0];
    assert_eq!(version.meaning, "Attending: reviewed, approved and co-signed");
    assert_eq!(version.preliminary.as_ref().map(|p| p.by.as_str()), Some(TRAINEE));
    let pdf = signing::signed_pdf(app, signed.version_id.clone()).await.expect("the document");
    if let Some(text) = text_of(&desk.file("signed.pdf", &pdf)) {
        for said in
            [TRAINEE, "Prepared this report as preliminary, to be co-signed", "reviewed, approved and co-signed"]
        {
            assert!(text.contains(said), "{said}\n{text}");
        }
    }

    // An addendum that is given up leaves the report as it was signed; an amendment is signed in its turn.
    let reopen = |kind| vec![EditCommand::Reopen { kind }];
    let open = desk.edit(&signed.report, reopen(VersionName::Addendum)).await.expect("an addendum");
    let open = desk.edit(&open, vec![write(SectionName::Addendum, "x", "Not needed.")]).await.expect("an edit");
    assert_eq!(
        desk.edit(&open, vec![write(SectionName::Findings, "y", "No.")]).await.expect_err("closed"),
        "report.outside_addendum"
    );
    let closed = desk.edit(&open, vec![EditCommand::Cancel]).await.expect("given up");
    assert_eq!((closed.status, words(&closed).contains("Not needed.")), (ReportStatus::Final, false));
    let open = desk.edit(&closed, reopen(VersionName::Amendment)).await.expect("an amendment");
    let change = EditCommand::Edit { id: "tf".into(), text: "There is a left pneumothorax.".into() };
    let open = desk.edit(&open, vec![change]).await.expect("an edit");
    assert!(open.needs.iter().any(|need| need.code == "sign.untold"), "{:?}", open.needs);
    assert_eq!(code(signing::sign(app, request(&open, PASSPHRASE)).await), "sign.untold");
    let told = EditCommand::Communicate {
        finding: "Left pneumothorax".into(),
        to: "Dr C. Ward".into(),
        at: 1_709_290_000.0,
        how: MeansName::Telephone,
        read_back: true,
    };
    let open = desk.edit(&open, vec![told]).await.expect("told");
    let amended = signing::sign(app, request(&open, PASSPHRASE)).await.expect("signed");
    assert_eq!((amended.report.status, amended.report.becoming), (ReportStatus::Final, VersionName::Amendment));

    // Any two of these texts can be set beside each other.
    let texts = reports::report_texts(app, id.clone()).await.expect("texts");
    let kinds: Vec<TextKind> = texts.iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TextKind::SignedPreliminary, TextKind::Signed, TextKind::Amendment]);
    let by: Vec<&str> = texts.iter().map(|t| t.by.as_str()).collect();
    assert_eq!(by, [TRAINEE, ATTENDING, ATTENDING]);
    let impressions: Vec<&str> = texts
        .iter()
        .flat_map(|t| &t.sections)
        .filter(|s| s.name == SectionName::Impression)
        .flat_map(|s| &s.sentences)
        .map(|s| s.text.as_str())
        .collect();
    let last = "No acute cardiopulmonary disease.";
    assert_eq!(impressions, ["No acute disease.", last, last]);

    // Both versions go out in every form.
    for version in [&signed.version_id, &amended.version_id] {
        for form in [ExportAs::Pdf, ExportAs::Sr, ExportAs::Encapsulated, ExportAs::Fhir, ExportAs::Hl7] {
            *desk.host.save.lock().expect("a path") = Some(desk.folder.path().join("out"));
            let path = signing::export_report(app, version.clone(), form).await.expect("saved").expect("a path");
            assert!(std::fs::metadata(&path).expect("a file").len() > 100, "{path}");
            if form == ExportAs::Fhir {
                let bundle: serde_json::Value =
                    serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("JSON");
                let expected = if *version == signed.version_id { "final" } else { "amended" };
                assert_eq!(bundle["entry"][0]["resource"]["status"], expected);
            }
        }
    }

    // Every step of its life is in the chain.
    let actions = desk.audited(&id).await;
    assert_eq!(
        actions,
        [
            "report.create",
            "report.take_over",
            "report.status",
            "report.sign_preliminary",
            "report.sign",
            "report.status",
            "report.status",
            "report.status",
            "report.sign",
        ]
    );
    assert_eq!(desk.audited(&amended.version_id).await.iter().filter(|a| *a == "report.export").count(), 5);
    desk.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_report_makes_way_for_another() {
    let desk = Desk::with(&["GIVENUP"]).await;
    let report = desk.report("GIVENUP").await;
    let report = desk.edit(&report, whole("c")).await.expect("an edit");
    let report = desk.edit(&report, vec![EditCommand::MarkPreliminary]).await.expect("preliminary");
    assert_eq!(report.status, ReportStatus::Preliminary);
    let report = desk.edit(&report, vec![EditCommand::Cancel]).await.expect("cancelled");
    assert_eq!(report.status, ReportStatus::Cancelled);
    assert_eq!(desk.edit(&report, whole("d")).await.expect_err("closed"), "report.not_open");
    assert_eq!(code(signing::sign(&desk.app, request(&report, PASSPHRASE)).await), "sign.not_open");
    let fresh = desk.report("GIVENUP").await;
    assert_ne!(fresh.id, report.id);
    assert_eq!((fresh.status, words(&fresh).contains("The lungs are clear.")), (ReportStatus::Draft, false));
    // What it was stays to be read.
    let texts = reports::report_texts(&desk.app, report.id.clone()).await.expect("texts");
    let kinds: Vec<TextKind> = texts.iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TextKind::Preliminary, TextKind::Now]);
    assert_eq!(desk.audited(&report.id).await, ["report.create", "report.status", "report.status"]);
    desk.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_stays_covered_until_its_reader_has_looked() {
    let desk = Desk::with(&["COVERED"]).await;
    let app = &desk.app;
    let mut now = settings::settings(app).await.expect("settings");
    now.read_first = true;
    settings::set_settings(app, now).await.expect("kept");
    let report = desk.report("COVERED").await;
    let id = report.id.clone();
    let options = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior: false };
    reports::draft_start(app, id.clone(), options).await.expect("a draft begins");
    let done =
        desk.wait("the draft", 240, |e| matches!(e, AppEvent::DraftDone { .. } | AppEvent::DraftFailed { .. })).await;
    let AppEvent::DraftDone { report: drafted, .. } = done else { panic!("{done:?}") };

    // Neither on its way nor there is a word of it to be read, nor anything that speaks of it.
    let streamed = desk.host.events.lock().expect("events").iter().any(|e| matches!(e, AppEvent::DraftText { .. }));
    assert!(!streamed, "the text was not streamed");
    assert!(drafted.covered > 0 && proposed(&drafted) == 0, "{}", drafted.covered);
    let shown: Vec<&str> = drafted.sections.iter().flat_map(|s| &s.sentences).map(|s| s.id.as_str()).collect();
    for flag in &drafted.flags {
        assert!(flag.sentence_ids.iter().all(|id| shown.contains(&id.as_str())), "{flag:?}");
    }
    assert!(evidence::evidence(app, id.clone()).await.expect("evidence").is_empty());
    let texts = reports::report_texts(app, id.clone()).await.expect("texts");
    assert!(texts.iter().all(|t| t.kind != TextKind::Draft), "{texts:?}");
    let row = studies::worklist(app, String::new()).await.expect("a worklist").remove(0);
    assert_eq!(row.preview, "", "the worklist shows none of it");
    assert_eq!(code(signing::sign(app, request(&drafted, PASSPHRASE)).await), "sign.unreviewed");

    // Not before the images were looked at, or findings written; then for good, and for this reader.
    assert_eq!(code(reports::report_reveal(app, id.clone()).await), "report.not_looked");
    images::image_pixels(app, image("COVERED")).await.expect("pixels");
    let revealed = reports::report_reveal(app, id.clone()).await.expect("uncovered");
    assert_eq!((revealed.covered, proposed(&revealed)), (0, drafted.covered as usize));
    let texts = reports::report_texts(app, id.clone()).await.expect("texts");
    assert!(texts.iter().any(|t| t.kind == TextKind::Draft));
    desk.be(TRAINEE).await;
    let theirs = desk.report("COVERED").await;
    assert_eq!((theirs.covered, proposed(&theirs)), (drafted.covered, 0));
    assert_eq!(code(reports::report_reveal(app, id.clone()).await), "report.not_looked");
    let own =
        desk.edit(&theirs, vec![write(SectionName::Findings, "mine", "The heart is large.")]).await.expect("an edit");
    assert_eq!(own.covered, drafted.covered);
    assert_eq!(reports::report_reveal(app, id.clone()).await.expect("uncovered").covered, 0);
    desk.be(ATTENDING).await;
    assert_eq!(desk.report("COVERED").await.covered, 0);
    assert_eq!(desk.audited(&id).await.iter().filter(|a| *a == "report.reveal").count(), 2);
    desk.app.close().await;
}

/// The document's words on one line; `None`, with the reason printed, where poppler is not installed.
fn text_of(pdf: &Path) -> Option<String> {
    match std::process::Command::new("pdftotext").arg("-layout").arg(pdf).arg("-").output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")),
        Err(e) => {
            hilum_testkit::skipped(format_args!("pdftotext ({e})"));
            None
        }
    }
}
