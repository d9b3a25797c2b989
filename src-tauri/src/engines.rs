//! The decoder and the model workers, as the window's host starts them.

use crate::app::Outfit;
use crate::dto::{AppEvent, EngineState, EngineStatus};
use crate::host::Host;
use async_trait::async_trait;
use hilum_workers::{DecodeChild, DraftWorker, EncodeWorker, WorkerLimits, WorkerState, locate};
use hilum_workflow::children::{PackDrafter, PackScorer};
use hilum_workflow::{
    Cancel, Decoder, Drafter, Fault, ModelPack, Outside, PackKind, RandomIds, Scorer, SystemClock,
};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::watch;

/// Longest time that listing the packs may take; it reads manifests only.
const LISTING: std::time::Duration = std::time::Duration::from_secs(20);

/// Everything outside, and what the Models screen shows of it.
pub(crate) async fn outfit(data: &Path, host: Arc<dyn Host>) -> Outfit {
    let packs = packs(data).await.unwrap_or_default();
    let program = locate("hilumctl").ok();
    let encode = program.as_ref().zip(of_kind(&packs, PackKind::Medsiglip)).map(|(program, pack)| PackScorer {
        worker: EncodeWorker::start(program.clone(), WorkerLimits::default()),
        pack,
    });
    let draft = program.as_ref().zip(of_kind(&packs, PackKind::Medgemma)).map(|(program, pack)| PackDrafter {
        worker: DraftWorker::start(program.clone(), WorkerLimits::default()),
        pack,
    });
    if let Some(encode) = &encode {
        tell("encode", &encode.pack, encode.worker.state(), host.clone());
    }
    if let Some(draft) = &draft {
        tell("draft", &draft.pack, draft.worker.state(), host);
    }
    let outside = Outside {
        clock: Arc::new(SystemClock::local()),
        ids: Arc::new(RandomIds),
        decoder: match DecodeChild::located() {
            Ok(child) => Arc::new(child),
            Err(_) => Arc::new(NoDecoder),
        },
        scorer: encode.clone().map(|e| Arc::new(e) as Arc<dyn Scorer>),
        drafter: draft.clone().map(|d| Arc::new(d) as Arc<dyn Drafter>),
    };
    Outfit { outside, packs, encode, draft }
}

/// What an engine is doing, for the window.
pub(crate) fn status(role: &str, pack: Option<&ModelPack>, state: Option<WorkerState>) -> EngineStatus {
    let (state, code) = match state {
        None => (EngineState::NoModel, None),
        Some(WorkerState::Idle) => (EngineState::Idle, None),
        Some(WorkerState::Loading) => (EngineState::Loading, None),
        Some(WorkerState::Ready) => (EngineState::Ready, None),
        Some(WorkerState::Working) => (EngineState::Working, None),
        Some(WorkerState::Restarted) => (EngineState::Restarted, None),
        Some(WorkerState::Failed { code }) => (EngineState::Failed, Some(code)),
    };
    EngineStatus {
        role: role.to_owned(),
        state,
        pack_name: pack.map(|p| p.name.clone()),
        demo: pack.is_some_and(|p| p.demo),
        code,
    }
}

/// Checks a pack's files against its manifest; `hilumctl` does it, since this process
/// reads no model.
///
/// # Errors
/// The code that `hilumctl` gives, for example "pack.hash_mismatch".
pub(crate) async fn verify_pack(data: &Path, id: &str) -> Result<(), Fault> {
    let output = hilumctl(data, &["--json", "pack", "verify", id], None).await?;
    if output.status.success() {
        return Ok(());
    }
    #[derive(Deserialize)]
    struct Said {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
        message: String,
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find_map(|line| serde_json::from_str::<Said>(line).ok());
    Err(match last {
        Some(Said { error }) => Fault { code: error.code, detail: error.message },
        None => Fault { code: "pack.unreadable".into(), detail: "The pack could not be checked.".into() },
    })
}

/// The installed packs, as `hilumctl pack list --json` says.
async fn packs(data: &Path) -> Result<Vec<ModelPack>, Fault> {
    #[derive(Deserialize)]
    struct Listing {
        packs: Vec<ModelPack>,
    }
    let output = hilumctl(data, &["--json", "pack", "list"], Some(LISTING)).await?;
    let listing: Listing = serde_json::from_slice(&output.stdout).map_err(|e| {
        tracing::warn!("the packs could not be listed: {e}");
        Fault { code: "pack.unreadable".into(), detail: "The installed models could not be listed.".into() }
    })?;
    Ok(listing.packs)
}

async fn hilumctl(
    data: &Path,
    arguments: &[&str],
    limit: Option<std::time::Duration>,
) -> Result<std::process::Output, Fault> {
    let program: PathBuf = locate("hilumctl")?;
    let running = Command::new(program).arg("--data").arg(data).args(arguments).kill_on_drop(true).output();
    let failed = |detail: String| Fault { code: "worker.start".into(), detail };
    match limit {
        None => running.await.map_err(|e| failed(e.to_string())),
        Some(limit) => match tokio::time::timeout(limit, running).await {
            Ok(output) => output.map_err(|e| failed(e.to_string())),
            Err(_) => Err(failed("hilumctl did not answer in time".into())),
        },
    }
}

/// A user's own pack before a demonstration.
fn of_kind(packs: &[ModelPack], kind: PackKind) -> Option<ModelPack> {
    let mut of_kind: Vec<_> = packs.iter().filter(|p| p.kind == kind).collect();
    of_kind.sort_by_key(|p| p.demo);
    of_kind.first().map(|p| (*p).clone())
}

/// Tells the window of every change of an engine's state, for as long as there is an engine.
fn tell(role: &'static str, pack: &ModelPack, mut states: watch::Receiver<WorkerState>, host: Arc<dyn Host>) {
    let pack = pack.clone();
    tokio::spawn(async move {
        while states.changed().await.is_ok() {
            let state = states.borrow_and_update().clone();
            host.emit(AppEvent::Engine { engine: status(role, Some(&pack), Some(state)) });
        }
    });
}

/// Stands where `hilum-decode` is missing from the installation, and says so for every file.
struct NoDecoder;

#[async_trait]
impl Decoder for NoDecoder {
    async fn decode(
        &self,
        _file: Vec<u8>,
        _wants: &hilum_workers::messages::decode::DecodeWants,
        _cancel: &Cancel,
    ) -> Result<hilum_workers::Decoded, Fault> {
        Err(Fault {
            code: "worker.not_found".into(),
            detail: "hilum-decode is missing beside the app, so no image can be read. Install Hilum again.".into(),
        })
    }
}
