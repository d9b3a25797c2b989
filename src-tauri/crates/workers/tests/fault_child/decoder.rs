//! The fault child as `hilum-decode`.

use hilum_workers::{
    frame,
    messages::decode::{DecodeReply, DecodeWants, DecodedHeader, PixelDescription, PixelKind, VoiFunction},
};
use std::io::{self, Read};

const ROWS: u32 = 2;
const COLUMNS: u32 = 3;

pub fn run(wants: &str) {
    let wants: DecodeWants = serde_json::from_str(wants).expect("wants");
    let mut how = String::new();
    if super::always().is_none() {
        io::stdin().read_to_string(&mut how).expect("the input is text");
    }
    let how = super::always().unwrap_or(how);
    let how = how.trim_end();
    super::misbehave(how);
    match how {
        "refuse" => refuse("dicom.not_dicom", "This is not DICOM."),
        "refuse-badly" => refuse("Not a <code>", ""),
        "surroundings" => refuse("test.surroundings", &surroundings()),
        "done-first" => send(&DecodeReply::Done, &[]),
        "headers" => loop {
            header(ROWS, COLUMNS);
        },
        "late-abort" => {
            header(ROWS, COLUMNS);
            std::process::abort();
        }
        "late-refusal" => {
            header(ROWS, COLUMNS);
            refuse("dicom.truncated", "The pixels end early.");
        }
        "incomplete" => {
            header(ROWS, COLUMNS);
            send(&DecodeReply::Done, &[]);
        }
        "lying-rows" => {
            header(ROWS, COLUMNS);
            send(&DecodeReply::Pixels(description(4000, 4000)), &vec![0; 4000 * 4000 * 2]);
        }
        "short-body" => {
            header(ROWS, COLUMNS);
            send(&DecodeReply::Pixels(description(ROWS, COLUMNS)), &[0; 5]);
        }
        "huge-header" => {
            header(65535, 65535);
            send(&DecodeReply::Pixels(description(65535, 65535)), &[0; 64]);
        }
        "unasked" => {
            header(ROWS, COLUMNS);
            send(&DecodeReply::ModelInput { side: 7777 }, &[0; 64]);
        }
        "no-pixels" => {
            send(&DecodeReply::Header(Box::default()), &[]);
            send(&DecodeReply::Done, &[]);
        }
        _ => clean(&wants),
    }
}

fn clean(wants: &DecodeWants) {
    header(ROWS, COLUMNS);
    let area = (ROWS * COLUMNS) as usize;
    // In an order of its own: the parent sorts it.
    for side in wants.model_inputs.iter().rev() {
        send(&DecodeReply::ModelInput { side: *side }, &vec![7; (side * side) as usize]);
    }
    if wants.pixels {
        send(&DecodeReply::Pixels(description(ROWS, COLUMNS)), &vec![1; area * 2]);
    }
    if wants.stored {
        let shape = vec![ROWS, COLUMNS];
        send(&DecodeReply::Stored { dtype: "<u2".to_owned(), shape }, &vec![2; area * 2]);
    }
    if wants.thumbnail.is_some() {
        send(&DecodeReply::Thumbnail { width: 3, height: 2 }, b"not looked at here");
    }
    if wants.display.is_some() {
        send(&DecodeReply::Display { width: 3, height: 2 }, &vec![3; area]);
    }
    send(&DecodeReply::Done, &[]);
}

fn header(rows: u32, columns: u32) {
    let header = DecodedHeader { rows: Some(rows), columns: Some(columns), frames: 1, ..Default::default() };
    send(&DecodeReply::Header(Box::new(header)), &[]);
}

fn description(rows: u32, columns: u32) -> PixelDescription {
    PixelDescription {
        rows,
        columns,
        kind: PixelKind::Gray16,
        slope: 1.0,
        intercept: 0.0,
        min: 0,
        max: 1,
        inverted: false,
        windows: Vec::new(),
        voi_function: VoiFunction::Linear,
        voi_lut: None,
        voi_lut_first: None,
        overlays: Vec::new(),
        shutter: Vec::new(),
        units: None,
    }
}

fn refuse(code: &str, message: &str) {
    send(&DecodeReply::Refused { code: code.to_owned(), message: message.to_owned() }, &[]);
}

fn send(reply: &DecodeReply, body: &[u8]) {
    if frame::write(&mut io::stdout(), reply, body).is_err() {
        std::process::exit(0);
    }
}

/// What this process was given: names in the environment, folder, descriptors.
fn surroundings() -> String {
    let environment: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let folder = std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default();
    // The listing itself is read through one more descriptor, which is gone afterwards.
    let mut open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    // SAFETY: F_GETFD reads a flag and fails on a closed descriptor.
    open.retain(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0);
    open.sort_unstable();
    format!("{environment:?} {folder} {open:?}")
}
