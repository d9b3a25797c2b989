//! The file as it comes: standard input as a descriptor.

use hilum_imaging::part10::MAX_FILE;
use std::fs::File;
use std::io::Read;

/// Why standard input gives no file.
#[derive(Debug)]
pub enum InputError {
    Directory,
    TooLarge(u64),
    Unreadable(std::io::ErrorKind),
}

impl InputError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Directory => "file.directory",
            Self::TooLarge(_) => "dicom.too_large",
            Self::Unreadable(_) => "file.unreadable",
        }
    }
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => f.write_str("This is a folder, not a file."),
            Self::TooLarge(bytes) => {
                write!(f, "This file has {} MB; at most {} MB are read.", bytes >> 20, MAX_FILE >> 20)
            }
            Self::Unreadable(kind) => write!(f, "This file cannot be read ({kind})."),
        }
    }
}

/// Reads all of standard input.
///
/// A regular file is read from its beginning whatever its offset, since a
/// descriptor that the parent wrote stands at its end.
pub fn read_all() -> Result<Vec<u8>, InputError> {
    let input = standard_input();
    let unreadable = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::IsADirectory => InputError::Directory,
        kind => InputError::Unreadable(kind),
    };
    let about = input.metadata().map_err(unreadable)?;
    if about.is_dir() {
        return Err(InputError::Directory);
    }
    if about.is_file() {
        let length = about.len();
        if length > MAX_FILE as u64 {
            return Err(InputError::TooLarge(length));
        }
        return read_regular(&input, length as usize).map_err(unreadable);
    }
    let mut bytes = Vec::new();
    input.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_FILE {
        return Err(InputError::TooLarge(bytes.len() as u64));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn read_regular(input: &File, length: usize) -> std::io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; length];
    let mut at = 0;
    while at < length {
        match input.read_at(&mut bytes[at..], at as u64)? {
            0 => break,
            n => at += n,
        }
    }
    bytes.truncate(at);
    Ok(bytes)
}

#[cfg(not(unix))]
fn read_regular(mut input: &File, length: usize) -> std::io::Result<Vec<u8>> {
    use std::io::{Seek, SeekFrom};
    input.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(length);
    input.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn standard_input() -> File {
    use std::os::fd::AsFd;
    std::io::stdin().as_fd().try_clone_to_owned().expect("standard input is open").into()
}

#[cfg(not(unix))]
fn standard_input() -> File {
    use std::os::windows::io::AsHandle;
    std::io::stdin().as_handle().try_clone_to_owned().expect("standard input is open").into()
}

/// Standard output without the line buffering of [`std::io::stdout`].
#[cfg(unix)]
pub fn standard_output() -> File {
    use std::os::fd::AsFd;
    std::io::stdout().as_fd().try_clone_to_owned().expect("standard output is open").into()
}

#[cfg(not(unix))]
pub fn standard_output() -> File {
    use std::os::windows::io::AsHandle;
    std::io::stdout().as_handle().try_clone_to_owned().expect("standard output is open").into()
}
