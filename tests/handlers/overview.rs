//! The first frame of a large radiograph: a quarter of its bytes, and then all of them from one reading.

use super::Fake;
use hilum_app::commands::{audit, images, session, studies};
use hilum_app::{App, StartOptions};
use hilum_testkit::dicom::DicomFile;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const NAME: &str = "Dr A. Reader";
const PASSPHRASE: &str = "long enough";

/// An app with one radiograph, whose instance it gives.
async fn opened(root: &Path, file: DicomFile) -> (Arc<App>, String) {
    super::common::use_demo_packs();
    let path: PathBuf = root.join("one.dcm");
    std::fs::write(&path, file.write()).expect("a file");
    let host = Arc::new(Fake { files: vec![path], folder: None, save: root.into(), events: Mutex::default() });
    let app = Arc::new(App::new(StartOptions { data: root.join("data"), open: None }, host.clone()));
    session::create_first_user(&app, NAME.into(), PASSPHRASE.into()).await.expect("a user");
    studies::import_files(&app).await.expect("an import").expect("a job");
    let uids = host.imported().await;
    let study = studies::open_study(&app, uids[0].clone()).await.expect("a study");
    (app, study.images[0].instance_uid.clone())
}

/// The head of a packed frame and its texels.
fn unpacked(frame: &[u8]) -> (serde_json::Value, Vec<u16>) {
    let length = u32::from_le_bytes(frame[..4].try_into().expect("four bytes")) as usize;
    let head = serde_json::from_slice(&frame[4..4 + length]).expect("a head");
    (head, frame[4 + length..].chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect())
}

async fn readings(app: &App) -> usize {
    let lines = audit::audit(app, 200, None, Default::default()).await.expect("lines");
    lines.iter().filter(|line| line.action == "image.read").count()
}

fn value(row: u32, column: u32) -> u16 {
    (row.wrapping_mul(2_654_435_761).wrapping_add(column.wrapping_mul(40_503)) >> 20) as u16
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_image_comes_in_two_copies_and_is_read_once() {
    let root = tempfile::tempdir().expect("a folder");
    // Odd numbers, so that the last row and column have no neighbour.
    let (rows, columns) = (2001_u16, 1501_u16);
    let (app, image) = opened(root.path(), DicomFile::radiograph(rows, columns, 12, value)).await;
    assert_eq!(readings(&app).await, 0);
    let (head, half) = unpacked(&images::image_overview(&app, image.clone(), 1920, 1080).await.expect("a copy"));
    assert_eq!((&head["rows"], &head["columns"], &head["copy"]), (&2001.into(), &1501.into(), &1.into()));
    assert_eq!(half.len(), 1001 * 751);
    let mean = |row: u32, column: u32| {
        let at = |r: u32, c: u32| u32::from(value(r.min(2000), c.min(1500)));
        let sum = at(row, column) + at(row + 1, column) + at(row, column + 1) + at(row + 1, column + 1);
        ((sum + 2) / 4) as u16
    };
    for (row, column) in [(0, 0), (0, 750), (500, 333), (1000, 0), (1000, 750)] {
        assert_eq!(half[(row * 751 + column) as usize], mean(2 * row, 2 * column), "{row}, {column}");
    }
    assert_eq!(readings(&app).await, 1);

    let (head, whole) = unpacked(&images::image_pixels(&app, image.clone()).await.expect("pixels"));
    assert_eq!((&head["copy"], whole.len()), (&0.into(), 2001 * 1501));
    assert_eq!(whole[1501 * 77 + 33], value(77, 33));
    assert_eq!(readings(&app).await, 1, "the second half of one reading");
    images::image_pixels(&app, image.clone()).await.expect("pixels");
    assert_eq!(readings(&app).await, 2, "another reading");

    // What is held for the second half is no way past the lock, and does not outlive it.
    images::image_overview(&app, image.clone(), 1920, 1080).await.expect("a copy");
    session::lock(&app).await.expect("locked");
    assert_eq!(images::image_pixels(&app, image.clone()).await.expect_err("locked").code, "vault.locked");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    assert_eq!(readings(&app).await, 3);
    images::image_pixels(&app, image).await.expect("pixels");
    assert_eq!(readings(&app).await, 4);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_image_comes_whole() {
    let root = tempfile::tempdir().expect("a folder");
    let (app, image) = opened(root.path(), DicomFile::radiograph(500, 400, 12, value)).await;
    let (head, texels) = unpacked(&images::image_overview(&app, image.clone(), 1920, 1080).await.expect("an image"));
    assert_eq!((&head["copy"], texels.len()), (&0.into(), 500 * 400));
    images::image_pixels(&app, image).await.expect("pixels");
    assert_eq!(readings(&app).await, 2);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_several_panes_are_each_completed_by_one_reading() {
    let root = tempfile::tempdir().expect("a folder");
    let (app, image) = opened(root.path(), DicomFile::radiograph(3000, 2500, 16, value)).await;
    for _ in 0..2 {
        let half = images::image_overview(&app, image.clone(), 1920, 1080).await.expect("a copy");
        assert!((14_000_000..16_000_000).contains(&(4 * half.len())), "{}", half.len());
    }
    for _ in 0..2 {
        let whole = images::image_pixels(&app, image.clone()).await.expect("pixels");
        assert_eq!(unpacked(&whole).0["copy"], 0);
    }
    assert_eq!(readings(&app).await, 2);
    // On a screen on which it is drawn from its own pixels, it comes with them.
    let (head, texels) = unpacked(&images::image_overview(&app, image.clone(), 3840, 2160).await.expect("an image"));
    assert_eq!((&head["copy"], texels.len()), (&0.into(), 2500 * 3000));
    images::image_pixels(&app, image).await.expect("pixels");
    assert_eq!(readings(&app).await, 4);
    app.close().await;
}
