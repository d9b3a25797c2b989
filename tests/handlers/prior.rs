//! A draft of a study beside its prior.

use super::{Fake, common};
use hilum_app::commands::{models, reports, session, studies};
use hilum_app::dto::{AppEvent, DraftMode, DraftOptions, SentenceState};
use hilum_app::{App, StartOptions};
use std::sync::{Arc, Mutex};

#[tokio::test(flavor = "multi_thread")]
async fn a_prior_is_drafted_with() {
    check(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prior_is_drafted_with_by_a_quantised_model() {
    check(true).await;
}

/// Two studies of one patient a year apart, whose images differ: the older goes to the model first, both are on
/// record, and the draft of both is another one than that of the newer alone. It is the same once more, to the bit, in the
/// worker that knows the images and the prompt already, and in another one that reads all of it anew.
async fn check(quantised: bool) {
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
    let folder = quantised.then(|| published(root.path()));
    let host = Arc::new(Fake { files, folder, save: root.path().into(), events: Mutex::default() });
    let opened = || Arc::new(App::new(StartOptions { data: root.path().join("data"), open: None }, host.clone()));
    let app = opened();
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    if quantised {
        add(&app, &host).await;
    }
    studies::import_files(&app).await.expect("an import").expect("a job");
    assert_eq!(host.imported().await.len(), 2);

    let draft = async |study: &str, use_prior| {
        let report = reports::report_view(&app, study.to_owned()).await.expect("a report");
        host.events.lock().expect("events").clear();
        let options =
            DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior };
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
    let first = draft(&study, false).await;
    if quantised && first.as_ref().err().is_some_and(|code| code == "drafting.quantised") {
        return hilum_testkit::skipped("the engine as released drafts with no quantised model");
    }
    let (_, alone, alone_settings) = first.expect("a draft");
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
    drop(app);

    let app = opened();
    // What works in the background for the app that was closed lets go of the folder a moment later.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while let Err(e) = session::unlock(&app, "Dr A. Reader".into(), "long enough".into()).await {
        assert!(e.code == "data.in_use" && std::time::Instant::now() < until, "{e:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let workstation = app.workstation().await.expect("unlocked");
    let again = workstation.repeat_proposal(&both, &hilum_workflow::Cancel::new()).await.expect("repeated");
    assert!(again.same_tokens && again.same_logprobs && again.different.is_empty(), "{again:?}");
    app.close().await;
}

/// The demonstration pack as a folder that its publisher might offer: without what makes it a pack.
fn published(root: &std::path::Path) -> std::path::PathBuf {
    let folder = root.join("published");
    std::fs::create_dir(&folder).expect("a folder");
    for entry in std::fs::read_dir(common::root().join("models/demo/medgemma-demo")).expect("a pack").flatten() {
        if entry.file_name() != "pack.json" && entry.file_name() != "NOTICE" {
            std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy");
        }
    }
    folder
}

/// Adds the folder that the host chooses in Q4_K, and drafts with it from here on.
async fn add(app: &Arc<App>, host: &Fake) {
    let found = models::pack_choose(app).await.expect("a choice").expect("a candidate");
    assert!(found.problem.is_none() && found.quantize.iter().any(|form| form == "q4k"), "{:?}", found.problem);
    let job = models::pack_add(app, found.token, "q4k".into(), true).await.expect("a job");
    let ended = host.wait("the end of the addition", 120, |e| match e {
        AppEvent::PackAdded { job: of, id } if *of == job => Some(Ok(id.clone())),
        AppEvent::PackFailed { job: of, code, detail } if *of == job => Some(Err(format!("{code}: {detail}"))),
        _ => None,
    });
    let id = ended.await.expect("added");
    let packs = models::models(app).await.expect("models");
    assert!(packs.iter().any(|p| p.id == id && p.kind == "medgemma" && p.in_use), "drafts are written with it");
}
