//! Pixels for the viewer and the lists.

use crate::app::App;
use crate::dto::AppError;
use hilum_workers::messages::decode::PixelDescription;
use hilum_workflow::PixelFrame;

/// What is shown first of an image in a window of `width` x `height` device pixels, packed as [`image_pixels`]:
/// means of 2 x 2 pixels where those show the same.
pub async fn image_overview(app: &App, instance_uid: String, width: u32, height: u32) -> Result<Vec<u8>, AppError> {
    Ok(packed(app.workstation().await?.overview(&instance_uid, (width, height)).await?))
}

/// `u32` little-endian length of the JSON head, the head padded with spaces so that the
/// texels begin at a multiple of four, the texels.
pub async fn image_pixels(app: &App, instance_uid: String) -> Result<Vec<u8>, AppError> {
    let frame = app.workstation().await?.pixels(&instance_uid).await?;
    Ok(packed(frame))
}

/// PNG bytes; empty when there is no thumbnail.
pub async fn thumbnail(app: &App, instance_uid: String) -> Result<Vec<u8>, AppError> {
    Ok(app.workstation().await?.thumbnail(&instance_uid).await?.unwrap_or_default())
}

/// The description of the whole image, and which copy of it the texels are.
#[derive(serde::Serialize)]
struct Head {
    #[serde(flatten)]
    description: PixelDescription,
    copy: u8,
}

fn packed(PixelFrame { description, copy, texels }: PixelFrame) -> Vec<u8> {
    let mut head = serde_json::to_vec(&Head { description, copy }).unwrap_or_default();
    head.resize(head.len().next_multiple_of(4), b' ');
    let length = u32::try_from(head.len()).unwrap_or(0);
    let mut out = Vec::with_capacity(4 + head.len() + texels.len());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&texels);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilum_workers::messages::decode::{PixelKind, VoiFunction};

    #[test]
    fn texels_are_aligned_and_the_head_is_json() {
        for rows in [1, 22, 333, 4444] {
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
                overlays: Vec::new(),
                shutter: Vec::new(),
                units: None,
            };
            let out = packed(PixelFrame { description: description.clone(), copy: 1, texels: vec![7; 8] });
            let length = u32::from_le_bytes([out[0], out[1], out[2], out[3]]) as usize;
            assert_eq!((4 + length) % 4, 0);
            let head: PixelDescription = serde_json::from_slice(&out[4..4 + length]).expect("a head");
            assert_eq!(head, description);
            assert_eq!(&out[4 + length..], &[7; 8]);
        }
    }
}
