//! Runs the real child and takes its frames apart.

#![allow(dead_code, reason = "each test file uses a part of this")]

use hilum_workers::frame;
use hilum_workers::messages::decode::{DecodeReply, DecodeWants, DecodedHeader, PixelDescription};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Everything that may be asked for.
pub fn everything() -> DecodeWants {
    DecodeWants { pixels: true, thumbnail: Some(96), model_inputs: vec![448, 896], display: Some(256), stored: true, archive: false }
}

/// What one run of the child came to.
#[derive(Debug)]
pub struct Run {
    pub replies: Vec<(DecodeReply, Vec<u8>)>,
    /// How it ended, where it did not end by itself with status 0.
    pub died: Option<String>,
    pub wall: Duration,
}

impl Run {
    pub fn header(&self) -> Option<&DecodedHeader> {
        self.replies.iter().find_map(|(reply, _)| match reply {
            DecodeReply::Header(header) => Some(&**header),
            _ => None,
        })
    }

    pub fn pixels(&self) -> Option<(&PixelDescription, &[u8])> {
        self.replies.iter().find_map(|(reply, body)| match reply {
            DecodeReply::Pixels(description) => Some((description, &body[..])),
            _ => None,
        })
    }

    /// NumPy type, shape and values.
    pub fn stored(&self) -> Option<(&str, &[u32], &[u8])> {
        self.replies.iter().find_map(|(reply, body)| match reply {
            DecodeReply::Stored { dtype, shape } => Some((&dtype[..], &shape[..], &body[..])),
            _ => None,
        })
    }

    pub fn refusal(&self) -> Option<(&str, &str)> {
        self.replies.iter().find_map(|(reply, _)| match reply {
            DecodeReply::Refused { code, message } => Some((&code[..], &message[..])),
            _ => None,
        })
    }

    pub fn done(&self) -> bool {
        matches!(self.replies.last(), Some((DecodeReply::Done, _)))
    }
}

/// Runs the child on bytes, which it gets as a file.
pub fn decode(bytes: &[u8], wants: &DecodeWants) -> Run {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    run(Stdio::from(file), wants)
}

/// Runs the child on a file or whatever else can be opened.
pub fn decode_path(path: &Path, wants: &DecodeWants) -> Run {
    run(Stdio::from(std::fs::File::open(path).unwrap()), wants)
}

fn run(input: Stdio, wants: &DecodeWants) -> Run {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hilum-decode"))
        .arg(serde_json::to_string(wants).unwrap())
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut replies = Vec::new();
    let mut broken = None;
    loop {
        match frame::read::<DecodeReply>(&mut out) {
            Ok(Some(reply)) => replies.push(reply),
            Ok(None) => break,
            Err(error) => {
                broken = Some(error.to_string());
                break;
            }
        }
    }
    drop(out);
    let status = child.wait().unwrap();
    let died = if status.success() { broken } else { Some(status.to_string()) };
    Run { replies, died, wall: start.elapsed() }
}

/// The folder of shared test data, or `None` with the reason printed.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/dicom").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    hilum_testkit::skipped(format_args!("{} is not here", path.display()));
    None
}

/// The values of a little-endian NumPy type as integers.
pub fn integers(dtype: &str, bytes: &[u8]) -> Vec<i64> {
    match dtype {
        "|u1" => bytes.iter().map(|b| i64::from(*b)).collect(),
        "|i1" => bytes.iter().map(|b| i64::from(*b as i8)).collect(),
        "<u2" => bytes.chunks_exact(2).map(|b| i64::from(u16::from_le_bytes([b[0], b[1]]))).collect(),
        "<i2" => bytes.chunks_exact(2).map(|b| i64::from(i16::from_le_bytes([b[0], b[1]]))).collect(),
        "<u4" => bytes.chunks_exact(4).map(|b| i64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
        "<i4" => bytes.chunks_exact(4).map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
        other => panic!("no such type: {other}"),
    }
}
