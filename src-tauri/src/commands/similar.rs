//! Evidence maps, similar cases, and calibration on this data folder's own reports.

use crate::app::App;
use crate::convert;
use crate::dto::{
    AppError, AppEvent, CalibrationRow, EvidenceMapHead, MapPlacement, SimilarCase, SimilarCases, SimilarFilter,
    SimilarIdentity,
};
use hilum_workers::WorkerState;
use hilum_workflow::{AgeBand, Cancel, Filter, PlacedMap, View, Workstation};
use std::sync::Arc;
use std::time::Duration;

/// Cases shown where the window names no number.
const CASES: u32 = 12;
/// The job under which images are embedded in the background.
const INDEXING: &str = "index";
/// How often an engine that works for the reader is looked at.
const PATIENCE: Duration = Duration::from_millis(500);

/// `u32` little-endian length of the JSON head, the head padded with spaces to a multiple
/// of four, then little-endian 32-bit floats, row by row.
pub async fn evidence_map(app: &App, instance_uid: String, finding: String) -> Result<Vec<u8>, AppError> {
    let map = app.workstation().await?.evidence_map(&instance_uid, &finding, &Cancel::new()).await?;
    Ok(packed(&map, finding))
}

pub async fn similar_cases(app: &App, instance_uid: String, filter: SimilarFilter) -> Result<SimilarCases, AppError> {
    let limit = if filter.limit == 0 { CASES } else { filter.limit };
    let filter = Filter {
        finding: filter.finding,
        sex: filter.sex,
        age: one_of("age band", filter.age_band, AgeBand::of_label)?,
        view: one_of("view", filter.view, View::of_label)?,
        signed_only: filter.signed_only,
    };
    let workstation = app.workstation().await?;
    let found = workstation.similar(&instance_uid, filter, limit as usize, &Cancel::new()).await?;
    Ok(SimilarCases {
        searched: found.searched as u32,
        waiting: found.waiting as u32,
        demo: found.demo,
        cases: found
            .cases
            .into_iter()
            .map(|found| SimilarCase {
                instance_uid: found.instance_uid,
                similarity: f64::from(found.similarity),
                sex: found.case.sex,
                age_band: found.case.age.map(AgeBand::label).unwrap_or_default().into(),
                view: found.case.view.map(View::label).unwrap_or_default().into(),
                signed: found.case.signed,
                findings: found.case.findings.into_iter().collect(),
                thumbnail: found.thumbnail,
            })
            .collect(),
    })
}

/// Who a similar case is; the question is in the audit chain before the answer is given.
pub async fn similar_reveal(app: &App, instance_uid: String) -> Result<SimilarIdentity, AppError> {
    let who = app.workstation().await?.reveal(&instance_uid).await?;
    Ok(SimilarIdentity {
        study_uid: who.study_uid,
        patient_name: who.patient_name,
        patient_id: who.patient_id,
        study_date: who.study_date,
    })
}

pub async fn calibration(app: &App) -> Result<Vec<CalibrationRow>, AppError> {
    let workstation = app.workstation().await?;
    Ok(convert::calibration(workstation.calibration().await?, workstation.calibration_needs()))
}

pub async fn calibration_fit(app: &App) -> Result<Vec<CalibrationRow>, AppError> {
    let workstation = app.workstation().await?;
    Ok(convert::calibration(workstation.calibrate().await?, workstation.calibration_needs()))
}

pub async fn index_cancel(app: &App) -> Result<(), AppError> {
    app.cancel(INDEXING);
    Ok(())
}

/// Embeds what has no embedding yet, one image after another, while no engine works for the
/// reader. Does nothing where it runs already.
pub(crate) fn index_in_background(app: &Arc<App>) {
    let Some(cancel) = app.begin(INDEXING) else { return };
    let app = app.clone();
    tokio::spawn(async move {
        if let Ok(workstation) = app.workstation().await {
            let workstation = workstation.clone();
            index(&app, &workstation, &cancel).await;
        }
        app.end(INDEXING);
    });
}

async fn index(app: &App, workstation: &Workstation, cancel: &Cancel) {
    // An import that goes on meanwhile adds images, so that the list is asked for again.
    let mut tried = std::collections::BTreeSet::new();
    let (mut done, mut failed) = (0u32, 0u32);
    loop {
        let waiting = workstation.images_to_embed().await.unwrap_or_default();
        let waiting: Vec<String> = waiting.into_iter().filter(|uid| !tried.contains(uid)).collect();
        let total = done + waiting.len() as u32;
        if waiting.is_empty() {
            return;
        }
        for uid in waiting {
            wait_for_engines(app, cancel).await;
            if cancel.is_cancelled() {
                app.host.emit(AppEvent::IndexProgress { done, total: done, failed });
                return;
            }
            match workstation.embed_image(&uid, cancel).await {
                Ok(_) => tell_of_support(app, workstation, &uid).await,
                // Locked meanwhile: what is left is found at the next unlocking.
                Err(e) if e.code() == "vault.locked" => return,
                Err(e) => {
                    tracing::warn!("an image could not be embedded: {}", e.code());
                    failed += 1;
                }
            }
            tried.insert(uid);
            done += 1;
            app.host.emit(AppEvent::IndexProgress { done, total, failed });
        }
    }
}

/// An image that was embedded was scored as well; the window shows it as if it had asked.
async fn tell_of_support(app: &App, workstation: &Workstation, instance_uid: &str) {
    let Ok(Some((study_uid, support))) = workstation.support_of_image(instance_uid).await else { return };
    let mut views = convert::support(&support.scores);
    convert::put_probabilities(&mut views, &workstation.probabilities(instance_uid).await.unwrap_or_default());
    app.host.emit(AppEvent::SupportReady {
        study_uid,
        instance_uid: support.instance_uid,
        support: views,
        demo: support.demo,
    });
}

/// The open study goes before background work.
async fn wait_for_engines(app: &App, cancel: &Cancel) {
    while !cancel.is_cancelled() {
        let Ok(open) = app.open().await else { return };
        let installed = open.installed();
        let busy = |state: &WorkerState| matches!(state, WorkerState::Working | WorkerState::Loading);
        let encoding = installed.encode.as_ref().is_some_and(|e| busy(&e.worker.state().borrow()));
        let drafting = installed.draft.as_ref().is_some_and(|d| busy(&d.worker.state().borrow()));
        if !encoding && !drafting {
            return;
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

fn one_of<T>(what: &str, label: Option<String>, parse: fn(&str) -> Option<T>) -> Result<Option<T>, AppError> {
    label
        .map(|label| {
            let unknown = || AppError { code: "similar.filter".into(), detail: format!("There is no such {what}.") };
            parse(&label).ok_or_else(unknown)
        })
        .transpose()
}

fn packed(map: &PlacedMap, finding: String) -> Vec<u8> {
    let (min, max) = map.range();
    let head = EvidenceMapHead {
        side: map.map.side,
        min,
        max,
        placement: MapPlacement {
            left: -f64::from(map.placement.left),
            top: -f64::from(map.placement.above),
            size: f64::from(map.placement.size),
            rows: map.rows,
            columns: map.columns,
        },
        finding,
        pack_id: map.pack_id.clone(),
        demo: map.demo,
    };
    let mut head = serde_json::to_vec(&head).unwrap_or_default();
    head.resize(head.len().next_multiple_of(4), b' ');
    let mut out = u32::try_from(head.len()).unwrap_or(0).to_le_bytes().to_vec();
    out.append(&mut head);
    out.extend(map.map.values.iter().flat_map(|v| v.to_le_bytes()));
    out
}
