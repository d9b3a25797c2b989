//! The search against a plain one, and the filters.

use hilum_retrieval::{AgeBand, Case, Filter, Index, RetrievalError, View};
use std::collections::BTreeSet;

/// Numbers in -1..1 from a seed (xorshift64*).
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 23) as f32 - 1.
        })
        .collect()
}

fn index(dim: usize, rows: usize) -> Index {
    let mut index = Index::new(dim);
    for row in 0..rows {
        assert_eq!(index.add(&numbers(row as u64 + 1, dim)), Ok(row));
    }
    index
}

/// In double precision, one row after another, sorted whole.
fn plain(index: &Index, query: &[f32], most: usize, wanted: impl Fn(usize) -> bool) -> Vec<(usize, f64)> {
    let length = query.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let cosine = |row: usize| -> f64 {
        let vector = index.vector(row).expect("a row");
        vector.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b) / length).sum()
    };
    let mut all: Vec<_> = (0..index.len()).filter(|row| wanted(*row)).map(|row| (row, cosine(row))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(most);
    all
}

fn check(dim: usize, rows: usize, most: usize) {
    let index = index(dim, rows);
    let query = numbers(99, dim);
    for modulus in [1, 3] {
        let wanted = |row: usize| row.is_multiple_of(modulus);
        let expected = plain(&index, &query, most, wanted);
        let one = index.search(&query, most, 1, wanted).expect("hits");
        assert_eq!(one.len(), expected.len(), "{dim} x {rows}");
        let mut seen = BTreeSet::new();
        for (hit, (_, cosine)) in one.iter().zip(&expected) {
            // Two rows closer to each other than rounding may change places.
            assert!((f64::from(hit.similarity) - cosine).abs() < 1e-6, "{dim} x {rows}");
            assert!(wanted(hit.row) && seen.insert(hit.row), "{dim} x {rows}");
        }
        for threads in [0, 2, 3, 64] {
            assert_eq!(index.search(&query, most, threads, wanted).expect("hits"), one, "{threads} threads");
        }
    }
}

#[test]
fn every_row_is_compared() {
    check(1, 5, 3);
    check(31, 40, 7);
    check(32, 1, 5);
    check(64, 1024, 10);
    check(65, 2500, 25);
    check(16, 3000, 5000);
    check(8, 100, 0);
}

#[test]
fn an_image_finds_itself_and_equal_ones_in_order() {
    let mut index = Index::new(3);
    for vector in [[1., 0., 0.], [0., 2., 0.], [5., 0., 0.], [0., 0., 1.]] {
        index.add(&vector).expect("a row");
    }
    let hits = index.search(&[0.1, 0., 0.], 2, 2, |_| true).expect("hits");
    assert_eq!(hits.iter().map(|h| (h.row, h.similarity)).collect::<Vec<_>>(), [(0, 1.), (2, 1.)]);
}

#[test]
fn what_is_no_direction_is_refused() {
    let mut index = Index::new(2);
    assert_eq!(index.add(&[1., 2., 3.]), Err(RetrievalError::Dimension { found: 3, dim: 2 }));
    assert_eq!(index.add(&[0., 0.]), Err(RetrievalError::NoDirection));
    assert_eq!(index.add(&[f32::NAN, 0.]), Err(RetrievalError::NoDirection));
    assert_eq!(index.search(&[f32::INFINITY, 0.], 1, 1, |_| true), Err(RetrievalError::NoDirection));
    assert!(index.is_empty());
    assert_eq!(index.search(&[1., 0.], 1, 1, |_| true), Ok(Vec::new()));
}

#[test]
fn filters_leave_out_what_does_not_say() {
    let case = Case {
        person: 1,
        sex: "F".into(),
        age: Some(AgeBand::of_years(60)),
        view: View::of_position(" pa "),
        signed: true,
        findings: BTreeSet::from(["edema".to_owned()]),
    };
    let silent = Case::default();
    let check = |filter: Filter, lets: bool| {
        assert_eq!(filter.lets_through(&case), lets, "{filter:?}");
        assert_eq!(filter.lets_through(&silent), filter == Filter::default(), "{filter:?}");
    };
    let any = Filter::default;
    check(any(), true);
    check(Filter { finding: Some("edema".into()), ..any() }, true);
    check(Filter { finding: Some("fracture".into()), ..any() }, false);
    check(Filter { sex: Some("f".into()), ..any() }, true);
    check(Filter { sex: Some("M".into()), ..any() }, false);
    check(Filter { age: AgeBand::of_label("60-79"), ..any() }, true);
    check(Filter { age: AgeBand::of_label("80+"), ..any() }, false);
    check(Filter { view: View::of_label("PA"), ..any() }, true);
    check(Filter { view: View::of_label("lateral"), ..any() }, false);
    check(Filter { signed_only: true, ..any() }, true);
    check(Filter { sex: Some("F".into()), view: Some(View::Ap), ..any() }, false);
    assert_eq!(AgeBand::ALL.map(|band| AgeBand::of_label(band.label())), AgeBand::ALL.map(Some));
    assert_eq!(AgeBand::of_label("every"), None);
    assert_eq!(View::of_position("OBLIQUE"), None);
}
