//! No key and nothing of a patient in what would be logged, nor in the text of any error: every record that any part
//! of the program makes at any level, by `tracing` or by `log`, is kept, errors are provoked on purpose, and both are
//! searched. No executable takes records, which is held here too, so that these are the only ones who hear them;
//! `tests/guard/log_lines` searches those of the whole suite.

use crate::common;
use crate::common::records;
use crate::desk::{Desk, PASSPHRASE, app_on, hilumctl, ran};
use crate::scene::radiograph;
use crate::search::Secret;
use hilum_app::App;
use hilum_app::commands::*;
use hilum_app::dto::{
    AppError, AppEvent, DraftMode, DraftOptions, EditCommand, ExportAs, SectionName, SignRequest, SimilarFilter,
};
use hilum_testkit::dicom;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Made of two parts, so that this program does not hold it whole.
fn canary(n: usize) -> String {
    format!("{}{n:02}{}", "Stil", "lewasser")
}

const OWN_PASSPHRASE: &str = "a passphrase of its own";

/// Errors by code, with the texts that came with them.
#[derive(Default)]
struct Errors(BTreeMap<String, Vec<String>>);

impl Errors {
    fn take<T>(&mut self, result: Result<T, AppError>) {
        if let Err(AppError { code, detail }) = result {
            self.0.entry(code).or_default().push(detail);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_errors_name_nobody() {
    common::use_demo_packs();
    records::hear();
    let controls = ["the guard listens", "the guard listens to the other way of logging too"];
    tracing::info!("{}", controls[0]);
    log::info!("{}", controls[1]);
    let temp = tempfile::tempdir().expect("a folder");
    let data = temp.path().join("data");
    let (app, desk) = app_on(&data);
    let first = session::create_first_user(&app, "Dr A. Reader".into(), OWN_PASSPHRASE.into()).await.expect("a user");
    let known = crate::vault_reader::keys(&data, "Dr A. Reader", OWN_PASSPHRASE);
    let mut secrets: Vec<Secret> = (1..=12).map(|n| Secret::text(&format!("canary {n}"), &canary(n))).collect();
    secrets.push(Secret::text("passphrase", OWN_PASSPHRASE));
    secrets.push(Secret::text("recovery key", &first.recovery_key));
    secrets.push(Secret::bytes("database key", &known.database));
    secrets.push(Secret::bytes("the passphrase's key", &known.user));
    let mut errors = Errors::default();
    work(&app, &desk, temp.path(), &mut errors).await;
    damage(&app, &data, &mut errors).await;
    app.close().await;
    let printed = programs(temp.path());

    let heard = records::heard();
    for control in controls {
        assert!(heard.iter().any(|record| record.line.ends_with(control)), "{control:?} is not heard");
    }
    let own = heard.iter().filter(|record| record.target.starts_with("hilum_")).count();
    assert!(own > 0, "what the program itself logs is heard: it has just failed to list its models");
    for record in &heard {
        let said: Vec<_> = secrets.iter().filter(|s| s.times_in(record.line.as_bytes()) > 0).map(|s| &s.name).collect();
        assert!(said.is_empty(), "{said:?} in the record {:?}", record.line);
    }
    let mut texts = 0;
    for (code, details) in &errors.0 {
        for detail in details {
            texts += 1;
            let said: Vec<_> = secrets.iter().filter(|s| s.times_in(detail.as_bytes()) > 0).map(|s| &s.name).collect();
            assert!(said.is_empty(), "{said:?} in the error {code}: {detail:?}");
        }
    }
    for (program, output) in &printed {
        let said: Vec<_> = secrets.iter().filter(|s| s.times_in(output) > 0).map(|s| &s.name).collect();
        assert!(said.is_empty(), "{said:?} in what {program} prints: {}", String::from_utf8_lossy(output));
    }
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &heard {
        *levels.entry(record.line.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    println!(
        "{} records at every level ({levels:?}), {own} of them of Hilum's own crates; {texts} error texts of {} codes, {} programs' output: nothing of {} secrets",
        heard.len(),
        errors.0.len(),
        printed.len(),
        secrets.len()
    );
    assert!(errors.0.len() >= 20, "errors were provoked: {:?}", errors.0.keys());
}

fn study(n: usize) -> dicom::DicomFile {
    radiograph(&format!("QUIET{n}"), "20240105")
        .text(dicom::PATIENT_NAME, b"PN", &canary(1))
        .text(dicom::PATIENT_ID, b"LO", &canary(2))
        .text(dicom::ACCESSION_NUMBER, b"SH", &canary(3))
        .text(0x0008_1030, b"LO", &canary(4))
        .text(0x0008_0090, b"PN", &canary(5))
        .text(0x0008_0080, b"LO", &canary(6))
}

/// Good and bad imports, a report from its beginning to its signature, and every refusal on the way.
async fn work(app: &Arc<App>, desk: &Desk, folder: &Path, errors: &mut Errors) {
    let whole = study(1).write();
    let mut broken: Vec<(String, Vec<u8>)> = vec![("good".into(), whole.clone()), ("nothing".into(), Vec::new())];
    for cut in [100, 140, 400, 700, whole.len() - 1000] {
        broken.push((format!("cut at {cut}"), whole[..cut.min(whole.len())].to_vec()));
    }
    broken.push(("no dicom".into(), canary(7).repeat(50).into_bytes()));
    broken.push(("odd size".into(), study(2).short(0x0028_0010, 7).write()));
    broken.push(("odd bits".into(), study(3).short(0x0028_0100, 13).write()));
    broken.push(("odd syntax".into(), study(4).write_as("1.2.3.4.5")));
    broken.push(("other patient, same image".into(), study(1).text(dicom::PATIENT_NAME, b"PN", &canary(8)).write()));
    for (number, (_, bytes)) in broken.iter().enumerate() {
        let file = folder.join(format!("{number}.dcm"));
        std::fs::write(&file, bytes).expect("a file");
        desk.give_file(&file);
        errors.take(studies::import_files(app).await);
        desk.wait("end of the import", |e| matches!(e, AppEvent::ImportDone { .. }).then_some(())).await;
    }
    let rows = studies::worklist(app, String::new()).await.expect("rows");
    let study = rows.first().expect("a study").study_uid.clone();
    let opened = studies::open_study(app, study.clone()).await.expect("a study");
    let image = opened.images[0].instance_uid.clone();
    errors.take(images::image_pixels(app, image.clone()).await);
    errors.take(similar::evidence_map(app, image.clone(), "appendicitis".into()).await);
    errors.take(
        similar::similar_cases(
            app,
            image.clone(),
            SimilarFilter { sex: Some("no such".into()), view: Some("no such".into()), ..SimilarFilter::default() },
        )
        .await,
    );
    let view = reports::report_view(app, study.clone()).await.expect("a report");
    let id = view.id.clone();
    let insert = |name: &str, section, text: String| {
        let (after, region, from) = (None, None, None);
        EditCommand::Insert { section, after, id: name.into(), text, region, from }
    };
    let typed = vec![insert("a", SectionName::Indication, canary(9)), insert("b", SectionName::Findings, canary(10))];
    let view = reports::report_edit(app, id.clone(), view.revision, typed).await.expect("an edit");
    errors.take(
        reports::report_edit(
            app,
            id.clone(),
            view.revision - 1.0,
            vec![insert("c", SectionName::Findings, canary(10))],
        )
        .await,
    );
    errors.take(
        reports::report_edit(app, id.clone(), view.revision, vec![insert("a", SectionName::Findings, canary(10))])
            .await,
    );
    errors
        .take(reports::report_edit(app, id.clone(), view.revision, vec![EditCommand::Accept { id: "a".into() }]).await);
    errors.take(
        reports::report_edit(
            app,
            id.clone(),
            view.revision,
            vec![EditCommand::UseTemplate { template: "none".into() }],
        )
        .await,
    );
    errors.take(
        reports::report_edit(
            app,
            id.clone(),
            view.revision,
            vec![insert("d", SectionName::Findings, canary(10).repeat(10_000))],
        )
        .await,
    );
    errors.take(reports::report_view(app, "1.2.3".into()).await);
    errors.take(reports::report_texts(app, "none".into()).await);
    errors.take(reports::proposal_view(app, "none".into()).await);
    errors.take(images::thumbnail(app, "1.2.3".into()).await);
    let request = |revision: f64, passphrase: &str, sure: bool| SignRequest {
        report_id: id.clone(),
        revision,
        passphrase: passphrase.into(),
        patient_confirmed: sure,
        accession_confirmed: sure,
    };
    errors.take(signing::sign(app, request(view.revision, OWN_PASSPHRASE, false)).await);
    errors.take(signing::sign(app, request(view.revision, OWN_PASSPHRASE, true)).await);
    errors.take(signing::draft_preview_pdf(app, id.clone()).await);
    let options = DraftOptions { indication_confirmed: true, notes: String::new(), mode: DraftMode::Structured, use_prior: false };
    errors.take(reports::draft_start(app, id.clone(), options.clone()).await);
    errors.take(reports::draft_start(app, id.clone(), options).await);
    let ended = desk.wait("end of the draft", |e| match e {
        AppEvent::DraftDone { report, .. } => Some(Ok(report.clone())),
        AppEvent::DraftFailed { code, detail, .. } => {
            Some(Err(AppError { code: code.clone(), detail: detail.clone() }))
        }
        _ => None,
    });
    let view = match ended.await {
        Ok(report) => report,
        Err(e) => {
            errors.take(Err::<(), _>(e));
            reports::report_view(app, study.clone()).await.expect("a report")
        }
    };
    errors.take(signing::sign(app, request(view.revision, OWN_PASSPHRASE, true)).await);
    let proposed =
        view.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.state == hilum_app::dto::SentenceState::Proposed);
    let mut review: Vec<EditCommand> = proposed.map(|s| EditCommand::Drop { id: s.id.clone() }).collect();
    review.push(insert("e", SectionName::Impression, canary(11)));
    let view = reports::report_edit(app, id.clone(), view.revision, review).await.expect("a review");
    errors.take(signing::sign(app, request(view.revision, &canary(12), true)).await);
    let signed = signing::sign(app, request(view.revision, OWN_PASSPHRASE, true)).await.expect("a signature");
    errors.take(signing::sign(app, request(signed.report.revision, OWN_PASSPHRASE, true)).await);
    desk.save_as(&folder.join("no such folder/report.pdf"));
    for form in [ExportAs::Pdf, ExportAs::Sr, ExportAs::Encapsulated, ExportAs::Fhir, ExportAs::Hl7] {
        errors.take(signing::export_report(app, signed.version_id.clone(), form).await);
    }
    errors.take(audit::audit_export(app, Default::default()).await);
    errors.take(signing::signed_pdf(app, "none".into()).await);
    // A person's own macros and templates may be quoted to that person; pictures and certificates never.
    for (name, text) in [
        ("macros.json", "{\"own\": 1}".to_owned()),
        ("macros.json", "[{\"name\": \"own\", \"text\": 5}]".to_owned()),
        ("macros.json", "own".to_owned()),
        ("template.html", "<html><body><section>own</section></body></html>".to_owned()),
        ("template.html", "<html><head><title>own</title></head><body><own></body></html>".to_owned()),
        ("logo.png", canary(7)),
        ("server.pem", format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", canary(7))),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a file");
        desk.give_file(&file);
        if name.ends_with("json") || name.ends_with("html") {
            errors.take(writing::macros_import(app).await);
            errors.take(templates::template_import(app).await);
        }
        errors.take(printing::logo_choose(app).await);
        errors.take(printing::time_stamp_certificate(app).await);
    }
    errors.take(printing::set_time_stamp_url(app, format!("https://{}", canary(7))).await);
    errors.take(writing::word_add(app, format!("{} {}", canary(7), 7)).await);
    errors.take(reading::move_study(app, study.clone(), study.clone(), String::new()).await);
    errors.take(reading::move_study(app, study.clone(), "1.2.3".into(), canary(7)).await);
    errors.take(reading::undo_import(app, "none".into()).await);
    errors.take(session::add_user(app, "Dr A. Reader".into(), PASSPHRASE.into(), false).await);
    errors.take(session::add_user(app, " ".into(), PASSPHRASE.into(), false).await);
    errors.take(session::add_user(app, "B".into(), "short".into(), false).await);
    errors.take(session::change_passphrase(app, canary(12), OWN_PASSPHRASE.into()).await);
    errors.take(session::recovery_renew(app, canary(12)).await);
    errors.take(models::pack_remove(app, "medsiglip-demo".into()).await);
    errors.take(models::verify_model(app, "none".into()).await);
    desk.give_folder(folder);
    errors.take(backup::backup_start(app).await);
    errors.take(backup::restore_choose(app).await);
    session::lock(app).await.expect("locked");
    errors.take(session::unlock(app, "Dr A. Reader".into(), canary(12)).await);
    errors.take(session::unlock_with_recovery(app, canary(12), "Dr A. Reader".into(), OWN_PASSPHRASE.into()).await);
    errors.take(studies::worklist(app, canary(1)).await);
    session::unlock(app, "Dr A. Reader".into(), OWN_PASSPHRASE.into()).await.expect("unlocked");
}

/// Sealed files with a byte of another kind, and a database with a page of noise.
async fn damage(app: &Arc<App>, data: &Path, errors: &mut Errors) {
    let rows = studies::worklist(app, String::new()).await.expect("rows");
    let study = rows.first().expect("a study").study_uid.clone();
    let image = studies::open_study(app, study.clone()).await.expect("a study").images[0].instance_uid.clone();
    for file in crate::guard::files_below(&data.join("blobs")) {
        let mut bytes = std::fs::read(&file).expect("a sealed file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).expect("damaged");
    }
    errors.take(images::image_pixels(app, image.clone()).await);
    errors.take(images::thumbnail(app, image.clone()).await);
    let version = reports::report_view(app, study.clone()).await.expect("a report").versions[0].id.clone();
    errors.take(signing::signed_pdf(app, version).await);
    for file in crate::guard::files_below(&data.join("blobs")) {
        std::fs::remove_file(file).expect("removed");
    }
    errors.take(images::image_pixels(app, image).await);
    // A file in the place of the folder of packs: that they cannot be listed is one of the few things that the app logs.
    let packs = data.join("packs");
    let _ = std::fs::remove_dir_all(&packs);
    std::fs::write(&packs, canary(7)).expect("a file");
    errors.take(models::models(app).await);
    session::lock(app).await.expect("locked");
    let database = data.join("hilum.db");
    let mut bytes = std::fs::read(&database).expect("a database");
    for page in 1..bytes.len() / 4096 {
        bytes[page * 4096 + 2000] ^= 0x55;
    }
    std::fs::write(&database, bytes).expect("damaged");
    errors.take(session::unlock(app, "Dr A. Reader".into(), OWN_PASSPHRASE.into()).await);
}

/// What the programs print on the way to a refusal, with as much logging as can be asked for.
fn programs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let file = folder.join("1.dcm");
    std::fs::write(&file, &study(9).write()[..700]).expect("a file");
    let wrong = canary(12);
    let mut printed = Vec::new();
    for arguments in [
        vec!["classify"],
        vec!["draft"],
        vec!["import"],
        vec!["report", "--out", "out", "--signer", "Dr A. Reader"],
        vec!["inspect"],
        vec!["verify"],
    ] {
        for passphrase in [wrong.as_str(), OWN_PASSPHRASE] {
            let mut command = Command::new(hilumctl());
            command.arg("--data").arg(folder.join("data")).args(&arguments).arg(&file).current_dir(folder);
            // What it would log goes nowhere; should it ever take records, they are searched here as well.
            let output = ran(command.env("HILUM_PASSPHRASE", passphrase).env("RUST_LOG", "trace"));
            // The result of inspecting is the file's tags, which somebody asked for.
            let said = if arguments == ["inspect"] { output.stderr } else { [output.stdout, output.stderr].concat() };
            printed.push((format!("hilumctl {}", arguments.join(" ")), said));
        }
    }
    printed
}

/// No executable has anything that takes records, so that what is logged at any level ends nowhere: neither in a file nor
/// on a terminal. Whoever changes that has a log to keep free of patients.
#[test]
fn no_program_takes_records() {
    let takers = [
        "set_global_default",
        "subscriber::set_default",
        "with_default(",
        "set_logger",
        "set_boxed_logger",
        "tracing_subscriber",
        "env_logger",
        "initialize_logging",
        "with_logging",
    ];
    let mut looked = 0;
    for file in crate::guard::files_below(&common::root().join("src-tauri")) {
        if file.extension().is_none_or(|e| e != "rs") || file.components().any(|c| c.as_os_str() == "tests") {
            continue;
        }
        looked += 1;
        let source = std::fs::read_to_string(&file).expect("a source file");
        let found: Vec<&str> = takers.into_iter().filter(|taker| source.contains(taker)).collect();
        assert!(found.is_empty(), "{} takes records: {found:?}", file.display());
    }
    println!("{looked} source files, and nothing in them that takes records");
    assert!(looked > 200);
}

/// A type that can be printed for debugging ends in a log some day; one that holds a secret cannot be.
#[test]
fn no_type_with_a_secret_can_be_printed() {
    let (mut types, mut looked) = (0, 0);
    for file in crate::guard::files_below(&common::root().join("src-tauri")) {
        if file.extension().is_none_or(|e| e != "rs") || file.components().any(|c| c.as_os_str() == "tests") {
            continue;
        }
        let source = std::fs::read_to_string(&file).expect("a source file");
        for part in source.split("#[derive(").skip(1) {
            let Some((derives, rest)) = part.split_once(")]") else { continue };
            // Up to the end of the type's body.
            let body = rest.split_once("\n}").map_or(rest, |(body, _)| body);
            if !body.contains("struct ") && !body.contains("enum ") {
                continue;
            }
            looked += 1;
            let secret = [
                "passphrase: String",
                "passphrase: Zeroizing",
                "recovery_key: String",
                "RecoveryKey(String)",
                "secret: String",
                "password: String",
                "secret: Zeroizing",
            ];
            if secret.iter().any(|s| body.contains(s)) {
                types += 1;
                assert!(
                    !derives.contains("Debug"),
                    "{}: a type with a secret derives Debug: {derives}",
                    file.display()
                );
            }
        }
    }
    println!("{types} of {looked} types that derive something hold a secret, and none of them can be printed");
    assert!(types >= 3);
}
