//! Logos, good and hostile: each gets pixels or a reason, and the child always ends by itself.

use hilum_workers::frame;
use hilum_workers::messages::decode::{DecodeReply, LogoWants};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

const LONGEST: u32 = 560;

/// Size of the logo, or the code with which the file was refused.
fn logo(bytes: &[u8]) -> Result<(u32, u32), String> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hilum-decode"))
        .arg(serde_json::to_string(&LogoWants { logo: LONGEST }).expect("JSON"))
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the decoder starts");
    let mut out = child.stdout.take().expect("a pipe");
    let first: Option<(DecodeReply, Vec<u8>)> = frame::read(&mut out).expect("a frame");
    let status = child.wait().expect("it ends");
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    match first {
        Some((DecodeReply::Logo { width, height }, rgb)) => {
            assert!(status.success() && width.max(height) <= LONGEST && rgb.len() as u32 == width * height * 3);
            Ok((width, height))
        }
        Some((DecodeReply::Refused { code, message }, _)) => {
            assert!(!message.is_empty());
            Err(code)
        }
        other => panic!("{other:?}, {status}"),
    }
}

/// A PNG of eight bits a sample; `says` is the size in its header, which need not be true.
fn png(colour: u8, says: (u32, u32), rows: &[u8]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], body: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(body);
        out.extend((body.len() as u32).to_be_bytes());
        out.extend(kind);
        out.extend(body);
        out.extend(sum.sum().to_be_bytes());
    };
    let head = [&says.0.to_be_bytes()[..], &says.1.to_be_bytes(), &[8, colour, 0, 0, 0]].concat();
    chunk(b"IHDR", &head);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(rows).expect("packed");
    chunk(b"IDAT", &packed.finish().expect("packed"));
    chunk(b"IEND", b"");
    out
}

fn plain(width: u32, height: u32) -> Vec<u8> {
    let rows = vec![0; ((width * 3 + 1) * height) as usize];
    png(2, (width, height), &rows)
}

#[test]
fn good_logos_are_read_and_bad_ones_get_a_reason() {
    let check = |name: &str, bytes: &[u8], expected: Result<(u32, u32), &str>| {
        assert_eq!(logo(bytes), expected.map_err(str::to_owned), "{name}");
    };
    let small = plain(40, 20);
    check("small", &small, Ok((40, 20)));
    check("large", &plain(1120, 560), Ok((560, 280)));
    check("empty", b"", Err("logo.kind"));
    check("markup", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", Err("logo.kind"));
    check("a program", b"MZ\x90\0\x03\0\0\0", Err("logo.kind"));
    check("an archive", b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaa", Err("logo.kind"));
    check("a PDF", b"%PDF-1.7\n", Err("logo.kind"));
    check("a signature only", &small[..8], Err("logo.unreadable"));
    check("cut off", &small[..small.len() - 20], Err("logo.unreadable"));
    check("JPEG's first bytes", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", Err("logo.unreadable"));
    check("no pixels", &png(2, (0, 0), &[0]), Err("logo.unreadable"));
    check("wider than it may be", &png(2, (6001, 1), &[0]), Err("logo.too_large"));
    check("a size beyond all", &png(2, (0x7FFF_FFFF, 0x7FFF_FFFF), &[0]), Err("logo.unreadable"));
    check("more rows than there are", &png(2, (6000, 6000), &[0; 4]), Err("logo.unreadable"));
    // 36 million pixels of nothing in some tens of kilobytes.
    let bomb = png(2, (6000, 6000), &vec![0; (6000 * 3 + 1) * 6000]);
    assert!(bomb.len() < 200_000);
    assert!(logo(&bomb).is_ok_and(|size| size == (560, 560)));
    check("larger than it may be", &vec![0; (8 << 20) + 1], Err("logo.too_large"));
}

/// 120 damaged copies: whatever comes of each, the child says it.
#[test]
fn damaged_logos_end_with_a_verdict() {
    let good = plain(64, 64);
    let (mut read, mut state) = (0, 0x9E37_79B9_7F4A_7C15_u64);
    for _ in 0..120 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = 8 + (state as usize) % (bytes.len() - 8);
            bytes[at] = (state >> 32) as u8;
        }
        read += usize::from(logo(&bytes).is_ok());
    }
    println!("{read} of 120 damaged logos were still readable");
}
