//! The few directions in which embeddings differ most.
//!
//! A department has hundreds of signed reports and an embedding 1152 numbers, so a probe
//! sees the embedding through its first principal components. They are found from the
//! embeddings alone; no label goes into them.

use crate::folds::Random;
use serde::{Deserialize, Serialize};

/// Mean and orthonormal axes of a set of embeddings, and one scale for all axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axes {
    mean: Vec<f32>,
    /// Each of `mean.len()` numbers, strongest first.
    axes: Vec<Vec<f32>>,
    /// Makes the coordinates' mean square length 1, so that a penalty means the same for
    /// every model; relative strengths stay.
    scale: f64,
}

/// Rounds of orthogonal iteration. The subspace of the strongest directions settles in
/// few, and what has not settled are directions of nearly the same strength, either of
/// which will do.
const ROUNDS: usize = 12;

impl Axes {
    /// At most `count` axes of embeddings of one length, by orthogonal iteration (Golub and
    /// Van Loan, Matrix Computations, 4th ed., 8.2.4). Fewer where the embeddings do not
    /// differ in so many directions.
    pub fn of(embeddings: &[&[f32]], count: usize, seed: u64) -> Axes {
        let dim = embeddings.first().map_or(0, |e| e.len());
        let n = embeddings.len();
        let mut mean = vec![0f64; dim];
        for embedding in embeddings {
            mean.iter_mut().zip(*embedding).for_each(|(m, x)| *m += f64::from(*x) / n as f64);
        }
        let mean: Vec<f32> = mean.into_iter().map(|m| m as f32).collect();
        let centred: Vec<Vec<f32>> =
            embeddings.iter().map(|e| e.iter().zip(&mean).map(|(x, m)| x - m).collect()).collect();
        let mut random = Random::new(seed);
        let mut axes: Vec<Vec<f32>> = (0..count.min(dim).min(n.saturating_sub(1)))
            .map(|_| (0..dim).map(|_| random.unit() as f32 - 0.5).collect())
            .collect();
        orthonormalise(&mut axes);
        for _ in 0..ROUNDS {
            let mut next = vec![vec![0f32; dim]; axes.len()];
            for row in &centred {
                for (axis, sum) in axes.iter().zip(&mut next) {
                    let along = product(row, axis) as f32;
                    sum.iter_mut().zip(row).for_each(|(s, x)| *s += along * x);
                }
            }
            axes = next;
            orthonormalise(&mut axes);
        }
        let mut axes = Axes { mean, axes, scale: 1. };
        let squares: f64 =
            embeddings.iter().map(|e| axes.coordinates(e).iter().map(|x| x * x).sum::<f64>()).sum::<f64>();
        if squares > 0. {
            axes.scale = (n as f64 / squares).sqrt();
        }
        axes
    }

    /// An embedding's coordinates on the axes; `None` for one of another length.
    pub fn project(&self, embedding: &[f32]) -> Option<Vec<f64>> {
        (embedding.len() == self.mean.len()).then(|| self.coordinates(embedding))
    }

    fn coordinates(&self, embedding: &[f32]) -> Vec<f64> {
        let centred: Vec<f32> = embedding.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        self.axes.iter().map(|axis| product(&centred, axis) * self.scale).collect()
    }
}

/// Gram-Schmidt, twice over, since once loses orthogonality; vectors without a direction
/// of their own are dropped.
fn orthonormalise(vectors: &mut Vec<Vec<f32>>) {
    let mut done: Vec<Vec<f32>> = Vec::with_capacity(vectors.len());
    for mut vector in vectors.drain(..) {
        let before = product(&vector, &vector).sqrt();
        for _ in 0..2 {
            for other in &done {
                let along = product(&vector, other) as f32;
                vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let length = product(&vector, &vector).sqrt();
        if length > before * 1e-5 && length > 1e-12 {
            vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
            done.push(vector);
        }
    }
    *vectors = done;
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f32; 16];
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..16 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| f64::from(x * y)).sum();
    sums.iter().map(|s| f64::from(*s)).sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_directions_are_found() {
        let mut random = Random::new(1);
        let rows: Vec<Vec<f32>> = (0..300)
            .map(|_| (0..20).map(|i| ((random.unit() - 0.5) * [8., 4., 0.2][i.min(2)] + 3.) as f32).collect())
            .collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let axes = Axes::of(&rows, 2, 7);
        assert_eq!(axes.axes.len(), 2);
        assert!(axes.axes[0][0].abs() > 0.99 && axes.axes[1][1].abs() > 0.99, "{:?}", axes.axes);
        let mean: f64 =
            rows.iter().map(|r| axes.project(r).expect("one").iter().map(|x| x * x).sum::<f64>()).sum::<f64>() / 300.;
        assert!((mean - 1.).abs() < 1e-9);
        assert_eq!(axes.project(&[0.; 3]), None);
        assert_eq!(Axes::of(&rows, 2, 7), axes);
    }

    #[test]
    fn equal_embeddings_have_no_axes() {
        let row = [0.25f32; 8];
        let axes = Axes::of(&[&row, &row, &row], 4, 1);
        assert_eq!(axes.project(&row), Some(Vec::new()));
    }
}
