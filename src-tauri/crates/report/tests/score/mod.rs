//! Precision, recall and F1.

use hilum_report::claims::Finding;
use std::collections::BTreeMap;
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

/// Counts by finding: of all that is said of it, and of its being present alone. Shown as a table.
#[derive(Debug, Default)]
pub struct ByFinding(pub BTreeMap<Finding, (Count, Count)>);

impl fmt::Display for ByFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| finding | stated | precision | recall | present | precision | recall |\n|---|---|---|---|---|---|---|"
        )?;
        for (finding, (stated, present)) in &self.0 {
            writeln!(f, "| {} | {} | {} |", finding.key(), cells(*stated), cells(*present))?;
        }
        Ok(())
    }
}

/// How many there are by the labels, precision, and recall; a dash where nothing was found, or nothing is labelled.
fn cells(count: Count) -> String {
    let labelled = count.right + count.missed;
    let share = |of: u32, value: f64| if of == 0 { "-".to_owned() } else { format!("{value:.2}") };
    format!(
        "{labelled} | {} | {}",
        share(count.right + count.wrong, count.precision()),
        share(labelled, count.recall())
    )
}
