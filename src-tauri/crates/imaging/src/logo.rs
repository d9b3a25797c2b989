//! A letterhead's logo: a PNG or JPEG in colour.

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, imageops};
use std::io::Cursor;

/// Largest file, bytes.
pub const MAX_FILE: usize = 8 << 20;
/// Largest side, pixels: a logo is printed at some centimetres.
pub const MAX_SIDE: u32 = 6000;
/// Most that a decoder may ask for, bytes: 6000 x 6000 pixels of four bytes, and as much beside them.
const MAX_MEMORY: u64 = 300 << 20;

/// Why a file gives no logo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    #[error("This file has {0} bytes; a logo may have at most 8 MB.")]
    FileSize(usize),
    #[error("This file is neither a PNG nor a JPEG picture.")]
    Kind,
    #[error("This picture has {0} x {1} pixels; a logo may have at most 6000 on a side.")]
    Pixels(u32, u32),
    #[error("This picture is damaged or of an unusual kind: {0}.")]
    Unreadable(String),
}

impl LogoError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FileSize(_) | Self::Pixels(..) => "logo.too_large",
            Self::Kind => "logo.kind",
            Self::Unreadable(_) => "logo.unreadable",
        }
    }
}

/// A picture in sRGB, row by row, three bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// Reads a logo and makes its longest side at most `longest` pixels; what is see-through becomes
/// white, because it is printed on paper. Never enlarges.
///
/// # Errors
/// [`LogoError`]; no memory is reserved for a picture that is too large.
pub fn read(bytes: &[u8], longest: u32) -> Result<Logo, LogoError> {
    if bytes.len() > MAX_FILE {
        return Err(LogoError::FileSize(bytes.len()));
    }
    let unreadable = |e: image::ImageError| LogoError::Unreadable(e.to_string());
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| LogoError::Kind)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(LogoError::Kind);
    }
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || width == 0 || height == 0 {
        return Err(LogoError::Pixels(width, height));
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    decoder.set_limits(limits).map_err(unreadable)?;
    let picture = on_white(DynamicImage::from_decoder(decoder).map_err(unreadable)?);
    let most = width.max(height);
    let picture = if most > longest.max(1) {
        let scaled = |n: u32| ((u64::from(n) * u64::from(longest) / u64::from(most)) as u32).max(1);
        imageops::resize(&picture, scaled(width), scaled(height), imageops::FilterType::CatmullRom)
    } else {
        picture
    };
    Ok(Logo { width: picture.width(), height: picture.height(), rgb: picture.into_raw() })
}

fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0;
        let over = |c: u8| ((u32::from(c) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8;
        image::Rgb([over(r), over(g), over(b)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("a PNG");
        bytes
    }

    fn check(bytes: &[u8], expected: Result<(u32, u32), &str>) {
        let found = read(bytes, 40);
        assert_eq!(found.as_ref().map(|l| (l.width, l.height)).map_err(LogoError::code), expected, "{found:?}");
        if let Ok(logo) = found {
            assert_eq!(logo.rgb.len(), (logo.width * logo.height * 3) as usize);
        }
    }

    #[test]
    fn logos_are_read_or_refused_with_a_reason() {
        check(&png(&DynamicImage::new_rgb8(20, 10)), Ok((20, 10)));
        check(&png(&DynamicImage::new_rgba16(400, 100)), Ok((40, 10)));
        check(&png(&DynamicImage::new_luma8(4000, 1)), Ok((40, 1)));
        let mut jpeg = Vec::new();
        DynamicImage::new_rgb8(30, 60).write_to(&mut Cursor::new(&mut jpeg), ImageFormat::Jpeg).expect("a JPEG");
        check(&jpeg, Ok((20, 40)));
        check(b"", Err("logo.kind"));
        check(b"<svg onload='alert(1)'/>", Err("logo.kind"));
        check(b"GIF89a\x01\0\x01\0\0\0\0;", Err("logo.kind"));
        check(&vec![0; MAX_FILE + 1], Err("logo.too_large"));
        check(&png(&DynamicImage::new_luma8(6001, 2)), Err("logo.too_large"));
        check(&jpeg[..jpeg.len() / 4], Err("logo.unreadable"));
        // A header that promises 4294967295 x 65535 pixels.
        let mut bomb = png(&DynamicImage::new_rgb8(2, 2));
        bomb[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
        assert!(matches!(read(&bomb, 40), Err(LogoError::Unreadable(_) | LogoError::Pixels(..))));
    }

    #[test]
    fn what_is_see_through_is_printed_white() {
        let mut picture = image::RgbaImage::new(2, 1);
        picture.put_pixel(1, 0, image::Rgba([10, 20, 30, 255]));
        let logo = read(&png(&DynamicImage::ImageRgba8(picture)), 40).expect("a logo");
        assert_eq!(logo.rgb, [255, 255, 255, 10, 20, 30]);
    }
}
