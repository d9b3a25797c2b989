//! What processes hold of the memory, and how that grows from one piece of work to the next.

#![allow(dead_code, reason = "each guard uses a part of this")]

/// Proportional set size of a process, megabytes; its resident size where the system does not let us ask, since the app
/// is closed to other programs of its user. `None` where it is gone.
pub fn held(id: i32) -> Option<f64> {
    let megabytes = |file: &str, field: &str| {
        let text = std::fs::read_to_string(format!("/proc/{id}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(field))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1000.0)
    };
    megabytes("smaps_rollup", "Pss:").or_else(|| megabytes("status", "VmRSS:"))
}

/// Processes that this one has started and that are not gone yet.
pub fn children() -> Vec<i32> {
    let me = std::process::id().to_string();
    let ids = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mine = |id: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)).is_some_and(|parent| parent == me)
    };
    ids.filter(mine).collect()
}

/// Processes of this executable on a display.
pub fn on_display(executable: &str, display: &str) -> Vec<i32> {
    let wanted = format!("DISPLAY={display}");
    let ids = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let there = |id: &i32| {
        let name = std::fs::read_link(format!("/proc/{id}/exe")).ok();
        let variables = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        name.is_some_and(|name| name.file_name().is_some_and(|name| name == executable))
            && variables.split(|b| *b == 0).any(|variable| variable == wanted.as_bytes())
    };
    ids.filter(there).collect()
}

/// By how much each piece of work has more than the one before: the median of the slopes between all pairs (Theil and Sen),
/// which what one of them held for a moment does not move. 0 where there are not two.
pub fn growth(after_each: &[f64]) -> f64 {
    let mut slopes = Vec::new();
    for (from, before) in after_each.iter().enumerate() {
        for (to, after) in after_each.iter().enumerate().skip(from + 1) {
            slopes.push((after - before) / (to - from) as f64);
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or_default()
}

/// How much more the last tenth of a whole day may hold than its first, which stands for the first hour.
pub const MORE: f64 = 1.10;

/// What the first tenth of the pieces of work held in the mean, and what the last did: of three at least, so that what one
/// of them held for a moment is not all of it.
pub fn tenths(after_each: &[f64]) -> (f64, f64) {
    let tenth = (after_each.len() / 10).max(3).min(after_each.len());
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
    (mean(&after_each[..tenth]), mean(&after_each[after_each.len() - tenth..]))
}

#[test]
fn tenths_are_the_first_and_the_last() {
    let check = |samples: &[f64], expected: (f64, f64)| assert_eq!(tenths(samples), expected, "{samples:?}");
    check(&[vec![60.0; 20], vec![90.0; 160], vec![66.0; 20]].concat(), (60.0, 66.0));
    check(&[60.0, 61.0, 62.0, 90.0, 70.0, 71.0, 72.0], (61.0, 71.0));
    check(&[60.0, 70.0], (65.0, 65.0));
    check(&[], (0.0, 0.0));
}

#[test]
fn growth_is_what_every_piece_of_work_adds() {
    let check = |work: &dyn Fn(f64) -> f64, number: u32, expected: f64| {
        let samples: Vec<f64> = (0..number).map(|n| work(f64::from(n))).collect();
        let found = growth(&samples);
        assert!((found - expected).abs() < 0.3, "{found}, and not {expected}: {samples:?}");
    };
    check(&|_| 60.0, 11, 0.0);
    check(&|n| 60.0 + 8.0 * n, 11, 8.0);
    check(&|n| 60.0 + 1.5 * n, 190, 1.5);
    // What is collected now and then, what one piece held for a moment, and noise on a slow growth.
    check(&|n| 60.0 + 40.0 * (n % 2.0), 11, 0.0);
    check(&|n| if n == 4.0 { 400.0 } else { 60.0 }, 11, 0.0);
    check(&|n| 60.0 + 3.0 * n + (n * 7.0) % 5.0, 60, 3.0);
    check(&|_| 60.0, 1, 0.0);
}
