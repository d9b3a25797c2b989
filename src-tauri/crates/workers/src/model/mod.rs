//! The life of a worker that holds a model: started on demand, watched,
//! restarted, stopped when it keeps dying.
//!
//! One owner task per worker holds the child and takes a closed set of
//! commands; [`Client`] is the other end of that channel. What differs between
//! the encode and the draft worker is said once, in [`Role`].

mod child;
mod owner;

use crate::{Cancel, WorkerError};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// What a worker is doing, for status lines and banners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerState {
    /// No child runs; the next request starts one.
    Idle,
    Loading,
    Ready,
    Working,
    /// The child died or was ended and a new one takes its place.
    Restarted,
    /// The last attempt ended with this code. `worker.crash_loop` stays until `retry`.
    Failed {
        code: String,
    },
}

impl WorkerState {
    /// True where the worker died several times in a row and stays down until it is asked to start again.
    pub fn is_crash_loop(&self) -> bool {
        matches!(self, Self::Failed { code } if code == WorkerError::CrashLoop("").code())
    }
}

/// How long things may take before the child is ended.
#[derive(Debug, Clone, Copy)]
pub struct WorkerLimits {
    /// Without any frame for so long a child counts as hung; while it loads, six times as long.
    pub silence: Duration,
    /// From the first byte of a frame to its last.
    pub frame: Duration,
    /// Loading a pack.
    pub load: Duration,
    /// Answering one request.
    pub request: Duration,
    /// A child whose heart beats while its work stands still counts as hung after this, or after
    /// [`WorkerLimits::stall_factor`] times the longest pause that it came back from in such a request since it was
    /// started, whichever is longer. The first answer counts until there is a second, since it may have waited for what
    /// is prepared once. Before the first there is nothing to compare with, and [`WorkerLimits::request`] alone holds.
    pub stall: Duration,
    pub stall_factor: u32,
    /// From a cancel to the child's last word about it.
    pub cancel_grace: Duration,
    /// So many deaths within [`WorkerLimits::crash_window`] are a crash loop.
    pub crashes: usize,
    pub crash_window: Duration,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(10),
            frame: Duration::from_secs(10),
            // Quantising a full-size model takes minutes (docs/performance.md).
            load: Duration::from_secs(15 * 60),
            request: Duration::from_secs(30 * 60),
            // Other work of the machine, and weights that come from the disk again, slow a child by less than this.
            stall: Duration::from_secs(2 * 60),
            stall_factor: 20,
            cancel_grace: Duration::from_millis(1500),
            crashes: 3,
            crash_window: Duration::from_secs(60),
        }
    }
}

/// What the owner has to know of a role's messages.
pub(crate) trait Role: Send + Sync + 'static {
    /// Argument of `hilumctl worker`.
    const NAME: &'static str;
    type Request: Serialize + Send + 'static;
    type Reply: DeserializeOwned + Clone + Send + Sync + 'static;

    fn load(id: u64, pack_dir: String) -> Self::Request;
    /// The message that stops a request early, where the role has one.
    fn cancel(id: u64) -> Option<Self::Request>;
    fn meaning(reply: &Self::Reply) -> Meaning<'_>;
    /// What kind of request it is, where those of a kind take about as long as each other from one sign of progress to
    /// the next.
    fn steady(request: &Self::Request) -> Option<&'static str>;
    /// Longest body in bytes that may come with this reply.
    fn body_limit(reply: &Self::Reply) -> u64;
}

/// What a reply means to the owner; the number is the request's id.
pub(crate) enum Meaning<'a> {
    Heartbeat,
    /// More will follow for this request.
    Part(u64),
    /// The request is answered.
    Last(u64),
    Failed {
        id: u64,
        code: &'a str,
        message: &'a str,
    },
    /// No honest child says this.
    Nonsense,
}

/// The last reply to a request with its body.
pub(crate) type Answer<R> = Result<(<R as Role>::Reply, Vec<u8>), WorkerError>;

/// A request together with everything that its answering needs.
pub(crate) struct Job<R: Role> {
    work: Work<R>,
    parts: Option<mpsc::UnboundedSender<R::Reply>>,
    /// More parts than this are taken for a child that lost itself.
    max_parts: u64,
    cancel: Cancel,
    started: Arc<AtomicBool>,
    answer: oneshot::Sender<Answer<R>>,
}

/// Makes a request once its id is known.
type MakeRequest<R> = Box<dyn FnOnce(u64) -> <R as Role>::Request + Send>;

enum Work<R: Role> {
    Load { pack_dir: PathBuf },
    Ask { request: MakeRequest<R>, body: Vec<u8> },
}

enum Command<R: Role> {
    Run(Box<Job<R>>),
    /// Forget the crash loop.
    Retry,
    /// End the child and free its memory; the pack is loaded again on demand.
    Unload(oneshot::Sender<()>),
}

/// The sending side of a worker. The child ends when the last copy is dropped.
pub(crate) struct Client<R: Role> {
    commands: mpsc::Sender<Command<R>>,
    /// Tells the owner when the last client is gone.
    alive: Arc<watch::Sender<()>>,
    state: watch::Receiver<WorkerState>,
    cancel_grace: Duration,
}

impl<R: Role> Client<R> {
    /// Starts the owner task; the child itself is started on demand.
    /// With `figures` the child is told that folder, to keep there what it measures of itself.
    pub fn start(program: PathBuf, limits: WorkerLimits, figures: Option<&Path>) -> Self {
        let (commands, inbox) = mpsc::channel(64);
        let (state_out, state) = watch::channel(WorkerState::Idle);
        let (alive, clients) = watch::channel(());
        tokio::spawn(owner::Owner::<R>::new(program, arguments::<R>(figures), limits, inbox, clients, state_out).run());
        Self { commands, alive: Arc::new(alive), state, cancel_grace: limits.cancel_grace }
    }

    pub fn state(&self) -> watch::Receiver<WorkerState> {
        self.state.clone()
    }

    pub async fn load(
        &self,
        pack_dir: &Path,
        parts: Option<mpsc::UnboundedSender<R::Reply>>,
        cancel: &Cancel,
    ) -> Answer<R> {
        self.run(Work::Load { pack_dir: pack_dir.to_owned() }, parts, u64::MAX, cancel).await
    }

    pub async fn ask(
        &self,
        request: impl FnOnce(u64) -> R::Request + Send + 'static,
        body: Vec<u8>,
        parts: Option<mpsc::UnboundedSender<R::Reply>>,
        max_parts: u64,
        cancel: &Cancel,
    ) -> Answer<R> {
        self.run(Work::Ask { request: Box::new(request), body }, parts, max_parts, cancel).await
    }

    pub async fn retry(&self) {
        let _ = self.commands.send(Command::Retry).await;
    }

    pub async fn unload(&self) {
        let (done, wait) = oneshot::channel();
        if self.commands.send(Command::Unload(done)).await.is_ok() {
            let _ = wait.await;
        }
    }

    async fn run(
        &self,
        work: Work<R>,
        parts: Option<mpsc::UnboundedSender<R::Reply>>,
        max_parts: u64,
        cancel: &Cancel,
    ) -> Answer<R> {
        let (answer, mut wait) = oneshot::channel();
        let started = Arc::new(AtomicBool::new(false));
        let job = Job { work, parts, max_parts, cancel: cancel.clone(), started: started.clone(), answer };
        let gone = || WorkerError::ShutDown(R::NAME);
        tokio::select! {
            sent = self.commands.send(Command::Run(Box::new(job))) => sent.map_err(|_| gone())?,
            () = cancel.cancelled() => return Err(WorkerError::Cancelled),
        }
        tokio::select! {
            biased;
            answer = &mut wait => return answer.unwrap_or_else(|_| Err(gone())),
            () = cancel.cancelled() => {}
        }
        // What still waits behind another request has nothing to say; the owner
        // skips it. Otherwise the owner ends it within the grace.
        if !started.load(Ordering::Acquire) {
            return Err(WorkerError::Cancelled);
        }
        let patience = self.cancel_grace + Duration::from_millis(300);
        match tokio::time::timeout(patience, wait).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(WorkerError::Cancelled),
        }
    }
}

impl<R: Role> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            alive: self.alive.clone(),
            state: self.state.clone(),
            cancel_grace: self.cancel_grace,
        }
    }
}

/// The command line of a worker child. It starts in another folder, so a relative path is resolved here.
fn arguments<R: Role>(figures: Option<&Path>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["worker".into(), R::NAME.into()];
    if let Some(folder) = figures.and_then(|folder| std::path::absolute(folder).ok()) {
        arguments.extend(["--figures".into(), folder.into()]);
    }
    arguments
}
