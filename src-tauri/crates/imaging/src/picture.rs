//! Eight-bit pictures: model inputs, the key image, thumbnails.

use crate::error::ImagingError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::io::Cursor;

/// Largest side of a picture that may be asked for.
pub const MAX_SIDE: u32 = 4096;

/// A grey picture, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub bytes: Vec<u8>,
}

impl Picture {
    /// Makes the longest side at most `longest` pixels, keeping the shape; never enlarges.
    pub fn fit(self, longest: u32) -> Result<Self, ImagingError> {
        let longest = side(longest)?;
        let current = self.width.max(self.height);
        if current <= longest {
            return Ok(self);
        }
        let scaled = |n: usize| ((n * longest + current / 2) / current).max(1);
        Ok(self.resize(scaled(self.width), scaled(self.height)))
    }

    /// Bilinear with a support that grows with the reduction (antialiased): what
    /// Pillow's `Image.resize(..., BILINEAR)` does, byte for byte, because the
    /// models' published image processors resize with Pillow.
    pub fn resize(&self, width: usize, height: usize) -> Self {
        self.resample(Axis::whole(self.width, width), Axis::whole(self.height, height))
    }

    fn resample(&self, across: Axis, down: Axis) -> Self {
        let (width, height) = (across.out, down.out);
        let rows = pass(&self.bytes, self.width, across);
        // The second pass works on the transposed picture and turns it back.
        let turned = transpose(&rows, width, self.height);
        let columns = pass(&turned, self.height, down);
        Self { width, height, bytes: transpose(&columns, height, width) }
    }

    /// The square model input of this picture: padded with black to a square, the
    /// picture in the middle (the odd row or column goes below or right, as in the
    /// published pipeline), then resized. The padding is only reckoned with, never
    /// stored, so that a thin picture costs no more than its own pixels.
    pub fn model_input(&self, wanted: u32) -> Result<Vec<u8>, ImagingError> {
        let out = side(wanted)?;
        let padded = self.width.max(self.height);
        let axis = |length: usize| Axis { padded, before: (padded - length) / 2, out };
        Ok(self.resample(axis(self.width), axis(self.height)).bytes)
    }

    /// Encodes as an 8-bit grey PNG.
    pub fn to_png(&self) -> Result<Vec<u8>, ImagingError> {
        let mut png = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut png);
        image::ImageEncoder::write_image(
            encoder,
            &self.bytes,
            self.width as u32,
            self.height as u32,
            image::ExtendedColorType::L8,
        )
        .map_err(|e| ImagingError::Picture(e.to_string()))?;
        Ok(png)
    }
}

/// Model input of a PNG or JPEG: grey (ITU-R 601 luma), padded with black to a
/// square, bilinear. `side` x `side` bytes.
///
/// 8-bit pictures keep their values, since they were windowed by whoever made
/// them; 16-bit ones are stretched from smallest to largest first, as the
/// published pipeline does with anything wider than a byte.
///
/// # Errors
/// [`ImagingError::Picture`] for what is no PNG or JPEG or is larger than 64 million
/// pixels, [`ImagingError::Side`].
pub fn model_input_from_png_or_jpeg(bytes: &[u8], side: u32) -> Result<Vec<u8>, ImagingError> {
    from_png_or_jpeg(bytes)?.model_input(side)
}

/// Reads a PNG or JPEG as an 8-bit grey picture; see [`model_input_from_png_or_jpeg`].
pub fn from_png_or_jpeg(bytes: &[u8]) -> Result<Picture, ImagingError> {
    let unreadable = |e: image::ImageError| ImagingError::Picture(e.to_string());
    let reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| ImagingError::Picture(e.to_string()))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(ImagingError::Picture("it is neither PNG nor JPEG".to_owned()));
    }
    let decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > crate::stored::MAX_SAMPLES as u64 {
        return Err(ImagingError::Picture(format!("{width} x {height} pixels are too many")));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    let (width, height) = (width as usize, height as usize);
    let wide = matches!(
        picture,
        DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_)
    );
    let bytes = if wide {
        let grey = picture.into_luma16().into_raw();
        let (low, high) = grey.iter().fold((u16::MAX, 0), |(l, h), v| (l.min(*v), h.max(*v)));
        let span = f64::from(high.saturating_sub(low).max(1));
        grey.iter().map(|v| (f64::from(v - low) * 255.0 / span).round() as u8).collect()
    } else {
        match picture {
            DynamicImage::ImageLuma8(grey) => grey.into_raw(),
            colour => luma(colour.into_rgb8().as_raw()),
        }
    };
    Ok(Picture { width, height, bytes })
}

/// ITU-R 601 luma of interleaved RGB, in Pillow's fixed-point form.
pub fn luma(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3)
        .map(|p| {
            let sum = u32::from(p[0]) * 19595 + u32::from(p[1]) * 38470 + u32::from(p[2]) * 7471 + 0x8000;
            (sum >> 16) as u8
        })
        .collect()
}

fn side(wanted: u32) -> Result<usize, ImagingError> {
    if (1..=MAX_SIDE).contains(&wanted) { Ok(wanted as usize) } else { Err(ImagingError::Side(wanted, MAX_SIDE)) }
}

/// Bits after the point of the fixed-point weights, as in Pillow for 8-bit pictures.
const PRECISION: u32 = 32 - 8 - 2;

/// One direction of a resize: from `padded` pixels, the picture's own starting
/// after `before` black ones, to `out` pixels.
#[derive(Clone, Copy)]
struct Axis {
    padded: usize,
    before: usize,
    out: usize,
}

impl Axis {
    fn whole(length: usize, out: usize) -> Self {
        Self { padded: length, before: 0, out }
    }
}

/// Weights of one output pixel, over the picture's own pixels.
struct Weights {
    first: usize,
    weights: Vec<i32>,
}

/// Resamples every row of `width` pixels.
fn pass(bytes: &[u8], width: usize, axis: Axis) -> Vec<u8> {
    if width == axis.padded && width == axis.out {
        return bytes.to_vec();
    }
    let columns: Vec<Weights> = (0..axis.out).map(|x| weights(x, width, axis)).collect();
    let mut result = Vec::with_capacity(axis.out * (bytes.len() / width));
    for row in bytes.chunks_exact(width) {
        for column in &columns {
            let pixels = &row[column.first..column.first + column.weights.len()];
            let sum: i32 = pixels.iter().zip(&column.weights).map(|(p, w)| i32::from(*p) * w).sum();
            result.push(((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8);
        }
    }
    result
}

fn weights(x: usize, width: usize, axis: Axis) -> Weights {
    let scale = axis.padded as f64 / axis.out as f64;
    let support = scale.max(1.0);
    let center = (x as f64 + 0.5) * scale;
    let first = ((center - support + 0.5) as i64).max(0) as usize;
    let last = ((center + support + 0.5) as i64).min(axis.padded as i64) as usize;
    let triangle = |i: usize| (1.0 - ((i as f64 - center + 0.5) / support).abs()).max(0.0);
    let sum: f64 = (first..last).map(triangle).sum();
    let fixed = |i: usize| (0.5 + triangle(i) / sum * f64::from(1 << PRECISION)) as i32;
    // Black pixels add nothing, so only those of the picture are kept.
    let own = first.clamp(axis.before, axis.before + width)..last.clamp(axis.before, axis.before + width);
    Weights { first: own.start - axis.before, weights: own.map(fixed).collect() }
}

fn transpose(bytes: &[u8], width: usize, height: usize) -> Vec<u8> {
    const BLOCK: usize = 64;
    let mut turned = vec![0; bytes.len()];
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for y in top..(top + BLOCK).min(height) {
                for x in left..(left + BLOCK).min(width) {
                    turned[x * height + y] = bytes[y * width + x];
                }
            }
        }
    }
    turned
}
