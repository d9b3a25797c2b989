//! Precision, recall and F1.

use std::fmt;

/// True positives, false positives and false negatives.
#[derive(Debug, Default, Clone, Copy)]
pub struct Count {
    pub right: u32,
    pub wrong: u32,
    pub missed: u32,
}

impl Count {
    /// Counts one text: each expected item is found at most once.
    pub fn add<T: PartialEq + Clone>(&mut self, expected: &[T], found: &[T]) {
        let mut left = expected.to_vec();
        for item in found {
            match left.iter().position(|e| e == item) {
                Some(at) => {
                    left.swap_remove(at);
                    self.right += 1;
                }
                None => self.wrong += 1,
            }
        }
        self.missed += left.len() as u32;
    }

    pub fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.right + self.wrong).max(1.0)
    }

    pub fn recall(&self) -> f64 {
        f64::from(self.right) / f64::from(self.right + self.missed).max(1.0)
    }

    /// The harmonic mean of precision and recall; 1 where there was nothing to find and nothing was.
    pub fn f1(&self) -> f64 {
        let all = 2 * self.right + self.wrong + self.missed;
        if all == 0 { 1.0 } else { f64::from(2 * self.right) / f64::from(all) }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { right, wrong, missed } = self;
        let (precision, recall, f1) = (self.precision(), self.recall(), self.f1());
        write!(
            f,
            "precision {precision:.3} recall {recall:.3} F1 {f1:.3} ({right} right, {wrong} wrong, {missed} missed)"
        )
    }
}
