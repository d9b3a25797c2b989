//! The decode child: one file in on standard input, frames out, then exit.
//!
//! The child is started as `hilum-decode '<DecodeWants as JSON>'` with the file
//! as its standard input (a regular file or a sealed memory file, so that it
//! can be read with `pread`). It answers with frames in this order:
//! [`DecodeReply::Header`] once, then what was asked for, then
//! [`DecodeReply::Done`]; or [`DecodeReply::Refused`] at any point, after which
//! nothing follows.

use serde::{Deserialize, Serialize};

/// What the parent wants of one file. The header is always sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecodeWants {
    /// Pixels for the viewer ([`DecodeReply::Pixels`]).
    pub pixels: bool,
    /// Longest side of a PNG thumbnail in pixels, windowed as displayed.
    pub thumbnail: Option<u32>,
    /// Sides of the square 8-bit model inputs wanted, for example 448 and 896.
    pub model_inputs: Vec<u32>,
    /// Longest side of an 8-bit grey picture as displayed, for the report's key image.
    pub display: Option<u32>,
    /// Stored pixel values as decoded, before any LUT ([`DecodeReply::Stored`]).
    pub stored: bool,
    /// The file is a ZIP archive: its members are wanted ([`DecodeReply::Member`]), and no header.
    #[serde(default)]
    pub archive: bool,
}

/// What the parent wants of a file that is a logo: a PNG or JPEG, and no header. It stands in the
/// place of [`DecodeWants`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoWants {
    /// Longest side in pixels, to which it is made smaller.
    pub logo: u32,
}

/// One answer of the decode child. The body that travels with it is named at each variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum DecodeReply {
    /// No body.
    Header(Box<DecodedHeader>),
    /// Body: the first frame, row by row; `u16` little-endian for grey, three
    /// bytes a pixel for colour; then the bits of each overlay plane.
    Pixels(PixelDescription),
    /// Body: stored values of the first frame, row by row; `dtype` is a NumPy
    /// type string ("|u1", "<u2", "<i2", "|i1", "<i4", "<u4"); `shape` is rows, columns and,
    /// for colour, samples.
    Stored { dtype: String, shape: Vec<u32> },
    /// Body: a PNG.
    Thumbnail { width: u32, height: u32 },
    /// Body: `side` x `side` bytes of grey, prepared as the published chest
    /// pipeline does (facts: modality LUT, window where present, full range,
    /// inverted for MONOCHROME1, padded with zeros to a square, bilinear).
    ModelInput { side: u32 },
    /// Body: `width` x `height` bytes of grey as displayed with the default window.
    Display { width: u32, height: u32 },
    /// Body: `width` x `height` pixels of three bytes, sRGB, what was see-through on white.
    Logo { width: u32, height: u32 },
    /// A member of an archive. Body: its bytes; none where it was refused, with code and sentence.
    Member { name: String, refused: Option<(String, String)> },
    /// No body. Everything asked for was sent.
    Done,
    /// No body. `code` is stable ("dicom.not_dicom"), `message` is a plain sentence
    /// without patient identifiers.
    Refused { code: String, message: String },
}

/// What the header of a file says, as text; absent or unreadable values are `None`.
///
/// Every string is decoded with the file's own character sets and is text to
/// show, never markup and never part of a prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecodedHeader {
    pub sop_class_uid: String,
    pub sop_instance_uid: String,
    pub study_uid: String,
    pub series_uid: String,
    pub transfer_syntax_uid: String,
    /// (0008,0005) as written, values joined by a backslash.
    pub specific_character_set: Option<String>,

    /// Patient's name as DICOM writes it, component groups kept: `Alphabetic=Ideographic=Phonetic`.
    pub patient_name: Option<String>,
    pub patient_id: Option<String>,
    /// "M", "F", "O" or what stands there.
    pub patient_sex: Option<String>,
    /// YYYYMMDD as in the file.
    pub patient_birth_date: Option<String>,
    /// DICOM age string, for example "058Y".
    pub patient_age: Option<String>,
    pub issuer_of_patient_id: Option<String>,

    pub accession_number: Option<String>,
    pub study_id: Option<String>,
    /// YYYYMMDD.
    pub study_date: Option<String>,
    /// HHMMSS.FFFFFF as in the file.
    pub study_time: Option<String>,
    pub study_description: Option<String>,
    pub referring_physician: Option<String>,
    pub institution: Option<String>,

    pub modality: Option<String>,
    pub series_number: Option<i64>,
    pub series_description: Option<String>,
    pub body_part: Option<String>,
    /// (0018,5101), for example "PA", "AP", "LL".
    pub view_position: Option<String>,
    /// (0020,0020) row and column direction letters, for example "L\\F".
    pub patient_orientation: Option<String>,
    /// (0020,0060) or (0020,0062).
    pub laterality: Option<String>,
    pub instance_number: Option<i64>,
    pub acquisition_date: Option<String>,
    pub acquisition_time: Option<String>,
    pub manufacturer: Option<String>,
    pub model_name: Option<String>,
    pub burned_in_annotation: Option<String>,

    /// Absent when the object has no pixels.
    pub rows: Option<u32>,
    pub columns: Option<u32>,
    pub frames: u32,
    pub samples_per_pixel: u16,
    pub bits_allocated: u16,
    pub bits_stored: u16,
    /// True for two's complement stored values.
    pub signed: bool,
    pub photometric: Option<String>,
    /// Row spacing then column spacing in millimetres, from Pixel Spacing (0028,0030).
    pub pixel_spacing: Option<[f64; 2]>,
    /// Same, at the detector, from Imager Pixel Spacing (0018,1164).
    pub imager_pixel_spacing: Option<[f64; 2]>,
    /// Of each lossy compression that the image went through, in their order, from Lossy Image Compression Ratio
    /// (0028,2112): 10 for a tenth of the bytes. Empty where the file does not say.
    pub lossy_ratios: Vec<f64>,
    /// Files that a DICOMDIR names, relative to its folder, parts joined by a slash.
    pub referenced_files: Vec<String>,

    /// Things that were odd but did not stop the reading: stable codes such as
    /// "header.no_preamble", "header.no_meta", "header.missing_window", "pixels.padded", "pixels.lossy".
    pub warnings: Vec<String>,
}

/// Where the square of [`DecodeReply::ModelInput`] lies on the stored image, in its pixels.
///
/// The image is in the middle of the square; where the difference is odd, the odd row or
/// column of black goes below or right, as in the published pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SquarePlacement {
    /// Columns of black left of the image.
    pub left: u32,
    /// Rows of black above it.
    pub above: u32,
    /// Side of the square before it is resized.
    pub size: u32,
}

impl SquarePlacement {
    pub fn of(rows: u32, columns: u32) -> SquarePlacement {
        let size = rows.max(columns);
        SquarePlacement { left: (size - columns) / 2, above: (size - rows) / 2, size }
    }
}

/// How to show the pixels that travel beside this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PixelDescription {
    pub rows: u32,
    pub columns: u32,
    pub kind: PixelKind,
    /// Modality value = `texel * slope + intercept`. The modality LUT, where the
    /// file has one as a table, is already applied and these are 1 and an offset.
    pub slope: f64,
    pub intercept: f64,
    /// Smallest and largest texel that occur (padding left out).
    pub min: u16,
    pub max: u16,
    /// True when small values are shown bright (MONOCHROME1, or Presentation LUT Shape INVERSE).
    pub inverted: bool,
    /// Windows of the file in modality units, the default first; when the file
    /// has none, one over the range that occurs, with `computed` set.
    pub windows: Vec<Window>,
    pub voi_function: VoiFunction,
    /// A VOI LUT sequence as a table: entry i is the display value (0 to 65535)
    /// of modality value `voi_lut_first + i`.
    pub voi_lut: Option<Vec<u16>>,
    pub voi_lut_first: Option<i32>,
    /// What the modality units are, (0028,1054), for example "US" or "HU".
    pub units: Option<String>,
    /// Overlay planes (60xx), whose bits follow the pixels in this order.
    #[serde(default)]
    pub overlays: Vec<OverlayPlane>,
    /// Shutters; several hide what any of them hides.
    #[serde(default)]
    pub shutter: Vec<ShutterShape>,
}

/// Where an overlay plane (PS3.3 C.9.2) lies: its first pixel, counted from 0 at the image's
/// top left, and its size. Its bits fill whole bytes, the least significant bit first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlayPlane {
    pub rows: u32,
    pub columns: u32,
    pub top: i32,
    pub left: i32,
    pub label: Option<String>,
}

impl OverlayPlane {
    /// Bytes that its bits take.
    pub fn bytes(&self) -> u64 {
        (u64::from(self.rows) * u64::from(self.columns)).div_ceil(8)
    }
}

/// What a shutter (PS3.3 C.7.6.11) leaves to be seen, in image pixels from the top left corner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
pub enum ShutterShape {
    Rectangle { left: f64, top: f64, right: f64, bottom: f64 },
    Circle { x: f64, y: f64, radius: f64 },
    /// Columns and rows of the corners.
    Polygon { points: Vec<[f64; 2]> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PixelKind {
    Gray16,
    Rgb8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub center: f64,
    pub width: f64,
    pub explanation: Option<String>,
    /// True when no file said so and the range of the pixels was taken.
    pub computed: bool,
}

/// VOI LUT Function (0028,1056), DICOM PS3.3 C.11.2.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiFunction {
    #[default]
    Linear,
    LinearExact,
    Sigmoid,
}
