//! Reading frames from a child that is not trusted, without blocking.

use crate::frame::MAX_BODY;
use serde::de::DeserializeOwned;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// Why reading from a child ended early.
#[derive(Debug)]
pub(crate) enum WireError {
    /// The pipe failed or ended inside a frame.
    Broken,
    /// A frame was begun and not finished in time.
    Slow,
    /// A length or a head that no honest child sends.
    Garbled,
}

impl From<io::Error> for WireError {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// Reads one frame; `None` at a clean end of the pipe.
///
/// `body_limit` says from the head how many bytes its body may have; `None`
/// means that such a head has no place here. The body grows with what arrives,
/// so a lying length reserves nothing. A frame has `patience` to arrive once
/// its first byte is there; before that there is no limit.
pub(crate) async fn read<T: DeserializeOwned>(
    input: &mut (impl AsyncRead + Unpin),
    max_head: u32,
    patience: Duration,
    body_limit: impl FnOnce(&T) -> Option<u64>,
) -> Result<Option<(T, Vec<u8>)>, WireError> {
    let mut lengths = [0u8; 8];
    let first = input.read(&mut lengths).await?;
    if first == 0 {
        return Ok(None);
    }
    let rest = async {
        input.read_exact(&mut lengths[first..]).await?;
        let head = u32::from_le_bytes([lengths[0], lengths[1], lengths[2], lengths[3]]);
        let body = u32::from_le_bytes([lengths[4], lengths[5], lengths[6], lengths[7]]);
        if head > max_head || body > MAX_BODY {
            return Err(WireError::Garbled);
        }
        let head: T = serde_json::from_slice(&take(input, head).await?).map_err(|_| WireError::Garbled)?;
        if body_limit(&head).is_none_or(|limit| u64::from(body) > limit) {
            return Err(WireError::Garbled);
        }
        let body = take(input, body).await?;
        Ok(Some((head, body)))
    };
    timeout(patience, rest).await.unwrap_or(Err(WireError::Slow))
}

async fn take(input: &mut (impl AsyncRead + Unpin), length: u32) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::with_capacity(length.min(64 << 10) as usize);
    let read = (&mut *input).take(u64::from(length)).read_to_end(&mut bytes).await?;
    if read < length as usize { Err(WireError::Broken) } else { Ok(bytes) }
}

/// Reads to the end and keeps the first `keep` bytes, so that a child never blocks on a full pipe.
pub(crate) async fn drain(mut input: impl AsyncRead + Unpin, keep: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0u8; 4096];
    while let Ok(n @ 1..) = input.read(&mut chunk).await {
        let room = keep.saturating_sub(kept.len()).min(n);
        kept.extend_from_slice(&chunk[..room]);
    }
    kept
}
