//! A data folder in which every place that takes text holds a payload, and what is given to the window beside it. Each
//! place says whether a screen shows it.

use super::exports;
use super::supply::{Fit, Supply};
use crate::desk::{Desk, NAME, PASSPHRASE, app_on};
use crate::scene::*;
use hilum_app::App;
use hilum_app::commands::{reading, reports, session, settings, studies, templates, writing};
use hilum_app::dto::{
    Annotation, AnnotationKind, AppEvent, EditCommand, MacroView, ReportView, SectionName, SentenceState,
};
use hilum_report::{Command, Entry, PackHash, ProposalId, ProposedText, SectionKind, SentenceId};
use hilum_store::{DataFolder, NewProposal, ProposalOutcome, ProposalStatus, StoreError};
use hilum_testkit::dicom;
use std::path::PathBuf;
use std::sync::Arc;
use time::OffsetDateTime;

const STUDIES: usize = 12;
/// Of these the first are signed and printed, and the next is reviewed, and waits to be signed.
pub const SIGNED: usize = 4;

const SEARCH: &str = "a saved search's name";

/// A data folder in which every place that takes text holds a payload; its studies.
pub async fn folder(scene: &Scene, supply: &Supply) -> Vec<String> {
    let (app, desk) = app_on(&scene.data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    let user = supply.shown(Fit::Name, "another user's name");
    session::add_user(&app, user, PASSPHRASE.into(), false).await.expect("a user");
    let mut known = settings::settings(&app).await.expect("settings");
    for line in [&mut known.institution, &mut known.department, &mut known.address] {
        *line = supply.shown(Fit::Printable, "the letterhead");
    }
    settings::set_settings(&app, known).await.expect("kept");
    for n in 0..12 {
        let (number, text) = supply.numbered(Fit::Any);
        let one = MacroView { name: format!("guard{n}"), sections: vec![SectionName::Findings], text };
        // What a macro's own grammar refuses is not kept.
        if writing::macro_put(&app, one, None).await.is_ok() {
            supply.owe(number, "a macro");
        }
    }
    own_templates(&app, &desk, scene, supply).await;
    let mut studies = Vec::new();
    for n in 0..STUDIES {
        studies.push(one_study(&app, &desk, scene, supply, n).await);
    }
    app.close().await;
    drop(app);
    draft_payloads(scene, supply, &studies).await;
    let (app, desk) = app_on(&scene.data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    for study in &studies[..SIGNED] {
        exports::print(&app, &desk, scene, study).await;
    }
    accept_all(&app, &studies[SIGNED]).await;
    // Whatever is left, such as what no printed face has characters for.
    let mut names = supply.rest(SEARCH);
    names.push(supply.shown(Fit::Any, SEARCH));
    let search = |name: String| serde_json::json!({ "name": name, "search": supply.hidden(Fit::Any), "filter": "all", "from": "", "to": "" });
    let searches: Vec<_> = names.into_iter().map(search).collect();
    reading::set_preference(&app, "filters".into(), serde_json::json!(searches).to_string()).await.expect("kept");
    app.close().await;
    studies
}

async fn own_templates(app: &Arc<App>, desk: &Desk, scene: &Scene, supply: &Supply) {
    let file = scene.path("template.html");
    desk.save_as(&file);
    templates::template_export(app, "cxr-frontal".into()).await.expect("a template");
    let document = std::fs::read_to_string(&file).expect("a template");
    let escaped =
        |text: String| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let title = document.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).expect("a title").0;
    for n in 0..6 {
        let (number, name) = supply.numbered(Fit::Any);
        // The name stands in the document twice, and the one in its meta data counts.
        let mut hostile = document
            .replace(&format!("<title>{title}</title>"), &format!("<title>{}</title>", escaped(name.clone())))
            .replace(&format!("content=\"{title}\""), &format!("content=\"{}\"", escaped(name)));
        hostile = hostile.replace("cxr-frontal", &format!("guard-{n}")).replacen(
            "</p>",
            &format!(" {}.</p>", escaped(supply.hidden(Fit::Any))),
            1,
        );
        if n >= 4 {
            // As markup, not as text: whatever is made of it must be none.
            hostile = hostile.replacen("</section>", &format!("<p>{}</p></section>", supply.hidden(Fit::Any)), 1);
        }
        std::fs::write(&file, hostile).expect("a template");
        desk.give_file(&file);
        let taken = templates::template_import(app).await;
        assert!(taken.is_ok() || n >= 4, "{taken:?}");
        if taken.is_ok() {
            supply.owe(number, "a template's name");
        }
    }
}

async fn one_study(app: &Arc<App>, desk: &Desk, scene: &Scene, supply: &Supply, n: usize) -> String {
    let study = format!("2.25.950.{n}");
    let shown = [
        (dicom::PATIENT_ID, b"LO", "patient id"),
        (dicom::ACCESSION_NUMBER, b"SH", "accession number"),
        (0x0008_1030, b"LO", "study description"),
    ];
    let hidden = [
        (0x0008_0080, b"LO"),
        (0x0008_103E, b"LO"),
        (0x0018_1030, b"LO"),
        (0x0020_4000, b"LT"),
        (0x0008_0070, b"LO"),
        (0x0008_1090, b"LO"),
        (0x0020_0020, b"CS"),
        (0x0020_0062, b"CS"),
    ];
    let name = |text: String| text.replace(['^', '=', '\\'], "");
    let film = shown.into_iter().fold(radiograph(&format!("X{n}"), "20240105"), |film, (tag, vr, place)| {
        film.text(tag, vr, &supply.shown(Fit::Printable, place).replace('\\', ""))
    });
    let film = hidden
        .into_iter()
        .fold(film, |film, (tag, vr)| film.text(tag, vr, &supply.hidden(Fit::Printable).replace('\\', "")));
    let film = film
        .text(dicom::PATIENT_NAME, b"PN", &name(supply.shown(Fit::Printable, "patient's name")))
        .text(0x0008_0090, b"PN", &name(supply.hidden(Fit::Printable)))
        .text(dicom::STUDY_UID, b"UI", &study)
        .text(dicom::SERIES_UID, b"UI", &format!("{study}.1"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("{study}.1.1"));
    let file = scene.path(&format!("{n}.dcm"));
    std::fs::write(&file, film.write()).expect("a file");
    desk.give_file(&file);
    studies::import_files(app).await.expect("an import");
    let done = desk.wait("end of the import", |e| match e {
        AppEvent::ImportDone { study_uids, .. } => Some(study_uids.clone()),
        AppEvent::ImportProgress { file, .. } if file.verdict == "refused" => panic!("{file:?}"),
        _ => None,
    });
    assert_eq!(done.await, [study.clone()]);
    let view = reports::report_view(app, study.clone()).await.expect("a report");
    let insert = |number: usize, section, text| {
        let (after, region, from) = (None, None, None);
        EditCommand::Insert { section, after, id: format!("typed-{number}"), text, region, from }
    };
    let sections = [
        SectionName::Indication,
        SectionName::Technique,
        SectionName::Findings,
        SectionName::Findings,
        SectionName::Impression,
    ];
    let typed = sections
        .into_iter()
        .enumerate()
        .map(|(number, section)| insert(number, section, supply.shown(Fit::Printable, "a typed sentence")));
    let view = reports::report_edit(app, view.id, view.revision, typed.collect()).await.expect("typed");
    let (number, reason) = supply.numbered(Fit::Printable);
    let told = EditCommand::NotCommunicated { reason };
    // A report that is signed shows it in its document alone.
    if reports::report_edit(app, view.id, view.revision, vec![told]).await.is_ok() && n >= SIGNED {
        supply.owe(number, "why nobody was told");
    }
    for (number, kind) in [AnnotationKind::Text, AnnotationKind::Arrow].into_iter().enumerate() {
        let mark = Annotation {
            id: format!("mark-{n}-{number}"),
            instance_uid: format!("{study}.1.1"),
            kind,
            points: if kind == AnnotationKind::Text { vec![[60.0, 60.0]] } else { vec![[60.0, 60.0], [90.0, 90.0]] },
            label: supply.shown(Fit::Any, "a mark's label"),
            measured: Vec::new(),
            spacing: None,
        };
        reading::annotation_put(app, mark).await.expect("a mark");
    }
    study
}

/// As if a model had written them: past every grammar, straight into the folder.
async fn draft_payloads(scene: &Scene, supply: &Supply, studies: &[String]) {
    // Work in the background lets go of the folder a moment after it was told to end.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    let folder = loop {
        match DataFolder::open(&scene.data) {
            Ok(folder) => break folder,
            Err(StoreError::InUse(_)) if std::time::Instant::now() < until => pause(50).await,
            Err(e) => panic!("{e}"),
        }
    };
    let store = folder.unlock(NAME, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a store");
    for (n, study) in studies.iter().enumerate() {
        let report = store.study(study).await.expect("a study").reports.remove(0).id;
        let revision = store.report(&report).await.expect("a report").revision();
        let id = ProposalId::new(format!("drafted-{n}"));
        let now = OffsetDateTime::now_utc();
        // Where a sentence comes from is looked at in what is still open, and not reviewed.
        let origin = |place| if n > SIGNED { supply.shown(Fit::Any, place) } else { supply.hidden(Fit::Any) };
        let proposal = NewProposal {
            id: id.clone(),
            study_uid: study.clone(),
            report: Some(report.clone()),
            pack_id: origin("a proposal's pack"),
            pack_hash: PackHash::new("hash"),
            demo: true,
            prompt: serde_json::json!({ "raw": { "prompt": origin("a proposal's prompt") } }).to_string(),
            image_hashes: Vec::new(),
            settings: serde_json::json!({ "note": origin("a proposal's settings") }),
            started_at: now,
        };
        store.begin_proposal(&proposal).await.expect("a proposal");
        let outcome = ProposalOutcome {
            status: ProposalStatus::Complete,
            finished_at: now,
            raw_text: origin("a model's answer"),
            token_ids: vec![1],
            logprobs: vec![-0.5],
            timings: serde_json::json!({}),
            error_code: None,
        };
        store.finish_proposal(&id, &outcome).await.expect("its end");
        let propose = |section, name: &str| Entry {
            by: hilum_report::UserId::new("u-reader"),
            at: now,
            command: Command::Propose {
                proposal: id.clone(),
                pack: PackHash::new("hash"),
                demo: true,
                section,
                sentences: (0..3)
                    .map(|k| ProposedText {
                        id: SentenceId::new(format!("{name}-{k}")),
                        text: supply.shown(Fit::Printable, "a drafted sentence"),
                        region: None,
                    })
                    .collect(),
            },
        };
        let entries = [propose(SectionKind::Findings, "pf"), propose(SectionKind::Impression, "pi")];
        store.append(&report, revision, &entries).await.expect("drafted");
    }
    store.close().await.expect("closed");
}

/// Accepts every sentence that a model proposed.
pub async fn accept_all(app: &Arc<App>, study: &str) -> ReportView {
    let view = reports::report_view(app, study.to_owned()).await.expect("a report");
    let proposed = view.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.state == SentenceState::Proposed);
    let accept: Vec<EditCommand> = proposed.map(|s| EditCommand::Accept { id: s.id.clone() }).collect();
    reports::report_edit(app, view.id, view.revision, accept).await.expect("accepted")
}

/// Files whose names are payloads, good and bad ones.
pub fn given(scene: &Scene, supply: &Supply) -> PathBuf {
    let good = radiograph("GIVEN", "20240109").write();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for n in 0..8 {
        let (number, name) = supply.numbered(Fit::Any);
        supply.owe(number, "a file's name");
        let name: String = name.replace('/', "\u{2044}").chars().take(120).collect();
        files.push((format!("{n}{name}"), if n == 0 { good.clone() } else { b"not an image".to_vec() }));
    }
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    scene.folder("given", &files)
}

/// A folder as a model is downloaded, with payloads of these numbers where its publisher names the architecture and in their
/// own words.
pub fn model(scene: &Scene, [architecture, words]: [usize; 2]) -> PathBuf {
    let demo = crate::common::root().join("models/demo/medsiglip-demo");
    let files = std::fs::read_dir(demo).expect("the demonstration pack").flatten().map(|entry| entry.path());
    let folder = scene.folder("model", &[]);
    for file in files.filter(|file| !file.ends_with("pack.json") && !file.ends_with("card.md")) {
        std::fs::copy(&file, folder.join(file.file_name().expect("a name"))).expect("a copy");
    }
    let payload = |number: usize| format!("<img src=x onerror=__x({number})>");
    let config = folder.join("config.json");
    let mut described: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).expect("a file")).expect("JSON");
    described["architectures"] = serde_json::json!([payload(architecture)]);
    std::fs::write(&config, described.to_string()).expect("a file");
    std::fs::write(folder.join("LICENSE"), payload(words)).expect("a file");
    folder
}

/// A folder that is no model, because of a file whose name is a payload: the refusal names it.
pub fn refused_model(scene: &Scene) -> PathBuf {
    scene.folder("refused", &[("<img src=x onerror=__x(902)>.bin", b"weights".to_vec())])
}
