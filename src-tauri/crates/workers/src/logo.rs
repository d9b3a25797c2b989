//! A logo through the decode child: a picture in colour, small enough to be printed.

use crate::{
    Cancel, DecodeChild, DecodeInput, WorkerError,
    decode::{MAX_HEAD, descriptor},
    error::refusal,
    messages::decode::{DecodeReply, LogoWants},
    process::{self, Started},
    wire::{self, WireError},
};
use std::{io, process::Command, process::Stdio};
use tokio::process::ChildStdout;

/// A picture in sRGB, row by row, three bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoImage {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl DecodeChild {
    /// Decodes a PNG or JPEG in a fresh child, longest side at most `longest` pixels.
    ///
    /// # Errors
    /// As [`DecodeChild::decode`]; "logo.*" when the file is refused.
    pub async fn logo(&self, input: DecodeInput, longest: u32, cancel: &Cancel) -> Result<LogoImage, WorkerError> {
        let wants = serde_json::to_string(&LogoWants { logo: longest });
        let wants = wants.map_err(|e| WorkerError::Input(io::Error::other(e)))?;
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
                // A child that closes early has said why in its frames.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, &bytes).await;
            }
        };
        let size = |width: u32, height: u32| u64::from(width) * u64::from(height) * 3;
        let announced = |reply: &DecodeReply| match reply {
            DecodeReply::Logo { width, height } if *width <= longest && *height <= longest => {
                Some(size(*width, *height))
            }
            DecodeReply::Refused { .. } => Some(0),
            _ => None,
        };
        let reading = async {
            let (reply, rgb) = match wire::read(&mut stdout, MAX_HEAD, self.wall_limit, announced).await {
                Ok(Some(frame)) => frame,
                Ok(None) | Err(WireError::Broken) => return Err(WorkerError::DecodeKilled),
                Err(WireError::Slow) => return Err(WorkerError::DecodeTimeout),
                Err(WireError::Garbled) => return Err(WorkerError::DecodeGarbled),
            };
            match reply {
                DecodeReply::Logo { width, height } if rgb.len() as u64 == size(width, height) && !rgb.is_empty() => {
                    Ok(LogoImage { width, height, rgb })
                }
                DecodeReply::Refused { code, message } => {
                    Err(refusal(&code, &message).unwrap_or(WorkerError::DecodeGarbled))
                }
                _ => Err(WorkerError::DecodeGarbled),
            }
        };
        let talk = async { tokio::join!(reading, feeding).0 };
        let ended = tokio::select! {
            ended = tokio::time::timeout(self.wall_limit, talk) => ended.unwrap_or(Err(WorkerError::DecodeTimeout)),
            () = cancel.cancelled() => Err(WorkerError::Cancelled),
        };
        life.kill();
        life.exited().await;
        ended
    }
}
