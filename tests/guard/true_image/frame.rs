//! What the viewer is given: texels, what they mean, and how to show them.

use crate::cases::{self, Case, Pixels};
use crate::person::{import, unlocked};
use crate::standard::{Function, Voi};
use hilum_app::App;
use hilum_app::commands::{images, studies};
use hilum_workers::messages::decode::{PixelDescription, PixelKind, VoiFunction};
use std::path::PathBuf;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_viewer_is_given_is_what_was_made() {
    let root = tempfile::tempdir().expect("a folder");
    let cases = cases::all();
    let (app, desk) = unlocked(root.path()).await;
    let files: Vec<(String, &[u8])> = cases.iter().map(|case| (format!("{}.dcm", case.name), &case.file[..])).collect();
    let (came, _) = import(&app, &desk, written(root.path().join("made"), &files), 240).await;
    assert_eq!(came.len(), cases.len());
    assert!(came.iter().all(|(_, verdict, _)| verdict == "imported"), "{came:?}");
    for case in &cases {
        check(&app, case).await;
    }
    println!("{} pictures, each with the pixels and the description of how it was made", cases.len());
    app.close().await;
}

/// Writes the files into a new folder, and gives their paths.
pub fn written(folder: PathBuf, files: &[(String, &[u8])]) -> Vec<PathBuf> {
    std::fs::create_dir(&folder).expect("a folder");
    let write = |(name, bytes): &(String, &[u8])| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    files.iter().map(write).collect()
}

async fn check(app: &Arc<App>, case: &Case) {
    let name = &case.name;
    let frame = images::image_pixels(app, case.instance.clone())
        .await
        .unwrap_or_else(|e| panic!("{name}: {}: {}", e.code, e.detail));
    let length = u32::from_le_bytes(frame[..4].try_into().expect("four bytes")) as usize;
    let about: PixelDescription = serde_json::from_slice(&frame[4..4 + length]).expect("a description");
    let body = &frame[4 + length..];
    assert_eq!((about.rows, about.columns), (case.rows, case.columns), "{name}");
    assert!(about.overlays.is_empty() && about.shutter.is_empty(), "{name}: {about:?}");
    match &case.pixels {
        Pixels::Colour(colours) => {
            assert_eq!(about.kind, PixelKind::Rgb8, "{name}");
            assert_eq!(body, colours.as_flattened(), "{name}");
        }
        Pixels::Grey { values, within } => {
            assert_eq!(about.kind, PixelKind::Gray16, "{name}");
            check_values(case, &about, body, values, *within);
            check_description(case, &about);
        }
    }
    if !case.orientation.is_empty() {
        let study = studies::open_study(app, case.study.clone()).await.expect("the study");
        let image = &study.images[0];
        assert_eq!(image.orientation, case.orientation, "{name}");
        assert_eq!(image.spacing, Some([0.15, 0.15]), "{name}");
        assert_eq!((image.rows, image.columns), (case.rows, case.columns), "{name}");
    }
}

fn check_values(case: &Case, about: &PixelDescription, body: &[u8], values: &[f64], within: f64) {
    let name = &case.name;
    let texels: Vec<u16> = body.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    assert_eq!((texels.len(), body.len()), (values.len(), 2 * values.len()), "{name}");
    for (at, (texel, wanted)) in texels.iter().zip(values).enumerate() {
        let meant = f64::from(*texel) * about.slope + about.intercept;
        let (row, column) = (at as u32 / case.columns, at as u32 % case.columns);
        assert!(
            (meant - wanted).abs() <= within + 1e-6,
            "{name}: row {row}, column {column} means {meant}, and {wanted} was written"
        );
    }
    let (least, most) = (texels.iter().min().expect("pixels"), texels.iter().max().expect("pixels"));
    assert_eq!((about.min, about.max), (*least, *most), "{name}");
}

fn check_description(case: &Case, about: &PixelDescription) {
    let name = &case.name;
    assert_eq!(about.inverted, case.shown.inverted, "{name}");
    assert_eq!(about.units.as_deref(), case.units, "{name}");
    let given: Vec<(f64, f64)> = about.windows.iter().map(|w| (w.center, w.width)).collect();
    let computed = about.windows.iter().any(|w| w.computed);
    let mut function = VoiFunction::Linear;
    match &case.shown.voi {
        Voi::Windows { windows, function: of } => {
            assert_eq!((&given, computed), (windows, false), "{name}");
            function = match of {
                Function::Linear => VoiFunction::Linear,
                Function::LinearExact => VoiFunction::LinearExact,
                Function::Sigmoid => VoiFunction::Sigmoid,
            };
        }
        Voi::Computed | Voi::Table { .. } => {
            let value = |texel: u16| f64::from(texel) * about.slope + about.intercept;
            let (one, other) = (value(about.min), value(about.max));
            let (low, high) = (one.min(other), one.max(other));
            assert_eq!((given, computed), (vec![((low + high + 1.0) / 2.0, high - low + 1.0)], true), "{name}");
        }
    }
    assert_eq!(about.voi_function, function, "{name}");
    let Voi::Table { first, bits, entries } = &case.shown.voi else {
        assert_eq!((&about.voi_lut, about.voi_lut_first), (&None, None), "{name}");
        return;
    };
    assert_eq!(about.voi_lut_first, Some(*first), "{name}");
    let lut = about.voi_lut.as_deref().expect("a table");
    assert_eq!(lut.len(), entries.len(), "{name}");
    let top = f64::from((1u32 << bits) - 1);
    for (at, (given, entry)) in lut.iter().zip(entries).enumerate() {
        let wanted = f64::from(*entry) / top * 65535.0;
        assert!(
            (f64::from(*given) - wanted).abs() <= 1.0,
            "{name}: entry {at} is {given}, and {wanted:.1} of 65535 was written"
        );
    }
}
