//! Folds that never part what belongs together, and the random numbers that make them.

use std::collections::BTreeMap;

/// Random numbers from a seed (SplitMix64, Steele, Lea and Flood, OOPSLA 2014).
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The fold, from 0 to `count`, of each case. All cases of a person share one, and persons
/// with a positive case are dealt out evenly, as are those without.
pub fn folds(people: &[u32], positive: &[bool], count: usize, seed: u64) -> Vec<usize> {
    let mut has_positive: BTreeMap<u32, bool> = BTreeMap::new();
    for (person, positive) in people.iter().zip(positive) {
        *has_positive.entry(*person).or_default() |= positive;
    }
    let mut random = Random::new(seed);
    let mut fold_of = BTreeMap::new();
    for kind in [true, false] {
        let mut persons: Vec<u32> = has_positive.iter().filter(|(_, has)| **has == kind).map(|(p, _)| *p).collect();
        for i in (1..persons.len()).rev() {
            persons.swap(i, (random.next() % (i as u64 + 1)) as usize);
        }
        fold_of.extend(persons.into_iter().enumerate().map(|(i, person)| (person, i % count.max(1))));
    }
    people.iter().map(|person| fold_of[person]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_stay_together_and_kinds_are_spread() {
        let people: Vec<u32> = (0..400).map(|i| i % 100).collect();
        let positive: Vec<bool> = (0..400).map(|i| i % 100 < 20 && i < 200).collect();
        let folds = folds(&people, &positive, 5, 3);
        for (i, person) in people.iter().enumerate() {
            assert_eq!(folds[i], folds[*person as usize], "person {person}");
        }
        for fold in 0..5 {
            let members: Vec<u32> = (0..100).filter(|p| folds[*p as usize] == fold).collect();
            assert_eq!(members.len(), 20);
            assert_eq!(members.iter().filter(|p| **p < 20).count(), 4);
        }
        assert_eq!(super::folds(&people, &positive, 5, 3), folds);
        assert_ne!(super::folds(&people, &positive, 5, 4), folds);
    }
}
