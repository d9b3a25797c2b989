//! What is sent for one file, in the order that the messages promise.

use crate::{input, last_words, sandbox::Protection};
use hilum_imaging::ImagingError;
use hilum_imaging::archive::{self, ArchiveError};
use hilum_workers::frame::{self, FrameError};
use hilum_workers::messages::decode::{DecodeReply, DecodeWants, LogoWants};
use std::fs::File;
use std::io::BufWriter;

/// Standard output, unbuffered for bodies.
pub struct Output(BufWriter<File>);

impl Output {
    pub fn new() -> Self {
        Self(BufWriter::new(input::standard_output()))
    }

    /// Sends one frame. While it is being written, [`last_words`] keeps quiet.
    pub fn send(&mut self, reply: &DecodeReply, body: &[u8]) -> Result<(), FrameError> {
        last_words::while_writing(|| frame::write(&mut self.0, reply, body))
    }
}

/// What the file is taken for.
pub enum Wants {
    Image(DecodeWants),
    Logo(LogoWants),
}

/// Reads standard input and answers everything that is wanted of it.
pub fn run(wants: &Wants, protection: Protection, out: &mut Output) -> Result<(), FrameError> {
    let answered = match wants {
        Wants::Image(wants) => answer(wants, protection, out),
        Wants::Logo(wants) => logo(wants, out),
    };
    match answered {
        Ok(()) => out.send(&DecodeReply::Done, &[]),
        Err(Stop::Parent(error)) => Err(error),
        Err(Stop::File { code, message }) => out.send(&DecodeReply::Refused { code: code.to_owned(), message }, &[]),
    }
}

/// Why the answers end early.
enum Stop {
    File { code: &'static str, message: String },
    Parent(FrameError),
}

impl From<ArchiveError> for Stop {
    fn from(error: ArchiveError) -> Self {
        Self::File { code: error.code(), message: error.to_string() }
    }
}

impl From<ImagingError> for Stop {
    fn from(error: ImagingError) -> Self {
        Self::File { code: error.code(), message: error.to_string() }
    }
}

impl From<hilum_imaging::logo::LogoError> for Stop {
    fn from(error: hilum_imaging::logo::LogoError) -> Self {
        Self::File { code: error.code(), message: error.to_string() }
    }
}

impl From<input::InputError> for Stop {
    fn from(error: input::InputError) -> Self {
        Self::File { code: error.code(), message: error.to_string() }
    }
}

impl From<FrameError> for Stop {
    fn from(error: FrameError) -> Self {
        Self::Parent(error)
    }
}

fn answer(wants: &DecodeWants, protection: Protection, out: &mut Output) -> Result<(), Stop> {
    let file = input::read_all()?;
    if wants.archive {
        return unpack(&file, out);
    }
    let dicom = hilum_imaging::read(&file)?;
    let mut header = dicom.header();
    if protection == Protection::None {
        header.warnings.push("decode.unprotected".to_owned());
    }
    let directory = !header.referenced_files.is_empty();
    out.send(&DecodeReply::Header(Box::new(header)), &[])?;
    if directory {
        // A disc's table of contents has no pixels to be asked for.
        return Ok(());
    }
    if wants.pixels {
        let pixels = dicom.pixels()?;
        out.send(&DecodeReply::Pixels(pixels.description.clone()), &pixels.to_le_bytes())?;
    }
    if let Some(longest) = wants.thumbnail {
        let (png, width, height) = dicom.thumbnail(longest)?;
        out.send(&DecodeReply::Thumbnail { width: width as u32, height: height as u32 }, &png)?;
    }
    for &side in &wants.model_inputs {
        let input = dicom.model_input(side)?;
        out.send(&DecodeReply::ModelInput { side }, &input)?;
    }
    if let Some(longest) = wants.display {
        let picture = dicom.display(longest)?;
        let reply = DecodeReply::Display { width: picture.width as u32, height: picture.height as u32 };
        out.send(&reply, &picture.bytes)?;
    }
    if wants.stored {
        let stored = dicom.stored()?;
        let reply = DecodeReply::Stored { dtype: stored.samples.dtype().to_owned(), shape: stored.shape() };
        out.send(&reply, &stored.samples.to_le_bytes())?;
    }
    Ok(())
}

fn logo(wants: &LogoWants, out: &mut Output) -> Result<(), Stop> {
    let logo = hilum_imaging::logo::read(&input::read_all()?, wants.logo)?;
    out.send(&DecodeReply::Logo { width: logo.width, height: logo.height }, &logo.rgb)?;
    Ok(())
}

/// Members one after another; one that is refused does not stop the others.
fn unpack(file: &[u8], out: &mut Output) -> Result<(), Stop> {
    for member in archive::members(file)? {
        match archive::unpack(file, &member) {
            Ok(bytes) => out.send(&DecodeReply::Member { name: member.name, refused: None }, &bytes)?,
            Err(e) => {
                let refused = Some((e.code().to_owned(), e.to_string()));
                out.send(&DecodeReply::Member { name: member.name, refused }, &[])?;
            }
        }
    }
    Ok(())
}
