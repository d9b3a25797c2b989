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

/// The transfer syntax of the same compression that allows loss, for one that rules it out.
pub fn with_loss(syntax: &str) -> Option<&'static str> {
    match syntax {
        "1.2.840.10008.1.2.4.80" => Some("1.2.840.10008.1.2.4.81"),
        "1.2.840.10008.1.2.4.90" => Some("1.2.840.10008.1.2.4.91"),
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" => Some("1.2.840.10008.1.2.4.203"),
        _ => None,
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
    use hilum_testkit::dicom::{DicomFile, PHOTOMETRIC, PIXEL_DATA};
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

    fn said(file: &[u8], code: &str) -> bool {
        warnings(file).iter().any(|warning| warning == code)
    }

    /// A header of 6 x 5 pixels, and as many bytes in one value that is not in fragments.
    fn in_one_value(header: DicomFile, length: usize) -> DicomFile {
        header.bytes(PIXEL_DATA, b"OB", (0..length).map(|n| n as u8).collect())
    }

    #[test]
    fn uncompressed_pixels_are_read_under_every_name_of_the_list_and_that_is_said() {
        let plain = decoded(&native(EXPLICIT_LE));
        assert!(plain.is_ok());
        for (uid, storage) in DECODED {
            let file = native(uid);
            assert_eq!(decoded(&file), plain, "{uid}");
            assert_eq!(said(&file, "header.compression_differs"), storage != Storage::Native, "{uid}");
            let (_, last) = uid.rsplit_once('.').expect("a name");
            let lossy = ["50", "51", "53", "55", "81", "91", "203"].contains(&last);
            assert_eq!(said(&file, "pixels.lossy"), lossy, "what was lost before {uid} was undone stays lost");
        }
    }

    /// What is as long as the pixels are is taken for them, and nothing else.
    #[test]
    fn a_stream_in_the_value_of_native_pixels_is_no_picture() {
        let words = || DicomFile::header(6, 5, 16, 12);
        let bytes = || DicomFile::header(3, 5, 8, 8);
        let frames = |header: DicomFile| header.text(0x0028_0008, b"IS", "3");
        let colour = |photometric: &str| {
            DicomFile::header(4, 6, 8, 8).short(0x0028_0002, 3).text(PHOTOMETRIC, b"CS", photometric)
        };
        for (name, header, length, read) in [
            ("words", words(), 60, true),
            ("a word too few", words(), 58, false),
            ("a word too many", words(), 62, false),
            ("a frame too many", words(), 120, false),
            ("three frames", frames(words()), 180, true),
            ("two of three frames", frames(words()), 120, false),
            ("an odd number of bytes, padded", bytes(), 15, true),
            ("an odd number of bytes, padded by a word more", bytes(), 17, false),
            ("colour", colour("RGB"), 72, true),
            ("colour that two pixels share", colour("YBR_FULL_422"), 48, true),
            ("colour that is said to be shared and is not", colour("YBR_FULL_422"), 72, false),
            ("nothing", words(), 0, false),
        ] {
            let file = in_one_value(header, length);
            let plain = decoded(&file.write());
            for (uid, _) in DECODED.iter().filter(|(_, storage)| *storage != Storage::Native) {
                let file = file.write_as(uid);
                let wanted = if read { plain.clone() } else { Err("dicom.pixels") };
                assert_eq!(decoded(&file), wanted, "{name} as {uid}");
                assert_eq!(said(&file, "header.compression_differs"), read, "{name} as {uid}");
            }
        }
        for frame in FRAMES {
            let (stream, format, syntax) = fixture(frame);
            let header =
                DicomFile::header(format.rows as u16, format.columns as u16, format.bits_allocated, format.bits_stored);
            let file = header.bytes(PIXEL_DATA, b"OB", stream).write_as(&syntax);
            assert_eq!(decoded(&file).err(), Some("dicom.pixels"), "{frame}");
        }
    }

    /// A stream with loss under a name of its own family that rules loss out.
    #[test]
    fn loss_is_told_by_the_stream_where_the_name_rules_it_out() {
        for (frame, stated, lossy) in [
            ("jpegls_near", "80", true),
            ("jpegls", "80", false),
            ("jpeg2000_lossy", "90", true),
            ("jpeg2000", "90", false),
            ("htj2k_lossy", "201", true),
            ("htj2k_lossy", "202", true),
            ("htj2k_lossy", "90", true),
            ("htj2k", "201", false),
            ("htj2k_rpcl", "202", false),
        ] {
            let (_, _, own) = fixture(frame);
            let file = renamed(frame, &format!("1.2.840.10008.1.2.4.{stated}"));
            assert_eq!(decoded(&file), decoded(&renamed(frame, &own)), "{frame} as {stated}");
            assert_eq!(said(&file, "header.compression_differs"), lossy, "{frame} as {stated}");
            assert_eq!(said(&file, "pixels.lossy"), lossy, "{frame} as {stated}");
        }
        // Nor does the attribute take back what the stream says.
        let (bytes, format, own) = fixture("jpegls_near");
        let header = DicomFile::header(format.rows as u16, format.columns as u16, 16, 12).fragments(vec![bytes]);
        for syntax in [own.as_str(), "1.2.840.10008.1.2.4.80"] {
            assert!(said(&header.clone().text(0x0028_2110, b"CS", "00").write_as(syntax), "pixels.lossy"), "{syntax}");
        }
    }

    #[test]
    fn a_name_that_rules_loss_out_and_the_one_that_allows_it_are_of_one_compression() {
        for (uid, storage) in DECODED {
            if let Some(other) = with_loss(uid) {
                assert_eq!(Storage::of(other).expect("a name of the list"), storage, "{uid}");
                assert_eq!(with_loss(other), None, "{uid}");
            }
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
            ("jpeg_baseline", RLE, true),
            ("jpeg_lossless", RLE, false),
            ("jpegls", RLE, true),
            ("jpeg2000", RLE, true),
        ] {
            let (_, _, own) = fixture(frame);
            let (file, honest) = (renamed(frame, stated), renamed(frame, &own));
            assert_eq!(decoded(&file), decoded(&honest), "{frame}");
            assert!(decoded(&honest).is_ok(), "{frame}");
            assert!(said(&file, "header.compression_differs"), "{frame}");
            assert_eq!(said(&file, "pixels.lossy"), lossy, "{frame}");
            assert!(!said(&honest, "header.compression_differs"), "{frame}");
        }
        // RLE has no first bytes of its own, so that nothing is taken for it under another name.
        for (frame, stated) in [("rle", "1.2.840.10008.1.2.4.70"), ("rle", EXPLICIT_LE)] {
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
