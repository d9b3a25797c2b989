//! Evidence maps: where in an image the encoder supports a finding.

use async_recursion::async_recursion as boxed;
use crate::reading::header_of;
use crate::{Cancel, WorkflowError, Workstation, applicability};
use hilum_workers::EvidenceMap;
use hilum_workers::messages::decode::SquarePlacement;

/// A map and where it lies on the image.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedMap {
    pub map: EvidenceMap,
    /// Of the square that the model saw, on the stored image.
    pub placement: SquarePlacement,
    pub rows: u32,
    pub columns: u32,
    pub pack_id: String,
    pub demo: bool,
}

impl PlacedMap {
    /// Smallest and largest value over the patches that show some of the image; what the
    /// encoder makes of the black beside it is nobody's finding.
    pub fn range(&self) -> (f32, f32) {
        let side = self.map.side as usize;
        let shown = (0..side * side).filter(|i| self.shows(i % side, i / side)).map(|i| self.map.values[i]);
        shown.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    }

    /// Whether a patch, by column and row of the grid, shows some of the image.
    fn shows(&self, column: usize, row: usize) -> bool {
        let (side, size) = (self.map.side as usize, self.placement.size as usize);
        let touches = |patch: usize, before: u32, length: u32| {
            // Patch i covers [i, i + 1) x size / side of the square's pixels.
            let (first, last) = (before as usize * side, (before + length) as usize * side);
            (patch + 1) * size > first && patch * size < last
        };
        touches(column, self.placement.left, self.columns) && touches(row, self.placement.above, self.rows)
    }
}

impl Workstation {
    /// Where an image supports one of the 13 findings.
    ///
    /// # Errors
    /// `encode.no_model`, `draft.not_applicable`, `encoder.unknown_finding`; the worker's own codes.
    #[boxed]
    pub async fn evidence_map(
        &self,
        instance_uid: &str,
        finding: &str,
        cancel: &Cancel,
    ) -> Result<PlacedMap, WorkflowError> {
        let store = self.store()?;
        let scorer = self.scorer().ok_or(WorkflowError::NoScorer)?;
        let instance = store.instance(instance_uid).await?;
        if let Some(why) = applicability(&header_of(&instance)).why() {
            return Err(WorkflowError::ModelsDoNotApply(why));
        }
        let side = scorer.side(cancel).await?;
        self.note(&store, "image.map", instance_uid, serde_json::json!({ "finding": finding })).await?;
        let (gray, _) = self.model_input(&store, &instance, side, cancel).await?;
        let map = scorer.map(side, gray, finding, cancel).await?;
        Ok(PlacedMap {
            map,
            placement: SquarePlacement::of(instance.rows, instance.columns),
            rows: instance.rows,
            columns: instance.columns,
            pack_id: scorer.pack().id.clone(),
            demo: scorer.pack().demo,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: u32, columns: u32, expected: (f32, f32)) {
        let values = (0..16).map(|i| i as f32).collect();
        let map = PlacedMap {
            map: EvidenceMap { side: 4, values, seconds: 0.0 },
            placement: SquarePlacement::of(rows, columns),
            rows,
            columns,
            pack_id: String::new(),
            demo: false,
        };
        assert_eq!(map.range(), expected, "{rows} x {columns}");
    }

    #[test]
    fn the_black_beside_the_image_does_not_count() {
        check(100, 100, (0.0, 15.0));
        // Rows 25 to 75 of 100: the two middle rows of patches.
        check(50, 100, (4.0, 11.0));
        // Columns 24 to 76: every column shows some.
        check(100, 52, (0.0, 15.0));
        check(100, 50, (1.0, 14.0));
    }
}
