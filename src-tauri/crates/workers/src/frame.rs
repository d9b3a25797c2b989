//! Frames over a pipe: `u32` length of the JSON head, `u32` length of the body,
//! both little-endian, then the two.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// Longest JSON head that is read, in bytes. Prompts, token lists and headers stay far below it.
pub const MAX_HEAD: u32 = 16 << 20;
/// Longest body that is read, in bytes: a 16384 x 16384 image of 16 bits.
pub const MAX_BODY: u32 = 512 << 20;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the pipe failed")]
    Io(#[from] io::Error),
    #[error("a frame announces {0} bytes, more than is allowed")]
    TooLong(u32),
    #[error("a frame's head is not what was expected")]
    Head(#[from] serde_json::Error),
}

/// Writes one frame and flushes it.
pub fn write<T: Serialize>(out: &mut impl Write, head: &T, body: &[u8]) -> Result<(), FrameError> {
    let head = serde_json::to_vec(head)?;
    let length = |n: usize, max: u32| u32::try_from(n).ok().filter(|n| *n <= max).ok_or(FrameError::TooLong(u32::MAX));
    out.write_all(&length(head.len(), MAX_HEAD)?.to_le_bytes())?;
    out.write_all(&length(body.len(), MAX_BODY)?.to_le_bytes())?;
    out.write_all(&head)?;
    out.write_all(body)?;
    out.flush()?;
    Ok(())
}

/// Reads one frame; `None` at a clean end of the pipe.
///
/// The body is read in steps, so that a lying length cannot reserve memory that
/// was never sent.
pub fn read<T: DeserializeOwned>(input: &mut impl Read) -> Result<Option<(T, Vec<u8>)>, FrameError> {
    let mut lengths = [0u8; 8];
    let mut got = 0;
    while got < lengths.len() {
        match input.read(&mut lengths[got..])? {
            0 if got == 0 => return Ok(None),
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            n => got += n,
        }
    }
    let head = u32::from_le_bytes([lengths[0], lengths[1], lengths[2], lengths[3]]);
    let body = u32::from_le_bytes([lengths[4], lengths[5], lengths[6], lengths[7]]);
    if head > MAX_HEAD {
        return Err(FrameError::TooLong(head));
    }
    if body > MAX_BODY {
        return Err(FrameError::TooLong(body));
    }
    let head = take(input, head)?;
    let body = take(input, body)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

fn take(input: &mut impl Read, length: u32) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::new();
    let read = input.take(u64::from(length)).read_to_end(&mut bytes)?;
    if read < length as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}
