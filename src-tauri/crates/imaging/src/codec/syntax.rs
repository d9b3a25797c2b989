//! Which transfer syntaxes (PS3.6 table A-1) are decoded, and how each of them stores pixels.
//!
//! The list alone decides: pixels under a name that it does not hold are refused before they are looked at, however
//! well a decoder would take them, because under such a name the same bytes may mean something else. Frames of JPEG
//! 2000 part 2 (.92, .93) are components of one another; a hierarchical JPEG (.59 to .66) begins with a small picture
//! of what is meant; GE's own 1.2.840.113619.5.2 has its pixels in another order of bytes than its header.

use super::Stream;
use crate::error::ImagingError;
use crate::part10::{DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, RLE};

/// How a transfer syntax stores pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// As they are, in one value of a stated length.
    Native,
    /// In fragments, where every frame is a stream of its own.
    Compressed(Stream),
}

const DECODED: [(&str, Storage); 18] = [
    (IMPLICIT_LE, Storage::Native),
    (EXPLICIT_LE, Storage::Native),
    (DEFLATED_LE, Storage::Native),
    (EXPLICIT_BE, Storage::Native),
    (RLE, Storage::Compressed(Stream::Rle)),
    ("1.2.840.10008.1.2.4.50", Storage::Compressed(Stream::Jpeg)),
    ("1.2.840.10008.1.2.4.51", Storage::Compressed(Stream::Jpeg)),
    ("1.2.840.10008.1.2.4.53", Storage::Compressed(Stream::Jpeg)),
    ("1.2.840.10008.1.2.4.55", Storage::Compressed(Stream::Jpeg)),
    ("1.2.840.10008.1.2.4.57", Storage::Compressed(Stream::JpegLossless)),
    ("1.2.840.10008.1.2.4.70", Storage::Compressed(Stream::JpegLossless)),
    ("1.2.840.10008.1.2.4.80", Storage::Compressed(Stream::JpegLs)),
    ("1.2.840.10008.1.2.4.81", Storage::Compressed(Stream::JpegLs)),
    ("1.2.840.10008.1.2.4.90", Storage::Compressed(Stream::Jpeg2000)),
    ("1.2.840.10008.1.2.4.91", Storage::Compressed(Stream::Jpeg2000)),
    ("1.2.840.10008.1.2.4.201", Storage::Compressed(Stream::Jpeg2000)),
    ("1.2.840.10008.1.2.4.202", Storage::Compressed(Stream::Jpeg2000)),
    ("1.2.840.10008.1.2.4.203", Storage::Compressed(Stream::Jpeg2000)),
];

impl Storage {
    /// Looks a transfer syntax up.
    ///
    /// # Errors
    /// [`ImagingError::UnsupportedTransferSyntax`] for one whose pixels are not decoded here.
    pub fn of(syntax: &str) -> Result<Self, ImagingError> {
        let known = DECODED.iter().find(|(uid, _)| *uid == syntax);
        known.map(|(_, storage)| *storage).ok_or_else(|| ImagingError::UnsupportedTransferSyntax(name(syntax)))
    }
}

/// As the end of a sentence that a person reads.
fn name(syntax: &str) -> String {
    // A damaged file may have anything in the place of the name, somebody's own among it.
    let is_uid = syntax.len() <= 64 && syntax.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match syntax {
        _ if !is_uid => "an unknown transfer syntax".to_owned(),
        s if s.starts_with("1.2.840.10008.1.2.4.10") => "video".to_owned(),
        s if s.starts_with("1.2.840.10008.1.2.4.11") => "JPEG XL".to_owned(),
        s => format!("transfer syntax {s}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::fixture;
    use crate::stored::Stored;
    use hilum_testkit::dicom::DicomFile;
    use hilum_testkit::transfer_syntaxes;

    /// One of each compression.
    const FRAMES: [&str; 7] =
        ["rle", "jpeg_baseline", "jpeg_progressive", "jpeg_lossless", "jpegls", "jpeg2000", "htj2k"];

    /// The frame of a fixture in a file of another name.
    fn renamed(frame: &str, syntax: &str) -> Vec<u8> {
        let (bytes, format, _) = fixture(frame);
        let (rows, columns) = (format.rows as u16, format.columns as u16);
        let header = DicomFile::header(rows, columns, format.bits_allocated, format.bits_stored);
        header.fragments(vec![bytes]).write_as(syntax)
    }

    fn native(syntax: &str) -> Vec<u8> {
        DicomFile::radiograph(6, 5, 12, |row, column| (row * 5 + column) as u16).write_as(syntax)
    }

    fn decoded(file: &[u8]) -> Result<Stored, &'static str> {
        let stored = crate::read(file).and_then(|dicom| dicom.stored().cloned());
        stored.map_err(|refused| refused.code())
    }

    fn warnings(file: &[u8]) -> Vec<String> {
        crate::read(file).expect("a file").header().warnings
    }

    #[test]
    fn the_list_is_of_the_standard_and_names_nothing_twice() {
        for (n, (uid, _)) in DECODED.iter().enumerate() {
            assert!(transfer_syntaxes::ALL.iter().any(|(known, _)| known == uid), "{uid} is not in the standard");
            assert!(DECODED[..n].iter().all(|(other, _)| other != uid), "{uid} is there twice");
        }
    }

    #[test]
    fn what_the_list_does_not_name_is_refused_however_well_it_would_decode() {
        let others = transfer_syntaxes::ALL.iter().filter(|(uid, _)| Storage::of(uid).is_err());
        let mut refused = 0;
        for (uid, name) in others.chain(&transfer_syntaxes::NOT_OF_THE_STANDARD) {
            let files = FRAMES.iter().map(|frame| (*frame, renamed(frame, uid)));
            for (what, file) in files.chain([("native", native(uid))]) {
                assert_eq!(decoded(&file), Err("dicom.unsupported_transfer_syntax"), "{what} as {uid} ({name})");
                refused += 1;
            }
        }
        let standard = transfer_syntaxes::ALL.len() - DECODED.len();
        assert_eq!(refused, (standard + transfer_syntaxes::NOT_OF_THE_STANDARD.len()) * (FRAMES.len() + 1));
    }

    #[test]
    fn a_stream_in_the_value_of_native_pixels_is_no_picture() {
        for (uid, storage) in DECODED {
            let wanted = if storage == Storage::Native { None } else { Some("dicom.pixels") };
            assert_eq!(decoded(&native(uid)).err(), wanted, "{uid}");
        }
    }

    /// Frame, the transfer syntax that the file states, and whether the reader has to be told that some of it is lost.
    #[test]
    fn a_frame_of_another_compression_than_stated_is_read_and_said() {
        for (frame, stated, lossy) in [
            ("jpeg_baseline", "1.2.840.10008.1.2.4.70", true),
            ("jpeg_progressive", "1.2.840.10008.1.2.4.90", true),
            ("jpeg_lossless", "1.2.840.10008.1.2.4.90", false),
            ("jpegls", "1.2.840.10008.1.2.4.57", true),
            ("jpeg2000", "1.2.840.10008.1.2.4.80", true),
            ("htj2k", EXPLICIT_LE, true),
        ] {
            let (_, _, own) = fixture(frame);
            let (file, honest) = (renamed(frame, stated), renamed(frame, &own));
            assert_eq!(decoded(&file), decoded(&honest), "{frame}");
            assert!(decoded(&honest).is_ok(), "{frame}");
            let said = |file: &[u8], code: &str| warnings(file).iter().any(|warning| warning == code);
            assert!(said(&file, "header.compression_differs"), "{frame}");
            assert_eq!(said(&file, "pixels.lossy"), lossy, "{frame}");
            assert!(!said(&honest, "header.compression_differs"), "{frame}");
        }
        // RLE has no first bytes of its own, so that nothing else is taken for it, nor it for anything else.
        for (frame, stated) in [("rle", "1.2.840.10008.1.2.4.70"), ("jpeg_lossless", RLE), ("rle", EXPLICIT_LE)] {
            assert_eq!(decoded(&renamed(frame, stated)).err(), Some("dicom.pixels"), "{frame} as {stated}");
        }
    }

    #[test]
    fn a_name_from_a_file_is_shown_only_where_it_is_one() {
        for (syntax, wanted) in [
            ("1.2.840.10008.1.2.4.102", "video"),
            ("1.2.840.10008.1.2.4.111", "JPEG XL"),
            ("1.2.840.10008.1.2.4.92", "transfer syntax 1.2.840.10008.1.2.4.92"),
            ("Beispiel^Berta", "an unknown transfer syntax"),
        ] {
            assert_eq!(name(syntax), wanted);
        }
    }
}
