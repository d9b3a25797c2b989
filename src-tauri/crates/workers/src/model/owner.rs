//! The task that owns a worker child.

use super::{
    Answer, Command, Job, Meaning, Role, Work, WorkerLimits, WorkerState,
    child::{Child, Frame},
};
use crate::{Cancel, WorkerError, error::refusal, wire::WireError};
use std::{
    collections::{HashMap, VecDeque},
    ffi::OsString,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

pub(super) struct Owner<R: Role> {
    program: PathBuf,
    /// Of the child's command line.
    arguments: Vec<OsString>,
    limits: WorkerLimits,
    inbox: mpsc::Receiver<Command<R>>,
    /// Its senders are the clients.
    clients: watch::Receiver<()>,
    state: watch::Sender<WorkerState>,
    child: Option<Child<R>>,
    /// What is or was loaded, and is loaded again after a death.
    pack: Option<PathBuf>,
    /// What the running child answered when it had loaded `pack`.
    loaded: Option<R::Reply>,
    /// The child died and its place is still empty.
    restart: bool,
    deaths: VecDeque<Instant>,
    /// When the child last said anything.
    heard: Instant,
    /// How the running child goes on with each kind of request that it answered.
    paces: HashMap<&'static str, Pace>,
    next_id: u64,
}

/// How many times as long as at work a child may be silent while it loads: its heartbeat goes on, but memory that is
/// filled from a disk can hold up every thread.
const LOADING_PATIENCE: u32 = 6;

/// Pauses between two signs of progress in requests of one kind.
struct Pace {
    longest: Duration,
    /// The first answer of a child may have waited for what it prepares once; the second takes its place.
    first: bool,
}

/// How the answering of one request ended, as far as the child is concerned.
enum Ending<R: Role> {
    Answered {
        reply: R::Reply,
        body: Vec<u8>,
        /// `None` where it was cut short.
        longest_pause: Option<Duration>,
    },
    /// The child declined and lives on.
    Declined(WorkerError),
    /// The child has to be ended because nobody wants the answer any more.
    Abandoned,
    /// The child is broken.
    Broken(WorkerError),
}

/// What is common to the answering of a load and of a request.
struct Watching<'a, R: Role> {
    id: u64,
    deadline: Instant,
    /// A child that reads gigabytes may be silent for longer.
    loading: bool,
    /// Without a sign of progress for so long the child counts as hung.
    stall: Option<Duration>,
    max_parts: u64,
    parts: Option<&'a mpsc::UnboundedSender<R::Reply>>,
    cancel: &'a Cancel,
}

impl<R: Role> Owner<R> {
    pub fn new(
        program: PathBuf,
        arguments: Vec<OsString>,
        limits: WorkerLimits,
        inbox: mpsc::Receiver<Command<R>>,
        clients: watch::Receiver<()>,
        state: watch::Sender<WorkerState>,
    ) -> Self {
        Self {
            program,
            arguments,
            limits,
            inbox,
            clients,
            state,
            child: None,
            pack: None,
            loaded: None,
            restart: false,
            deaths: VecDeque::new(),
            heard: Instant::now(),
            paces: HashMap::new(),
            next_id: 1,
        }
    }

    /// Runs until every client is gone, then ends the child.
    pub async fn run(mut self) {
        loop {
            let silent_at = self.heard + self.limits.silence;
            tokio::select! {
                biased;
                command = self.inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => break,
                },
                () = std::future::ready(()), if self.restart => self.replace().await,
                frame = next_frame(&mut self.child) => match frame {
                    // A heartbeat, or a late word about a request that was given up.
                    Some(Ok(_)) => self.heard = Instant::now(),
                    Some(Err(_)) | None => self.note_death().await,
                },
                () = sleep_until(silent_at), if self.child.is_some() => self.note_death().await,
            }
        }
        self.end_child().await;
    }

    async fn obey(&mut self, command: Command<R>) {
        match command {
            Command::Retry => {
                self.deaths.clear();
                if matches!(*self.state.borrow(), WorkerState::Failed { .. }) {
                    self.say(WorkerState::Idle);
                }
            }
            Command::Unload(done) => {
                self.end_child().await;
                self.say(WorkerState::Idle);
                let _ = done.send(());
            }
            Command::Run(job) => self.perform(*job).await,
        }
    }

    async fn perform(&mut self, job: Job<R>) {
        let Job { work, parts, max_parts, cancel, started, mut answer } = job;
        started.store(true, Ordering::Release);
        if cancel.is_cancelled() || answer.is_closed() {
            let _ = answer.send(Err(WorkerError::Cancelled));
            return;
        }
        // A caller that went away is a cancel too.
        let unwanted = Cancel::new();
        let result = {
            let watched = async {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = answer.closed() => {}
                }
                unwanted.cancel();
                std::future::pending::<()>().await
            };
            tokio::select! {
                result = self.work(work, parts.as_ref(), max_parts, &unwanted) => result,
                () = watched => Err(WorkerError::Cancelled),
            }
        };
        let _ = answer.send(result);
    }

    async fn work(
        &mut self,
        work: Work<R>,
        parts: Option<&mpsc::UnboundedSender<R::Reply>>,
        max_parts: u64,
        cancel: &Cancel,
    ) -> Answer<R> {
        match work {
            Work::Load { pack_dir } => self.load(&pack_dir, parts, cancel).await,
            Work::Ask { request, body } => {
                if self.loaded.is_none() {
                    let pack = self.pack.clone().ok_or(WorkerError::NotLoaded(R::NAME))?;
                    self.load(&pack, parts, cancel).await?;
                }
                let id = self.id();
                self.say(WorkerState::Working);
                let request = request(id);
                let kind = R::steady(&request);
                let pace = kind.and_then(|kind| self.paces.get(kind));
                let stall = pace.map(|pace| (pace.longest * self.limits.stall_factor).max(self.limits.stall));
                let deadline = Instant::now() + self.limits.request;
                let watching = Watching { id, deadline, loading: false, stall, max_parts, parts, cancel };
                self.converse(request, kind, &body, watching).await
            }
        }
    }

    /// Loads a pack into a fresh child, so that the memory of the one before is free first.
    async fn load(
        &mut self,
        pack_dir: &Path,
        parts: Option<&mpsc::UnboundedSender<R::Reply>>,
        cancel: &Cancel,
    ) -> Answer<R> {
        if self.crash_loop() {
            return Err(WorkerError::CrashLoop(R::NAME));
        }
        if let Some(reply) = self.loaded.as_ref().filter(|_| self.pack.as_deref() == Some(pack_dir)) {
            return Ok((reply.clone(), Vec::new()));
        }
        self.end_child().await;
        self.pack = Some(pack_dir.to_owned());
        self.say(WorkerState::Loading);
        match Child::start(&self.program, &self.arguments, &self.limits).await {
            Ok(child) => self.child = Some(child),
            Err(e) => {
                self.say(WorkerState::Failed { code: e.code().to_owned() });
                return Err(e);
            }
        }
        self.heard = Instant::now();
        // Another child may work on another device, at another pace.
        self.paces.clear();
        let id = self.id();
        let request = R::load(id, pack_dir.to_string_lossy().into_owned());
        let deadline = Instant::now() + self.limits.load;
        let watching = Watching { id, deadline, loading: true, stall: None, max_parts: u64::MAX, parts, cancel };
        let answer = self.converse(request, None, &[], watching).await;
        match &answer {
            Ok((reply, _)) => self.loaded = Some(reply.clone()),
            Err(WorkerError::Refused { code, .. }) => {
                // The pack is at fault: trying it again by itself would not help.
                self.pack = None;
                let code = code.clone();
                self.end_child().await;
                self.say(WorkerState::Failed { code });
            }
            Err(_) => {}
        }
        answer
    }

    /// Sends one request and follows it to its end; afterwards the child is
    /// either ready for the next one or gone.
    async fn converse(
        &mut self,
        request: R::Request,
        kind: Option<&'static str>,
        body: &[u8],
        watching: Watching<'_, R>,
    ) -> Answer<R> {
        let ending = match self.child.as_mut() {
            None => Ending::Broken(WorkerError::Died(R::NAME)),
            Some(child) => match child.send(&request, body) {
                Err(e) => Ending::Broken(e),
                Ok(()) => follow(child, watching, &self.limits, &mut self.heard).await,
            },
        };
        match ending {
            Ending::Answered { reply, body, longest_pause } => {
                if let (Some(kind), Some(pause)) = (kind, longest_pause) {
                    let next = |pace: &mut Pace| {
                        *pace =
                            Pace { longest: if pace.first { pause } else { pause.max(pace.longest) }, first: false };
                    };
                    self.paces.entry(kind).and_modify(next).or_insert(Pace { longest: pause, first: true });
                }
                self.say(WorkerState::Ready);
                Ok((reply, body))
            }
            Ending::Declined(e) => {
                self.say(WorkerState::Ready);
                Err(e)
            }
            Ending::Abandoned => {
                self.end_child().await;
                self.say(WorkerState::Idle);
                Err(WorkerError::Cancelled)
            }
            Ending::Broken(e) => {
                self.note_death().await;
                Err(e)
            }
        }
    }

    /// Puts a new child in the place of one that died, so that the next request
    /// does not wait for loading. Commands wait meanwhile; the end of the last
    /// client ends the loading.
    async fn replace(&mut self) {
        self.restart = false;
        let Some(pack) = self.pack.clone().filter(|_| !self.crash_loop()) else { return };
        let never = Cancel::new();
        let mut clients = self.clients.clone();
        let no_client_left = async move { while clients.changed().await.is_ok() {} };
        tokio::select! {
            _ = self.load(&pack, None, &never) => {}
            () = no_client_left => {}
        }
    }

    async fn note_death(&mut self) {
        self.end_child().await;
        let now = Instant::now();
        self.deaths.push_back(now);
        while self.deaths.front().is_some_and(|at| now.duration_since(*at) > self.limits.crash_window) {
            self.deaths.pop_front();
        }
        tracing::warn!(worker = R::NAME, deaths = self.deaths.len(), "a worker died or was ended");
        if self.crash_loop() {
            self.say(WorkerState::Failed { code: WorkerError::CrashLoop(R::NAME).code().to_owned() });
        } else {
            self.restart = true;
            self.say(WorkerState::Restarted);
        }
    }

    fn crash_loop(&self) -> bool {
        self.deaths.len() >= self.limits.crashes
    }

    async fn end_child(&mut self) {
        self.loaded = None;
        self.restart = false;
        if let Some(child) = self.child.take() {
            child.end().await;
        }
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn say(&self, state: WorkerState) {
        self.state.send_replace(state);
    }
}

async fn next_frame<R: Role>(child: &mut Option<Child<R>>) -> Option<Frame<R>> {
    match child {
        Some(child) => child.frames.recv().await,
        None => std::future::pending().await,
    }
}

/// Reads until the request is answered, nobody wants the answer, or the child is broken.
async fn follow<R: Role>(
    child: &mut Child<R>,
    watching: Watching<'_, R>,
    limits: &WorkerLimits,
    heard: &mut Instant,
) -> Ending<R> {
    let mut parts_seen = 0u64;
    let mut give_up: Option<Instant> = None;
    *heard = Instant::now();
    // Heartbeats come from a thread of their own and say nothing of the work.
    let (mut progressed, mut longest_pause) = (Instant::now(), Duration::ZERO);
    loop {
        let stalled_at = progressed + watching.stall.unwrap_or_default();
        let patience = if watching.loading { limits.silence * LOADING_PATIENCE } else { limits.silence };
        let silent_at = *heard + patience;
        let frame = tokio::select! {
            biased;
            () = watching.cancel.cancelled(), if give_up.is_none() => {
                // A model that is being loaded has nothing worth waiting for. A role
                // without a cancel message is waited for, because loading again costs more.
                let unheard = R::cancel(watching.id).is_some_and(|request| child.send(&request, &[]).is_err());
                if watching.loading || unheard {
                    return Ending::Abandoned;
                }
                give_up = Some(Instant::now() + limits.cancel_grace);
                continue;
            }
            () = sleep_until(give_up.unwrap_or(watching.deadline)), if give_up.is_some() => return Ending::Abandoned,
            () = sleep_until(watching.deadline) => return Ending::Broken(WorkerError::Timeout(R::NAME)),
            () = sleep_until(silent_at) => return Ending::Broken(WorkerError::Hung(R::NAME)),
            () = sleep_until(stalled_at), if watching.stall.is_some() && give_up.is_none() => {
                return Ending::Broken(WorkerError::Hung(R::NAME));
            }
            frame = child.frames.recv() => frame,
        };
        // A child may end itself where its engine cannot stop otherwise.
        if give_up.is_some() && !matches!(frame, Some(Ok(_))) {
            return Ending::Abandoned;
        }
        let (reply, body) = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(WireError::Garbled)) => return Ending::Broken(WorkerError::Garbled(R::NAME)),
            Some(Err(WireError::Slow)) => return Ending::Broken(WorkerError::Hung(R::NAME)),
            Some(Err(WireError::Broken)) | None => return Ending::Broken(WorkerError::Died(R::NAME)),
        };
        *heard = Instant::now();
        match R::meaning(&reply) {
            Meaning::Last(id) if id == watching.id => {
                let longest_pause = give_up.is_none().then(|| longest_pause.max(progressed.elapsed()));
                return Ending::Answered { reply, body, longest_pause };
            }
            Meaning::Failed { id, code, message } if id == watching.id => {
                return match refusal(code, message) {
                    Some(e) => Ending::Declined(e),
                    None => Ending::Broken(WorkerError::Garbled(R::NAME)),
                };
            }
            Meaning::Part(id) if id == watching.id => {
                parts_seen += 1;
                longest_pause = longest_pause.max(progressed.elapsed());
                progressed = Instant::now();
                if parts_seen > watching.max_parts {
                    return Ending::Broken(WorkerError::Garbled(R::NAME));
                }
                if let Some(parts) = watching.parts {
                    let _ = parts.send(reply);
                }
            }
            Meaning::Nonsense => return Ending::Broken(WorkerError::Garbled(R::NAME)),
            // Heartbeats, and late words about requests that were given up.
            _ => {}
        }
    }
}
