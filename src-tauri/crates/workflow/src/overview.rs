//! A smaller copy of an image, so that its first frame need not wait for all of its pixels.
//!
//! A web view takes what the app hands it in pieces of a few kilobytes, so that the pixels of a radiograph are
//! longer under way than they take to decode. Where a radiograph is shown at half its size or less, the viewer draws
//! it from means of 2 x 2 pixels: those are a quarter of the bytes, and show the same.

use crate::{PixelFrame, WorkflowError, Workstation};
use async_recursion::async_recursion as boxed;
use hilum_store::{BlobName, StoreError};
use hilum_workers::messages::decode::PixelKind;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An image with fewer pixels comes whole at once: it is there as soon.
const WORTH_HALVING: usize = 1_000_000;
/// Pixels of the screen for each of the image from which the viewer draws from the image itself: a quarter of a step
/// in favour of sharpness, 2^-0.75 (`bindGray` in `gl-surface.ts`).
const DRAWN_WHOLE: f64 = 0.59;
/// Layouts have four panes at most.
const HELD: usize = 4;
/// The viewer asks for the whole at once when it has the copy.
const HELD_FOR: Duration = Duration::from_secs(10);

/// Images of which the smaller copy was given, for some seconds until the whole one is asked for. They belong to one
/// reading, which is in the audit chain; what comes later is another.
#[derive(Default, Clone)]
pub(crate) struct Held(Arc<Mutex<VecDeque<HeldFrame>>>);

struct HeldFrame {
    /// By its content too: a file may come again, changed, under the same UID.
    image: (String, BlobName),
    since: Instant,
    frame: PixelFrame,
}

impl Held {
    pub fn take(&self, instance_uid: &str, original: &BlobName) -> Option<PixelFrame> {
        self.take_at(instance_uid, original, Instant::now())
    }

    pub fn forget(&self) {
        self.frames().clear();
    }

    fn take_at(&self, instance_uid: &str, original: &BlobName, now: Instant) -> Option<PixelFrame> {
        let mut frames = self.frames();
        frames.retain(|held| now.duration_since(held.since) < HELD_FOR);
        let at = frames.iter().position(|held| held.image.0 == instance_uid && held.image.1 == *original)?;
        frames.remove(at).map(|held| held.frame)
    }

    fn frames(&self) -> std::sync::MutexGuard<'_, VecDeque<HeldFrame>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workstation {
    /// What is shown first of an image in a window of `width` x `height` device pixels: a copy of half its rows and
    /// columns where that shows the same ([`PixelFrame::copy`] is 1 then, and overlay planes come with the whole), else
    /// the image itself. Audited as [`Self::pixels`], which then has the whole without another decoding or line.
    ///
    /// # Errors
    /// As of [`Self::pixels`].
    #[boxed]
    pub async fn overview(&self, instance_uid: &str, (width, height): (u32, u32)) -> Result<PixelFrame, WorkflowError> {
        let store = self.store()?;
        let instance = store.instance(instance_uid).await?;
        let whole = self.read_pixels(&store, &instance).await?;
        let about = &whole.description;
        let (rows, columns) = (about.rows as usize, about.columns as usize);
        let pixels = rows * columns;
        let fitted = (f64::from(width) / columns as f64).min(f64::from(height) / rows as f64);
        if about.kind != PixelKind::Gray16 || pixels < WORTH_HALVING || whole.texels.len() < 2 * pixels || fitted > DRAWN_WHOLE {
            return Ok(whole);
        }
        let mut description = about.clone();
        description.overlays.clear();
        let half = PixelFrame { description, copy: 1, texels: halved(&whole.texels[..2 * pixels], rows, columns) };
        let since = Instant::now();
        {
            let mut frames = self.held.frames();
            // Locking takes the store away first and forgets what is held then: nothing is held after it, and
            // nothing of one person's session in that of the next.
            if !Arc::ptr_eq(&store, &self.store()?) {
                return Err(WorkflowError::Store(StoreError::Locked));
            }
            frames.truncate(HELD - 1);
            frames.push_front(HeldFrame { image: (instance.uid, instance.original), since, frame: whole });
        }
        let held = self.held.clone();
        tokio::spawn(async move {
            tokio::time::sleep(HELD_FOR).await;
            held.frames().retain(|one| one.since > since);
        });
        Ok(half)
    }
}

/// Means of 2 x 2 pixels of 16 bits, little-endian, rounded to the nearest; the last row and column of an odd number
/// count twice. The viewer's shader makes its smaller copies by the same rule (`HALVE` in `shaders.ts`).
fn halved(texels: &[u8], rows: usize, columns: usize) -> Vec<u8> {
    let value = |bytes: &[u8]| u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let mean = |sum: u32| ((sum + 2) / 4) as u16;
    let row = |y: usize| &texels[2 * columns * y.min(rows - 1)..][..2 * columns];
    let across = columns.div_ceil(2);
    let mut out = vec![0; 2 * across * rows.div_ceil(2)];
    for (y, line) in out.chunks_exact_mut(2 * across).enumerate() {
        let (upper, lower) = (row(2 * y), row(2 * y + 1));
        for ((to, a), b) in line.chunks_exact_mut(2).zip(upper.chunks_exact(4)).zip(lower.chunks_exact(4)) {
            to.copy_from_slice(&mean(value(a) + value(&a[2..]) + value(b) + value(&b[2..])).to_le_bytes());
        }
        if columns % 2 == 1 {
            let last = 2 * (columns - 1);
            line[2 * (across - 1)..].copy_from_slice(&mean(2 * (value(&upper[last..]) + value(&lower[last..]))).to_le_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilum_workers::messages::decode::{PixelDescription, VoiFunction};

    fn check(rows: usize, columns: usize, texels: &[u16], wanted: &[u16]) {
        let bytes: Vec<u8> = texels.iter().flat_map(|t| t.to_le_bytes()).collect();
        let half = halved(&bytes, rows, columns);
        let half: Vec<u16> = half.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
        assert_eq!(half, wanted, "{rows} x {columns}");
    }

    #[test]
    fn a_mean_of_four_is_rounded_and_the_last_of_an_odd_number_counts_twice() {
        check(2, 2, &[1, 2, 3, 4], &[3]);
        check(2, 2, &[0, 0, 0, 1], &[0]);
        check(2, 2, &[65535; 4], &[65535]);
        check(1, 1, &[7], &[7]);
        check(1, 3, &[1, 3, 9], &[2, 9]);
        check(3, 2, &[10, 20, 30, 40, 50, 61], &[25, 56]);
        check(3, 3, &[0, 4, 1, 8, 12, 3, 5, 6, 7], &[6, 2, 6, 7]);
        check(2, 4, &[0, 0, 100, 200, 0, 4, 300, 400], &[1, 250]);
    }

    fn frame(rows: u32) -> PixelFrame {
        let description = PixelDescription {
            rows,
            columns: 1,
            kind: PixelKind::Gray16,
            slope: 1.0,
            intercept: 0.0,
            min: 0,
            max: 1,
            inverted: false,
            windows: vec![],
            voi_function: VoiFunction::Linear,
            voi_lut: None,
            voi_lut_first: None,
            overlays: vec![],
            shutter: vec![],
            units: None,
        };
        PixelFrame { description, copy: 0, texels: vec![] }
    }

    #[test]
    fn a_held_image_is_given_once_soon_and_for_the_same_file() {
        let name = |kind: &str| serde_json::from_value::<BlobName>(kind.into()).expect("a name");
        let held = Held::default();
        let since = Instant::now();
        let hold = |uid: &str, file: &str, rows| {
            held.frames().push_front(HeldFrame { image: (uid.into(), name(file)), since, frame: frame(rows) });
        };
        let soon = since + Duration::from_secs(9);
        hold("1", "a", 1);
        hold("2", "b", 2);
        hold("1", "a", 3);
        assert!(held.take_at("1", &name("b"), soon).is_none(), "another file");
        assert!(held.take_at("3", &name("a"), soon).is_none(), "another image");
        // Two panes may show one image.
        let rows: Vec<u32> = (0..3).filter_map(|_| held.take_at("1", &name("a"), soon)).map(|f| f.description.rows).collect();
        assert_eq!(rows, [3, 1]);
        assert!(held.take_at("2", &name("b"), since + Duration::from_secs(11)).is_none(), "another reading");
        assert!(held.frames().is_empty());
    }
}
