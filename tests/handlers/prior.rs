//! A draft of a study beside its prior.

use super::{Fake, common};
use hilum_app::commands::{reports, session, studies};
use hilum_app::dto::{AppEvent, DraftMode, DraftOptions, SentenceState};
use hilum_app::{App, StartOptions};
use std::sync::{Arc, Mutex};

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
    assert_eq!(host.imported().await.len(), 2);

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
