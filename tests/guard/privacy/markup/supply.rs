//! Hands out payloads in turn, and remembers where each was planted.

use crate::payloads::{ALL, payload};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub struct Supply {
    address: String,
    round: usize,
    next: Cell<usize>,
    used: RefCell<BTreeSet<usize>>,
    /// The places that a screen shows, by the number of the payload that stands there.
    due: RefCell<BTreeMap<usize, BTreeSet<&'static str>>>,
}

/// What a place takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Any,
    /// Characters that a printed face has.
    Printable,
    /// What a certificate takes for a name.
    Name,
}

impl Supply {
    /// For who listens at this address. Each round plants payloads in other places than the one before.
    pub fn new(address: String, round: usize) -> Supply {
        Supply { address, round, next: Cell::default(), used: RefCell::default(), due: RefCell::default() }
    }

    /// A payload for a place that no screen shows.
    pub fn hidden(&self, fit: Fit) -> String {
        self.numbered(fit).1
    }

    /// A payload for a place that some screen shows.
    pub fn shown(&self, fit: Fit, place: &'static str) -> String {
        let (number, text) = self.numbered(fit);
        self.owe(number, place);
        text
    }

    /// A payload with its number, for a place that shows it where it takes it: then it is owed.
    pub fn numbered(&self, fit: Fit) -> (usize, String) {
        loop {
            let n = self.next.get();
            self.next.set(n + 1);
            let number = (n + self.round * 77) % ALL;
            let text = payload(number, &self.address);
            let fits = match fit {
                Fit::Any => true,
                Fit::Printable => !text.contains('\u{2028}'),
                Fit::Name => !text.contains('\u{2028}') && text.chars().count() <= 64,
            };
            if fits {
                self.used.borrow_mut().insert(number);
                return (number, text);
            }
        }
    }

    /// Every payload that was not handed out, for places of one kind that some screen shows.
    pub fn rest(&self, place: &'static str) -> Vec<String> {
        let left: Vec<usize> = (0..ALL).filter(|number| !self.used.borrow().contains(number)).collect();
        left.iter().for_each(|number| self.owe(*number, place));
        self.used.borrow_mut().extend(&left);
        left.into_iter().map(|number| payload(number, &self.address)).collect()
    }

    /// Says that a screen has to show this payload.
    pub fn owe(&self, number: usize, place: &'static str) {
        self.due.borrow_mut().entry(number).or_default().insert(place);
    }

    /// How many payloads are planted.
    pub fn used(&self) -> usize {
        self.used.borrow().len()
    }

    /// How many stand where a screen shows them, and those of them that are not among what was on a screen, with their places.
    pub fn owed(&self, shown: &BTreeSet<usize>) -> (usize, BTreeMap<usize, BTreeSet<&'static str>>) {
        let due = self.due.borrow();
        let missing = due.iter().filter(|(number, _)| !shown.contains(*number));
        (due.len(), missing.map(|(number, places)| (*number, places.clone())).collect())
    }
}

#[test]
fn what_was_on_no_screen_is_named() {
    let supply = Supply::new("127.0.0.1:9".into(), 1);
    let name = supply.shown(Fit::Name, "a name");
    assert!(name.chars().count() <= 64);
    supply.hidden(Fit::Any);
    let (number, _) = supply.numbered(Fit::Printable);
    supply.owe(number, "a mark");
    assert_eq!(supply.used(), 3);
    let (due, missing) = supply.owed(&BTreeSet::from([number]));
    assert_eq!((due, missing.len()), (2, 1));
    assert!(missing.values().all(|places| places.contains("a name")), "{missing:?}");
    assert!(supply.owed(&(0..ALL).collect()).1.is_empty());
    assert_eq!((supply.rest("a search").len(), supply.used()), (ALL - 3, ALL));
    assert_eq!((supply.rest("a search").len(), supply.owed(&BTreeSet::new()).0), (0, ALL - 1));
}
