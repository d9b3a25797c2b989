//! The decoder and the model workers, as the window's host starts them.

use crate::app::Installed;
use crate::dto::{AppEvent, EngineState, EngineStatus};
use crate::host::Host;
use crate::packs;
use async_trait::async_trait;
use hilum_workers::{DecodeChild, DraftWorker, EncodeWorker, WorkerLimits, WorkerState, locate};
use hilum_workflow::children::{PackDrafter, PackScorer};
use hilum_workflow::{
    Cancel, Decoder, Drafter, Fault, ModelPack, Models, Outside, PackKind, RandomIds, Scorer, SystemClock,
};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// The packs that are there and an engine for each kind of work, none loaded yet. An
/// engine of `before` whose pack is still the one to use is taken over as it is.
pub(crate) async fn installed(data: &Path, before: Option<&Installed>, host: Arc<dyn Host>) -> Installed {
    let packs = match packs::list(data).await {
        Ok(packs) => packs,
        // What worked a moment ago still does.
        Err(_) => before.map(|before| before.packs.clone()).unwrap_or_default(),
    };
    let program = locate("hilumctl").ok();
    // Where `hilumctl pack list` looks for what was measured.
    let figures = data.join("packs");
    let encode = program.as_ref().zip(of_kind(&packs, PackKind::Medsiglip)).map(|(program, pack)| {
        let same = before.and_then(|before| before.encode.clone()).filter(|engine| engine.pack.hash == pack.hash && engine.pack.dir == pack.dir);
        same.unwrap_or_else(|| {
            let worker = EncodeWorker::measuring(program.clone(), WorkerLimits::default(), &figures);
            tell("encode", &pack, worker.state(), host.clone());
            PackScorer { worker, pack }
        })
    });
    let draft = program.as_ref().zip(of_kind(&packs, PackKind::Medgemma)).map(|(program, pack)| {
        let same = before.and_then(|before| before.draft.clone()).filter(|engine| engine.pack.hash == pack.hash && engine.pack.dir == pack.dir);
        same.unwrap_or_else(|| {
            let worker = DraftWorker::measuring(program.clone(), WorkerLimits::default(), &figures);
            tell("draft", &pack, worker.state(), host.clone());
            PackDrafter { worker, pack }
        })
    });
    Installed { packs, encode, draft }
}

/// The engines as the use cases know them.
pub(crate) fn models(installed: &Installed) -> Models {
    Models {
        scorer: installed.encode.clone().map(|engine| Arc::new(engine) as Arc<dyn Scorer>),
        drafter: installed.draft.clone().map(|engine| Arc::new(engine) as Arc<dyn Drafter>),
    }
}

/// Everything outside the workstation.
pub(crate) fn outside(installed: &Installed) -> Outside {
    let Models { scorer, drafter } = models(installed);
    Outside {
        clock: Arc::new(SystemClock::local()),
        ids: Arc::new(RandomIds),
        decoder: match DecodeChild::located() {
            Ok(child) => Arc::new(child),
            Err(_) => Arc::new(NoDecoder),
        },
        scorer,
        drafter,
    }
}

/// What both engines are doing, for the window.
pub(crate) fn statuses(installed: &Installed) -> [EngineStatus; 2] {
    let (draft, encode) = (installed.draft.as_ref(), installed.encode.as_ref());
    [
        status("draft", draft.map(|d| &d.pack), draft.map(|d| d.worker.state().borrow().clone())),
        status("encode", encode.map(|e| &e.pack), encode.map(|e| e.worker.state().borrow().clone())),
    ]
}

/// What an engine is doing, for the window.
fn status(role: &str, pack: Option<&ModelPack>, state: Option<WorkerState>) -> EngineStatus {
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
