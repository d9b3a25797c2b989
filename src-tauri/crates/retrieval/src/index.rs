//! The index: unit vectors in one block of memory, and the search over all of them.

use crate::dot::dot;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use zeroize::Zeroize;

/// Vectors of one length, each normalised to length one. Rows are numbered in the order in
/// which they were added. The memory is zeroed when the index is dropped, since an
/// embedding says something about the image that it was made from.
#[derive(Debug)]
pub struct Index {
    dim: usize,
    /// Blocks of whole rows. One growing vector would leave copies behind that nobody zeroes.
    blocks: Vec<Vec<f32>>,
    rows: usize,
}

/// One row that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub row: usize,
    /// Cosine, -1 to 1.
    pub similarity: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetrievalError {
    #[error("a vector of length {found} was given to an index of {dim} dimensions")]
    Dimension { found: usize, dim: usize },
    #[error("a vector has no direction: it is zero or not finite")]
    NoDirection,
}

impl RetrievalError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RetrievalError::Dimension { .. } => "similar.dimension",
            RetrievalError::NoDirection => "similar.no_direction",
        }
    }
}

/// Rows of a block: 4 MiB at 1152 dimensions times 4 bytes, rounded down to a power of two.
const BLOCK_ROWS: usize = 1024;

impl Index {
    /// An empty index of `dim`-dimensional vectors.
    pub fn new(dim: usize) -> Index {
        Index { dim, blocks: Vec::new(), rows: 0 }
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The vector of a row, of length one.
    pub fn vector(&self, row: usize) -> Option<&[f32]> {
        let block = self.blocks.get(row / BLOCK_ROWS)?;
        block.get(row % BLOCK_ROWS * self.dim..(row % BLOCK_ROWS + 1) * self.dim)
    }

    /// Adds a vector, normalised, and gives its row.
    ///
    /// # Errors
    /// [`RetrievalError::Dimension`], [`RetrievalError::NoDirection`].
    pub fn add(&mut self, vector: &[f32]) -> Result<usize, RetrievalError> {
        let unit = self.unit(vector)?;
        if self.rows.is_multiple_of(BLOCK_ROWS) {
            self.blocks.push(Vec::with_capacity(BLOCK_ROWS * self.dim));
        }
        self.blocks[self.rows / BLOCK_ROWS].extend(unit);
        self.rows += 1;
        Ok(self.rows - 1)
    }

    /// The `most` rows with the largest cosine among those that `wanted` lets through, most
    /// similar first, equal ones by row. `threads` share the work; the answer does not
    /// depend on how many.
    ///
    /// # Errors
    /// [`RetrievalError::Dimension`], [`RetrievalError::NoDirection`].
    pub fn search(
        &self,
        query: &[f32],
        most: usize,
        threads: usize,
        wanted: impl Fn(usize) -> bool + Sync,
    ) -> Result<Vec<Hit>, RetrievalError> {
        let query: Vec<f32> = self.unit(query)?.collect();
        let share = self.blocks.len().div_ceil(threads.max(1)).max(1);
        let one = |(part, blocks): (usize, &[Vec<f32>])| self.best(&query, most, part * share, blocks, &wanted);
        let mut found: Vec<Hit> = if self.blocks.len() <= share {
            one((0, &self.blocks))
        } else {
            std::thread::scope(|scope| {
                let one = &one;
                let parts: Vec<_> =
                    self.blocks.chunks(share).enumerate().map(|part| scope.spawn(move || one(part))).collect();
                parts.into_iter().flat_map(|part| part.join().expect("a search does not panic")).collect()
            })
        };
        found.sort_by(rank);
        found.truncate(most);
        Ok(found)
    }

    fn best(
        &self,
        query: &[f32],
        most: usize,
        first_block: usize,
        blocks: &[Vec<f32>],
        wanted: &(impl Fn(usize) -> bool + Sync),
    ) -> Vec<Hit> {
        let mut heap: BinaryHeap<Worst> = BinaryHeap::with_capacity(most + 1);
        for (i, block) in blocks.iter().enumerate() {
            for (j, vector) in block.chunks_exact(self.dim).enumerate() {
                let row = (first_block + i) * BLOCK_ROWS + j;
                if !wanted(row) {
                    continue;
                }
                let hit = Hit { row, similarity: dot(query, vector) };
                if heap.len() < most || heap.peek().is_some_and(|worst| rank(&hit, &worst.0) == Ordering::Less) {
                    heap.push(Worst(hit));
                    if heap.len() > most {
                        heap.pop();
                    }
                }
            }
        }
        heap.into_iter().map(|worst| worst.0).collect()
    }

    fn unit<'a>(&self, vector: &'a [f32]) -> Result<impl Iterator<Item = f32> + use<'a>, RetrievalError> {
        if vector.len() != self.dim {
            return Err(RetrievalError::Dimension { found: vector.len(), dim: self.dim });
        }
        let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        if !length.is_finite() || length == 0. {
            return Err(RetrievalError::NoDirection);
        }
        Ok(vector.iter().map(move |x| (f64::from(*x) / length) as f32))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.blocks.iter_mut().for_each(|block| block.zeroize());
    }
}

/// Better first.
fn rank(a: &Hit, b: &Hit) -> Ordering {
    b.similarity.total_cmp(&a.similarity).then(a.row.cmp(&b.row))
}

/// The heap's top is the hit that a better one replaces.
struct Worst(Hit);

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        rank(&self.0, &other.0)
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worst {}
