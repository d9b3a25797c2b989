//! DICOM to pixels: reading a file, its header as text, its stored values, and
//! the pictures that the viewer, the report and the models need.
//!
//! Everything here takes bytes and gives bytes; nothing opens a file, starts a
//! thread or keeps state. Files are untrusted: the decode child calls this
//! crate inside its limits, and sizes are checked against the bytes that are
//! there before memory is reserved for them. A data set is walked through by the
//! guard in [`elements`] first and then read by dicom-object ([`dataset`]);
//! frames are decoded by dicom-pixeldata where it is exact (`codec`).

pub mod archive;
pub mod charset;
mod codec;
pub mod dataset;
pub mod elements;
mod error;
mod header;
pub mod logo;
pub mod lut;
pub mod npy;
mod palette;
mod planes;
pub mod part10;
pub mod picture;
pub mod stored;

pub use error::ImagingError;
pub use stored::{Samples, Stored};

use hilum_workers::messages::decode::{DecodedHeader, PixelDescription, PixelKind, VoiFunction, Window};
use picture::Picture;
use std::borrow::Cow;
use std::cell::OnceCell;

/// One DICOM object, read as far as needed.
#[derive(Debug, Clone)]
pub struct Dicom<'a> {
    part10: part10::Part10<'a>,
    stored: OnceCell<Result<Stored, ImagingError>>,
}

/// Takes a file apart; pixels are decoded when first asked for.
///
/// # Errors
/// See [`part10::open`].
pub fn read(file: &[u8]) -> Result<Dicom<'_>, ImagingError> {
    Ok(Dicom { part10: part10::open(file)?, stored: OnceCell::new() })
}

impl Dicom<'_> {
    /// What the header says.
    pub fn header(&self) -> DecodedHeader {
        header::header(&self.part10)
    }

    /// Every person name of the object, sequences included, decoded.
    pub fn person_names(&self) -> Vec<String> {
        header::person_names(&self.part10)
    }

    /// Stored values of the first frame, before any LUT; colour as RGB.
    ///
    /// # Errors
    /// See [`stored::decode`].
    pub fn stored(&self) -> Result<&Stored, ImagingError> {
        self.stored
            .get_or_init(|| palette::apply(&self.part10, stored::decode(&self.part10)?))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Pixels for the viewer and how to show them.
    ///
    /// # Errors
    /// See [`stored::decode`].
    pub fn pixels(&self) -> Result<Pixels<'_>, ImagingError> {
        let stored = self.stored()?;
        let (mut description, texels) = if stored.channels == 3 {
            (colour_description(stored), Texels::Rgb(stored.samples.to_le_bytes()))
        } else {
            let gray = lut::gray(&self.part10, stored);
            (gray.description, Texels::Gray(gray.texels))
        };
        let (overlays, bits): (Vec<_>, Vec<_>) = planes::overlays(&self.part10).into_iter().unzip();
        description.overlays = overlays;
        description.shutter = planes::shutter(&self.part10);
        Ok(Pixels { description, texels, planes: bits.concat() })
    }

    /// The picture as displayed by default, grey, longest side at most `longest`.
    ///
    /// # Errors
    /// See [`stored::decode`]; [`ImagingError::Side`].
    pub fn display(&self, longest: u32) -> Result<Picture, ImagingError> {
        self.picture(|gray| gray.shown())?.fit(longest)
    }

    /// A PNG of [`Dicom::display`], with its width and height.
    ///
    /// # Errors
    /// As [`Dicom::display`].
    pub fn thumbnail(&self, longest: u32) -> Result<(Vec<u8>, usize, usize), ImagingError> {
        let picture = self.display(longest)?;
        Ok((picture.to_png()?, picture.width, picture.height))
    }

    /// The square 8-bit grey model input of the published chest pipeline: modality
    /// LUT, window where present, smallest to largest over the full range, inverted
    /// for MONOCHROME1, black padding to a square, then Pillow's antialiased
    /// bilinear to `side` x `side` bytes.
    ///
    /// # Errors
    /// See [`stored::decode`]; [`ImagingError::Side`].
    pub fn model_input(&self, side: u32) -> Result<Vec<u8>, ImagingError> {
        self.picture(|gray| gray.for_models())?.model_input(side)
    }

    fn picture(&self, shade: impl Fn(&lut::Gray) -> Vec<u8>) -> Result<Picture, ImagingError> {
        let stored = self.stored()?;
        let bytes = if stored.channels == 3 {
            picture::luma(&stored.samples.to_le_bytes())
        } else {
            shade(&lut::gray(&self.part10, stored))
        };
        Ok(Picture { width: stored.columns, height: stored.rows, bytes })
    }
}

/// One frame for the viewer.
#[derive(Debug, Clone)]
pub struct Pixels<'a> {
    pub description: PixelDescription,
    texels: Texels<'a>,
    /// Bits of the overlay planes, one plane after another.
    planes: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Texels<'a> {
    Gray(Cow<'a, [u16]>),
    Rgb(Cow<'a, [u8]>),
}

impl Pixels<'_> {
    /// Row by row: one little-endian `u16` a pixel for grey, three bytes a pixel for colour;
    /// then the overlay planes.
    pub fn to_le_bytes(&self) -> Cow<'_, [u8]> {
        let texels: Cow<'_, [u8]> = match &self.texels {
            Texels::Gray(texels) if cfg!(target_endian = "little") => Cow::Borrowed(bytemuck::cast_slice(texels)),
            Texels::Gray(texels) => texels.iter().flat_map(|t| t.to_le_bytes()).collect(),
            Texels::Rgb(bytes) => Cow::Borrowed(bytes),
        };
        if self.planes.is_empty() { texels } else { Cow::Owned([&*texels, &self.planes].concat()) }
    }
}

fn colour_description(stored: &Stored) -> PixelDescription {
    PixelDescription {
        rows: stored.rows as u32,
        columns: stored.columns as u32,
        kind: PixelKind::Rgb8,
        slope: 1.0,
        intercept: 0.0,
        min: 0,
        max: 255,
        inverted: false,
        windows: vec![Window { center: 128.0, width: 256.0, explanation: None, computed: true }],
        voi_function: VoiFunction::Linear,
        voi_lut: None,
        voi_lut_first: None,
        units: None,
        overlays: Vec::new(),
        shutter: Vec::new(),
    }
}
