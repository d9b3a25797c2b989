//! Evidence maps: where in an image the support for a finding lies.
//!
//! SigLIP pools its patches with one attention query, so that an image's embedding is a
//! function of a weighted mean of the patches' values. Applying the same head to each
//! patch alone puts every patch into the space that the prompts are in, and its support
//! can be read off as the image's is. The idea is that of MaskCLIP (Zhou, Loy and Dai,
//! "Extract Free Dense Labels from CLIP", ECCV 2022, section 3.2: drop query and key, keep
//! value and output projection), here with the head's own MLP kept, since SigLIP's head
//! has one. A map says where the encoder matches words; it outlines no lesion.

use crate::findings::FindingClasses;

/// One L2-normalised vector a patch, in the space of the image embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchFeatures {
    pub(crate) side: usize,
    pub(crate) rows: Vec<Vec<f32>>,
}

/// Support for one finding by patch: cosine with the present prompts minus cosine with the
/// absent prompts, -2 to 2, in the unit of [`hilum_workers::messages::encode::FindingScore::difference`].
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceMap {
    /// Patches along one side of the image; 32 for MedSigLIP-448 with its 14 pixels a patch.
    pub side: usize,
    /// `side x side`, row by row from the top left.
    pub values: Vec<f32>,
}

impl PatchFeatures {
    /// Patches along one side of the image.
    pub fn side(&self) -> usize {
        self.side
    }

    pub(crate) fn map(&self, classes: &FindingClasses) -> EvidenceMap {
        // The scale only matters to the softmax, which a map does not have.
        let values = self.rows.iter().map(|row| classes.score(row, 0.).0).collect();
        EvidenceMap { side: self.side, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_the_difference_of_cosines_by_patch() {
        let classes = FindingClasses { finding: "edema".into(), absent: vec![0., 1.], present: vec![1., 0.] };
        let rows = vec![vec![1., 0.], vec![0., 1.], vec![0.6, 0.8], vec![-1., 0.]];
        let map = PatchFeatures { side: 2, rows }.map(&classes);
        assert_eq!(map.side, 2);
        let expected = [1., -1., -0.2, -1.];
        for (found, expected) in map.values.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{:?}", map.values);
        }
    }
}
