//! Evidence maps, similar cases and calibration by the window's handlers, with the
//! demonstration pack in its own process.

#[allow(dead_code)]
mod common;

use async_trait::async_trait;
use hilum_app::commands::{audit, session, similar, studies};
use hilum_app::dto::{AppEvent, CalibrationStatus, EvidenceMapHead, SimilarFilter};
use hilum_app::{App, Host, StartOptions};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

struct Fake {
    files: Vec<PathBuf>,
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
}

impl Fake {
    async fn wait<T>(&self, what: &str, pick: impl Fn(&AppEvent) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(180);
        loop {
            if let Some(found) = self.events.lock().expect("events").iter().find_map(&pick) {
                return found;
            }
            assert!(Instant::now() < until, "no {what}: {:?}", self.events.lock().expect("events"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The same image as another patient's: the last character of the id and of each UID
/// changes, so that the file keeps its length.
fn of_another_patient(folder: &std::path::Path) -> PathBuf {
    let path = common::root().join("tests/fixtures/synthetic-cxr.dcm");
    let mut bytes = std::fs::read(path).expect("the fixture");
    let text = |tag: [u8; 4], bytes: &[u8]| -> Vec<(usize, usize)> {
        let found = bytes.windows(4).enumerate().filter(|(_, w)| *w == tag);
        found.map(|(at, _)| (at + 8, usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]])))).collect()
    };
    // Patient ID; SOP, study and series instance UID, little-endian explicit VR.
    for tag in [[0x10, 0, 0x20, 0], [2, 0, 3, 0], [8, 0, 0x18, 0], [0x20, 0, 0x0d, 0], [0x20, 0, 0x0e, 0]] {
        let places = text(tag, &bytes);
        assert!(!places.is_empty(), "{tag:?} is in the fixture");
        for (start, length) in places {
            let value = &mut bytes[start..start + length];
            let last = value.iter_mut().rev().find(|b| b.is_ascii_alphanumeric()).expect("a character");
            *last = if *last == b'7' { b'8' } else { b'7' };
        }
    }
    let path = folder.join("another.dcm");
    std::fs::write(&path, bytes).expect("a file");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn maps_similar_cases_and_calibration() {
    common::use_demo_packs();
    let folder = tempfile::tempdir().expect("a folder");
    let files = vec![common::root().join("tests/fixtures/synthetic-cxr.dcm"), of_another_patient(folder.path())];
    let host = Arc::new(Fake { files, events: Mutex::default() });
    let app = Arc::new(App::new(StartOptions { data: folder.path().join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    studies::import_files(&app).await.expect("an import").expect("a job");
    let uids = host
        .wait("end of the import", |e| match e {
            AppEvent::ImportDone { imported, study_uids, .. } => Some((*imported, study_uids.clone())),
            _ => None,
        })
        .await;
    assert_eq!((uids.0, uids.1.len()), (2, 2), "two patients' studies");
    host.wait("end of the indexing", |e| match e {
        AppEvent::IndexProgress { done: 2, total: 2, failed: 0 } => Some(()),
        _ => None,
    })
    .await;
    let study = studies::open_study(&app, uids.1[0].clone()).await.expect("a study");
    assert_eq!(study.support.len(), 13, "an indexed image is scored");
    assert!(study.support.iter().all(|f| f.calibrated.is_none()), "nothing is a probability yet");
    let image = study.images[0].instance_uid.clone();

    let frame = similar::evidence_map(&app, image.clone(), "cardiomegaly".into()).await.expect("a map");
    let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    assert_eq!((4 + length) % 4, 0);
    let head: EvidenceMapHead = serde_json::from_slice(&frame[4..4 + length]).expect("a head");
    assert_eq!(frame.len(), 4 + length + (head.side * head.side * 4) as usize);
    assert!(head.side > 1 && head.min < head.max && head.demo && head.finding == "cardiomegaly");
    let larger = f64::from(study.images[0].rows.max(study.images[0].columns));
    assert!(head.placement.size == larger && head.placement.left <= 0.0 && head.placement.top <= 0.0);
    let unknown = similar::evidence_map(&app, image.clone(), "appendicitis".into()).await;
    assert_eq!(unknown.expect_err("unknown").code, "encoder.unknown_finding");

    let found = similar::similar_cases(&app, image.clone(), SimilarFilter::default()).await.expect("cases");
    assert_eq!((found.searched, found.waiting, found.cases.len(), found.demo), (1, 0, 1, true));
    assert!(found.cases[0].similarity > 0.9999 && !found.cases[0].signed, "the same image of another patient");
    let signed = SimilarFilter { signed_only: true, ..SimilarFilter::default() };
    assert!(similar::similar_cases(&app, image.clone(), signed).await.expect("cases").cases.is_empty());
    let odd = SimilarFilter { age_band: Some("young".into()), ..SimilarFilter::default() };
    assert_eq!(similar::similar_cases(&app, image, odd).await.expect_err("no band").code, "similar.filter");

    let revealed = async || {
        let lines = audit::audit(&app, 100, None, Default::default()).await.expect("lines");
        lines.iter().filter(|line| line.action == "similar.reveal").count()
    };
    assert_eq!(revealed().await, 0);
    let who = similar::similar_reveal(&app, found.cases[0].instance_uid.clone()).await.expect("an identity");
    assert_eq!(who.study_uid, uids.1[1]);
    assert_ne!(who.patient_id, study.patient.id);
    assert_eq!(revealed().await, 1);

    let rows = similar::calibration(&app).await.expect("rows");
    assert_eq!(rows.len(), 13);
    let fitted = similar::calibration_fit(&app).await.expect("rows");
    assert!(
        fitted.iter().all(|r| r.status == CalibrationStatus::NotCalibrated && r.needed == 30 && !r.reason.is_empty())
    );
    assert!(fitted.iter().all(|r| r.fitted_at.is_some() && r.auc.is_none()));
    similar::index_cancel(&app).await.expect("nothing to cancel is no error");
    app.close().await;
}
