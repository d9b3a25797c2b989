//! One file through the decode child: untrusted bytes in, checked frames out.

use crate::{
    Cancel, WorkerError,
    error::refusal,
    frame::MAX_BODY,
    locate::locate,
    messages::decode::{DecodeReply, DecodeWants, DecodedHeader, PixelDescription, PixelKind},
    process::{self, Started},
    wire::{self, WireError},
};
use std::{
    fs::File,
    io,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// Longest JSON head of the decoder: a VOI LUT of 65536 entries is below half of it.
pub(crate) const MAX_HEAD: u32 = 1 << 20;
/// How much of the child's standard error is looked at.
const KEPT_STDERR: usize = 4096;

/// Starts `hilum-decode` once for every file.
#[derive(Debug, Clone)]
pub struct DecodeChild {
    pub program: PathBuf,
    /// The child is ended when it is not done after this time.
    pub wall_limit: Duration,
}

/// The file to decode.
#[derive(Debug)]
pub enum DecodeInput {
    /// A file opened by the caller; the child gets the descriptor, never the path.
    File(File),
    /// Bytes from the vault; the child gets them as sealed anonymous memory.
    Bytes(Vec<u8>),
}

/// Everything that was asked for with [`DecodeWants`].
#[derive(Debug, Clone)]
pub struct Decoded {
    pub header: DecodedHeader,
    /// `u16` little-endian for grey, three bytes a pixel for colour, row by row.
    pub pixels: Option<(PixelDescription, Vec<u8>)>,
    pub stored: Option<StoredPixels>,
    pub thumbnail: Option<Thumbnail>,
    /// Side and `side` x `side` bytes of grey, in the order of the wants.
    pub model_inputs: Vec<(u32, Vec<u8>)>,
    pub display: Option<DisplayImage>,
}

/// Stored values of the first frame as the file has them.
#[derive(Debug, Clone)]
pub struct StoredPixels {
    /// NumPy type string, for example "<u2".
    pub dtype: String,
    /// Rows, columns and, for colour, samples.
    pub shape: Vec<u32>,
    pub bytes: Vec<u8>,
}

/// A small PNG for lists.
#[derive(Debug, Clone)]
pub struct Thumbnail {
    pub width: u32,
    pub height: u32,
    pub png: Vec<u8>,
}

/// 8-bit grey as displayed with the default window, `width` x `height` bytes.
#[derive(Debug, Clone)]
pub struct DisplayImage {
    pub width: u32,
    pub height: u32,
    pub gray: Vec<u8>,
}

impl DecodeChild {
    /// Ten seconds for each file, as the design sets it.
    pub fn new(program: PathBuf) -> Self {
        Self { program, wall_limit: Duration::from_secs(10) }
    }

    /// The `hilum-decode` that was installed with this program.
    ///
    /// # Errors
    /// [`WorkerError::NotFound`] when it is not there.
    pub fn located() -> Result<Self, WorkerError> {
        locate("hilum-decode").map(Self::new)
    }

    /// Decodes one file in a fresh child and returns when the child is gone.
    ///
    /// # Errors
    /// [`WorkerError::Refused`] with the decoder's own code; `decode.killed`,
    /// `decode.timeout` or `decode.garbled` when the child failed;
    /// [`WorkerError::Cancelled`] when `cancel` was thrown first.
    pub async fn decode(
        &self,
        input: DecodeInput,
        wants: &DecodeWants,
        cancel: &Cancel,
    ) -> Result<Decoded, WorkerError> {
        let wants_json = serde_json::to_string(wants).map_err(|e| WorkerError::Input(io::Error::other(e)))?;
        let (stdin, feed) = descriptor(input).await.map_err(WorkerError::Input)?;
        let mut command = Command::new(&self.program);
        process::confine(&mut command);
        command.arg(wants_json).env("MALLOC_ARENA_MAX", "1");
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start_error = |source| WorkerError::Start { program: self.program.clone(), source };
        let Started { stdin, stdout, stderr, mut life } = process::start(command).await.map_err(start_error)?;
        let pipe_missing = || start_error(io::Error::other("a pipe is missing"));
        let mut stdout = ChildStdout::from_std(stdout.ok_or_else(pipe_missing)?).map_err(start_error)?;
        let stderr = ChildStderr::from_std(stderr.ok_or_else(pipe_missing)?).map_err(start_error)?;
        let stdin = stdin.map(ChildStdin::from_std).transpose().map_err(start_error)?;

        let talk = async {
            let reading = async {
                let read = read_all(&mut stdout, wants, self.wall_limit).await;
                // Only a child that fell silent is left to end by itself, for its status says why.
                if !matches!(read, Err(Stop::Ended)) {
                    life.kill();
                }
                read
            };
            let feeding = async {
                if let (Some(mut stdin), Some(bytes)) = (stdin, feed) {
                    // A child that closes early has said why in its frames.
                    let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, &bytes).await;
                }
            };
            let (read, said, ()) = tokio::join!(reading, wire::drain(stderr, KEPT_STDERR), feeding);
            (read, said, life.exited().await)
        };
        let ended = tokio::select! {
            ended = tokio::time::timeout(self.wall_limit, talk) => ended.map_err(|_| WorkerError::DecodeTimeout),
            () = cancel.cancelled() => Err(WorkerError::Cancelled),
        };
        let (read, said, status) = match ended {
            Ok(ended) => ended,
            Err(e) => {
                life.kill();
                life.exited().await;
                return Err(e);
            }
        };
        match read {
            Ok(decoded) => Ok(decoded),
            Err(Stop::Refused(e)) => Err(e),
            Err(Stop::Garbled) => Err(WorkerError::DecodeGarbled),
            Err(Stop::Slow) => Err(WorkerError::DecodeTimeout),
            Err(Stop::Ended) if status.is_some_and(|s| s.success()) => Err(WorkerError::DecodeGarbled),
            Err(Stop::Ended) if String::from_utf8_lossy(&said).contains("memory allocation of") => {
                Err(WorkerError::DecodeMemory)
            }
            Err(Stop::Ended) => Err(WorkerError::DecodeKilled),
        }
    }
}

enum Stop {
    Refused(WorkerError),
    Garbled,
    Slow,
    Ended,
}

impl From<WireError> for Stop {
    fn from(e: WireError) -> Self {
        match e {
            WireError::Broken => Self::Ended,
            WireError::Slow => Self::Slow,
            WireError::Garbled => Self::Garbled,
        }
    }
}

/// Reads the answers in their order and holds each body against what the header announced.
async fn read_all(stdout: &mut ChildStdout, wants: &DecodeWants, patience: Duration) -> Result<Decoded, Stop> {
    let first = wire::read(stdout, MAX_HEAD, patience, |reply: &DecodeReply| match reply {
        DecodeReply::Header(_) | DecodeReply::Refused { .. } => Some(0),
        _ => None,
    });
    let header = match first.await?.ok_or(Stop::Ended)?.0 {
        DecodeReply::Header(header) => *header,
        DecodeReply::Refused { code, message } => return Err(refused(&code, &message)),
        _ => return Err(Stop::Garbled),
    };
    let mut decoded =
        Decoded { header, pixels: None, stored: None, thumbnail: None, model_inputs: Vec::new(), display: None };
    loop {
        let announced = |reply: &DecodeReply| body_size(reply, wants, &decoded);
        let (reply, body) = wire::read(stdout, MAX_HEAD, patience, announced).await?.ok_or(Stop::Ended)?;
        // A PNG may be shorter than its bound; raw pixels may not.
        let exact = !matches!(reply, DecodeReply::Thumbnail { .. });
        if exact && body_size(&reply, wants, &decoded) != Some(body.len() as u64) {
            return Err(Stop::Garbled);
        }
        match reply {
            DecodeReply::Header(_) | DecodeReply::Member { .. } | DecodeReply::Logo { .. } => {
                return Err(Stop::Garbled);
            }
            DecodeReply::Pixels(description) => decoded.pixels = Some((description, body)),
            DecodeReply::Stored { dtype, shape } => {
                decoded.stored = Some(StoredPixels { dtype, shape, bytes: body });
            }
            DecodeReply::Thumbnail { width, height } => {
                decoded.thumbnail = Some(Thumbnail { width, height, png: body });
            }
            DecodeReply::ModelInput { side } => decoded.model_inputs.push((side, body)),
            DecodeReply::Display { width, height } => {
                decoded.display = Some(DisplayImage { width, height, gray: body });
            }
            DecodeReply::Done => return complete(decoded, wants),
            DecodeReply::Refused { code, message } => return Err(refused(&code, &message)),
        }
    }
}

fn refused(code: &str, message: &str) -> Stop {
    refusal(code, message).map_or(Stop::Garbled, Stop::Refused)
}

/// Everything that was wanted is there, in the order in which it was wanted.
fn complete(mut decoded: Decoded, wants: &DecodeWants) -> Result<Decoded, Stop> {
    let place = |side: u32| wants.model_inputs.iter().position(|wanted| *wanted == side);
    decoded.model_inputs.sort_by_key(|(side, _)| place(*side));
    if decoded.header.rows.is_none() {
        // An object without pixels has a header and nothing else to send.
        return Ok(decoded);
    }
    let all = decoded.pixels.is_some() == wants.pixels
        && decoded.stored.is_some() == wants.stored
        && decoded.thumbnail.is_some() == wants.thumbnail.is_some()
        && decoded.display.is_some() == wants.display.is_some()
        && wants.model_inputs.iter().all(|side| decoded.model_inputs.iter().any(|(sent, _)| sent == side));
    if all { Ok(decoded) } else { Err(Stop::Garbled) }
}

/// How long the body of this answer is, in bytes (for a PNG: at most), or
/// `None` when it was not wanted, was sent before, or contradicts the header.
fn body_size(reply: &DecodeReply, wants: &DecodeWants, so_far: &Decoded) -> Option<u64> {
    let area = |a: u32, b: u32| u64::from(a).checked_mul(u64::from(b));
    let matches_header =
        |rows: u32, columns: u32| so_far.header.rows == Some(rows) && so_far.header.columns == Some(columns);
    let size = match reply {
        DecodeReply::Header(_) => None,
        DecodeReply::Done | DecodeReply::Refused { .. } => Some(0),
        DecodeReply::Pixels(d) if wants.pixels && so_far.pixels.is_none() && matches_header(d.rows, d.columns) => {
            let each = match d.kind {
                PixelKind::Gray16 => 2,
                PixelKind::Rgb8 => 3,
            };
            let planes = d.overlays.iter().try_fold(0u64, |sum, plane| sum.checked_add(plane.bytes()));
            area(d.rows, d.columns)?.checked_mul(each)?.checked_add(planes?)
        }
        DecodeReply::Stored { dtype, shape } if wants.stored && so_far.stored.is_none() => {
            let each = match dtype.as_str() {
                "|u1" | "|i1" => 1,
                "<u2" | "<i2" => 2,
                "<u4" | "<i4" => 4,
                _ => return None,
            };
            match shape[..] {
                [rows, columns] if matches_header(rows, columns) => area(rows, columns)?.checked_mul(each),
                [rows, columns, samples @ 1..=4] if matches_header(rows, columns) => {
                    area(rows, columns)?.checked_mul(each * u64::from(samples))
                }
                _ => None,
            }
        }
        DecodeReply::Thumbnail { width, height } if so_far.thumbnail.is_none() => {
            let longest = wants.thumbnail?;
            // An incompressible RGBA picture and the PNG's own parts stay below this.
            (*width <= longest && *height <= longest).then(|| area(longest, longest).map(|n| n * 5 + 65536))?
        }
        DecodeReply::ModelInput { side }
            if wants.model_inputs.contains(side) && so_far.model_inputs.iter().all(|(sent, _)| sent != side) =>
        {
            area(*side, *side)
        }
        DecodeReply::Display { width, height } if so_far.display.is_none() => {
            let longest = wants.display?;
            (*width <= longest && *height <= longest).then(|| area(*width, *height))?
        }
        _ => None,
    };
    size.filter(|n| *n <= u64::from(MAX_BODY))
}

#[cfg(target_os = "linux")]
pub(crate) async fn descriptor(input: DecodeInput) -> io::Result<(Stdio, Option<Vec<u8>>)> {
    match input {
        DecodeInput::File(file) => Ok((file.into(), None)),
        DecodeInput::Bytes(bytes) => {
            let sealed = tokio::task::spawn_blocking(move || sealed_memory(&bytes)).await.map_err(io::Error::other)?;
            Ok((sealed?.into(), None))
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) async fn descriptor(input: DecodeInput) -> io::Result<(Stdio, Option<Vec<u8>>)> {
    Ok(match input {
        DecodeInput::File(file) => (file.into(), None),
        DecodeInput::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
    })
}

/// Anonymous memory that holds `bytes` and can no longer change: the child can
/// read it like a file, and no plaintext reaches a disk.
#[cfg(target_os = "linux")]
fn sealed_memory(bytes: &[u8]) -> io::Result<File> {
    use std::{
        io::{Seek, Write},
        os::fd::{AsRawFd, FromRawFd},
    };
    // SAFETY: the call takes a constant string; its result is checked before it is owned.
    let fd = unsafe { libc::memfd_create(c"hilum-input".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` is fresh and owned by nobody else.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(bytes)?;
    file.rewind()?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: a plain system call on a descriptor that is owned here.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(file)
}
