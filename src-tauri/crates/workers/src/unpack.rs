//! A ZIP archive through the decode child: its members one after another, each in memory only.

use crate::{
    Cancel, DecodeChild, DecodeInput, WorkerError,
    decode::{MAX_HEAD, descriptor},
    error::refusal,
    messages::decode::{DecodeReply, DecodeWants},
    process::{self, Started},
    wire::{self, WireError},
};
use std::{io, process::Command, process::Stdio};
use tokio::{process::ChildStdout, sync::mpsc};

/// Largest member that is taken from the child, bytes; the child unpacks no larger one.
const MAX_MEMBER: u64 = 160 << 20;

/// A member of an archive.
#[derive(Debug)]
pub struct Unpacked {
    /// As the archive names it: text to show, never a path to write to.
    pub name: String,
    /// Its bytes, or the code and sentence with which it was refused.
    pub bytes: Result<Vec<u8>, (String, String)>,
}

impl DecodeChild {
    /// Unpacks an archive in a fresh child and hands over its members as they come; the child
    /// waits while `members` is full.
    ///
    /// # Errors
    /// As [`DecodeChild::decode`]; "zip.*" when the archive as a whole is refused.
    pub async fn unpack(
        &self,
        input: DecodeInput,
        members: &mpsc::Sender<Unpacked>,
        cancel: &Cancel,
    ) -> Result<(), WorkerError> {
        let wants = DecodeWants { archive: true, ..DecodeWants::default() };
        let wants = serde_json::to_string(&wants).map_err(|e| WorkerError::Input(io::Error::other(e)))?;
        let (stdin, feed) = descriptor(input).await.map_err(WorkerError::Input)?;
        let mut command = Command::new(&self.program);
        process::confine(&mut command);
        command.arg(wants).env("MALLOC_ARENA_MAX", "1");
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null());
        let start_error = |source| WorkerError::Start { program: self.program.clone(), source };
        let Started { stdin, stdout, stderr: _, mut life } = process::start(command).await.map_err(start_error)?;
        let missing = || start_error(io::Error::other("a pipe is missing"));
        let mut stdout = ChildStdout::from_std(stdout.ok_or_else(missing)?).map_err(start_error)?;
        let stdin = stdin.map(tokio::process::ChildStdin::from_std).transpose().map_err(start_error)?;
        let feeding = async {
            if let (Some(mut stdin), Some(bytes)) = (stdin, feed) {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, &bytes).await;
            }
        };
        let reading = async {
            loop {
                let next = wire::read(&mut stdout, MAX_HEAD, self.wall_limit, |reply: &DecodeReply| match reply {
                    DecodeReply::Member { refused: None, .. } => Some(MAX_MEMBER),
                    DecodeReply::Member { .. } | DecodeReply::Done | DecodeReply::Refused { .. } => Some(0),
                    _ => None,
                });
                // What the child needs between two members is unpacking one.
                let read = tokio::time::timeout(self.wall_limit, next).await;
                let (reply, body) = match read.map_err(|_| WorkerError::DecodeTimeout)? {
                    Ok(Some(frame)) => frame,
                    Ok(None) | Err(WireError::Broken) => return Err(WorkerError::DecodeKilled),
                    Err(WireError::Slow) => return Err(WorkerError::DecodeTimeout),
                    Err(WireError::Garbled) => return Err(WorkerError::DecodeGarbled),
                };
                let member = match reply {
                    DecodeReply::Done => return Ok(()),
                    DecodeReply::Refused { code, message } => {
                        return Err(refusal(&code, &message).unwrap_or(WorkerError::DecodeGarbled));
                    }
                    DecodeReply::Member { name, refused: Some((code, message)) } => {
                        Unpacked { name, bytes: Err((code, message)) }
                    }
                    DecodeReply::Member { name, refused: None } => Unpacked { name, bytes: Ok(body) },
                    _ => return Err(WorkerError::DecodeGarbled),
                };
                if members.send(member).await.is_err() {
                    return Err(WorkerError::Cancelled);
                }
            }
        };
        let talk = async { tokio::join!(reading, feeding).0 };
        let ended = tokio::select! {
            ended = talk => ended,
            () = cancel.cancelled() => Err(WorkerError::Cancelled),
        };
        life.kill();
        life.exited().await;
        ended
    }
}
