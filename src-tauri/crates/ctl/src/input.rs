//! One image from a file: DICOM through the decode child, PNG and JPEG directly.

use crate::failure::{Failure, Result};
use crate::settings::Settings;
use hilum_imaging::picture::{self, Picture};
use hilum_workers::{DecodeChild, DecodeInput, Decoded, messages::decode::DecodeWants};
use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
};

/// Largest PNG or JPEG file that is read, in bytes.
const MAX_PICTURE: u64 = 256 << 20;

/// What a file turned out to be.
pub enum Source {
    Dicom(File),
    Picture(Picture),
}

/// Opens a file and looks at its first bytes.
///
/// DICOM is left to the decode child, unread. A PNG or JPEG is something that the
/// person at the command line chose, and is read here.
pub async fn open(path: &Path) -> Result<Source> {
    let path = path.to_owned();
    let read = move || -> Result<Source> {
        let unreadable = |e: std::io::Error| Failure::read(&path, &e);
        let mut file = File::open(&path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(Failure::refused("file.directory", "it is a folder, not an image").about(&path));
        }
        let mut start = Vec::new();
        (&mut file).take(4).read_to_end(&mut start).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        if !(start.starts_with(b"\x89PNG") || start.starts_with(&[0xff, 0xd8, 0xff])) {
            return Ok(Source::Dicom(file));
        }
        let mut bytes = Vec::new();
        file.take(MAX_PICTURE).read_to_end(&mut bytes).map_err(unreadable)?;
        let picture = picture::from_png_or_jpeg(&bytes).map_err(|e| Failure::from(e).about(&path))?;
        Ok(Source::Picture(picture))
    };
    tokio::task::spawn_blocking(read).await.map_err(|e| Failure::internal("ctl.thread", e.to_string()))?
}

/// Runs the decode child over an opened DICOM file.
pub async fn decode(settings: &Settings, path: &Path, file: File, wants: &DecodeWants) -> Result<Decoded> {
    let decoder = DecodeChild::located()?;
    decoder.decode(DecodeInput::File(file), wants, &settings.cancel).await.map_err(|e| Failure::from(e).about(path))
}

/// The square model input of an image file: `side` x `side` bytes of grey.
pub async fn model_input(settings: &Settings, path: &Path, side: u32) -> Result<Vec<u8>> {
    match open(path).await? {
        Source::Picture(picture) => picture.model_input(side).map_err(|e| Failure::from(e).about(path)),
        Source::Dicom(file) => {
            let wants = DecodeWants { model_inputs: vec![side], ..DecodeWants::default() };
            let decoded = decode(settings, path, file, &wants).await?;
            let input = decoded.model_inputs.into_iter().next();
            input
                .map(|(_, gray)| gray)
                .ok_or_else(|| Failure::refused("dicom.no_pixels", "the file has no image").about(path))
        }
    }
}
