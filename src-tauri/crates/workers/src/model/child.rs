//! One running worker child: its pipes as channels.

use super::{Role, WorkerLimits};
use crate::{
    WorkerError, frame,
    process::{self, Life},
    wire::{self, WireError},
};
use std::{
    ffi::OsString,
    io,
    path::Path,
    process::{Command, Stdio},
};
use tokio::{
    io::AsyncWriteExt,
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::mpsc,
};

/// Longest JSON head from a worker: the token ids and log-probabilities of one
/// answer, or a load report.
const MAX_HEAD: u32 = 4 << 20;

/// What a model child may see of our environment: thread counts, how to compute, and nothing that names a person.
const PASSED_ON: [&str; 6] =
    ["RAYON_NUM_THREADS", "HILUM_THREADS", "HILUM_KERNELS", "HILUM_ENCODER", "HILUM_TOWER", "RUST_LOG"];

/// The engine keeps a hub cache in the home directory and looks for a token there
/// unless these say otherwise. A path below a device can never become a folder.
const OFFLINE: [(&str, &str); 3] =
    [("HF_HUB_OFFLINE", "1"), ("HF_HOME", "/dev/null/none"), ("HF_HUB_CACHE", "/dev/null/none")];

/// What comes out of the child's pipe; the channel closes after an error or the end.
pub(super) type Frame<R> = Result<(<R as Role>::Reply, Vec<u8>), WireError>;

pub(super) struct Child<R: Role> {
    pub life: Life,
    pub frames: mpsc::Receiver<Frame<R>>,
    requests: mpsc::Sender<Vec<u8>>,
}

impl<R: Role> Child<R> {
    pub async fn start(program: &Path, arguments: &[OsString], limits: &WorkerLimits) -> Result<Self, WorkerError> {
        let failed = |source| WorkerError::Start { program: program.to_owned(), source };
        let mut command = Command::new(program);
        process::confine(&mut command);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(OFFLINE);
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // For developers only: engine logs may quote prompts.
        if std::env::var_os("HILUM_WORKER_STDERR").is_some_and(|v| v == "inherit") {
            command.stderr(Stdio::inherit());
        }
        let started = process::start(command).await.map_err(failed)?;
        let missing = || failed(io::Error::other("a pipe is missing"));
        let mut stdin = ChildStdin::from_std(started.stdin.ok_or_else(missing)?).map_err(failed)?;
        let mut stdout = ChildStdout::from_std(started.stdout.ok_or_else(missing)?).map_err(failed)?;
        if let Some(stderr) = started.stderr {
            tokio::spawn(wire::drain(ChildStderr::from_std(stderr).map_err(failed)?, 0));
        }
        let (requests, mut to_send) = mpsc::channel::<Vec<u8>>(8);
        tokio::spawn(async move {
            while let Some(bytes) = to_send.recv().await {
                // A child that no longer reads shows by its silence or its end.
                if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
                    break;
                }
            }
        });
        let (out, frames) = mpsc::channel(64);
        let patience = limits.frame;
        tokio::spawn(async move {
            loop {
                let frame =
                    wire::read(&mut stdout, MAX_HEAD, patience, |reply| Some(R::body_limit(reply))).await.transpose();
                let Some(frame) = frame else { break };
                let broken = frame.is_err();
                if out.send(frame).await.is_err() || broken {
                    break;
                }
            }
        });
        Ok(Self { life: started.life, frames, requests })
    }

    /// Queues a request; whether the child reads it shows in its answers.
    pub fn send(&self, request: &R::Request, body: &[u8]) -> Result<(), WorkerError> {
        let mut bytes = Vec::with_capacity(body.len() + 1024);
        frame::write(&mut bytes, request, body).map_err(|_| WorkerError::Garbled(R::NAME))?;
        self.requests.try_send(bytes).map_err(|_| WorkerError::Died(R::NAME))
    }

    /// Ends the child and returns when it is reaped.
    pub async fn end(mut self) {
        self.life.kill();
        self.life.exited().await;
    }
}
