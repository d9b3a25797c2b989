//! What is left out is heard of: written down by a test, counted and judged by `tests/skipped`.

use hilum_testkit::skipped;
use std::path::Path;
use std::process::{Command, Output};

/// Set in the child of the test, which alone leaves something out.
const CHILD: &str = "HILUM_TEST_LEAVES_OUT";

/// Runs this very test as a child that leaves out two things, and gives the file that they stand in.
fn left_out(name: &str) -> std::path::PathBuf {
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&list);
    for _ in 0..2 {
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "what_is_left_out_is_written_down"])
            .env(CHILD, "yes")
            .env("HILUM_SKIPPED", &list)
            .output()
            .expect("a child");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
    list
}

fn judged(arguments: &[&str], list: &Path, allowed: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/skipped");
    Command::new(script).args(arguments).arg(list).env("HILUM_MAY_SKIP", allowed).output().expect("tests/skipped runs")
}

#[test]
fn what_is_left_out_is_written_down() {
    if std::env::var_os(CHILD).is_some() {
        skipped("no such program");
        return skipped(format_args!("a reason of {} lines:\n\tmore of it", 2));
    }
    let list = left_out("written");
    let text = std::fs::read_to_string(&list).expect("the list");
    let lines = ["no such program\tskipped", "a reason of 2 lines:  more of it\tskipped"];
    assert_eq!(text.lines().collect::<Vec<_>>(), [lines, lines].concat());
    let counted = judged(&[], &list, "");
    let said = String::from_utf8_lossy(&counted.stdout);
    assert!(counted.status.success(), "{said}");
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(lines, ["2  a reason of 2 lines:  more of it (skipped)", "2  no such program (skipped)"]);
    std::fs::remove_file(list).expect("removed");
}

#[test]
fn what_nobody_allowed_is_refused() {
    let list = left_out("judged");
    let refused = |allowed: &str| -> Vec<String> {
        let judged = judged(&["--strict"], &list, allowed);
        let said = String::from_utf8_lossy(&judged.stderr);
        let lines: Vec<String> = said
            .lines()
            .filter_map(|line| line.strip_prefix("not allowed to be left out: "))
            .map(str::to_owned)
            .collect();
        assert_eq!(judged.status.success(), lines.is_empty(), "{said}");
        lines
    };
    let both = ["a reason of 2 lines:  more of it", "no such program"];
    assert_eq!(refused(""), both);
    assert_eq!(refused("another reason;;"), both);
    assert_eq!(refused("such program"), both[..1]);
    assert_eq!(refused("such program; 2 lines"), [""; 0]);
    std::fs::remove_file(list).expect("removed");
}

/// What a script leaves out stands beside it.
#[test]
fn scripts_write_down_theirs() {
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("script-{}", std::process::id()));
    let _ = std::fs::remove_file(&list);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/skipped");
    let note = Command::new(script).args(["--note", "a_script", "no network"]).env("HILUM_SKIPPED", &list).output();
    let note = note.expect("tests/skipped runs");
    assert_eq!(String::from_utf8_lossy(&note.stdout), "skipped: no network\n");
    assert_eq!(std::fs::read_to_string(&list).expect("the list"), "no network\ta_script\n");
    std::fs::remove_file(list).expect("removed");
}
