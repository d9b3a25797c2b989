//! The child tries to get out and must not.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::process::Command;

#[test]
fn every_way_out_is_denied() {
    let output = Command::new(env!("CARGO_BIN_EXE_hilum-decode")).arg("--self-test").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let outcomes: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    for attempt in ["socket_inet", "socket_unix", "exec", "open", "create", "fork", "code_memory", "memory_600_mb"] {
        assert_eq!(outcomes.get(attempt).map(String::as_str), Some("denied"), "{attempt}");
    }
    assert!(outcomes.values().all(|outcome| outcome == "denied"), "{outcomes:?}");
    assert!(!std::path::Path::new("/tmp/hilum-decode-self-test").exists());
}

#[test]
fn wrong_use_is_said() {
    for argument in ["", "{", "--help", "file.dcm"] {
        let output = Command::new(env!("CARGO_BIN_EXE_hilum-decode")).arg(argument).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{argument}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage:"));
    }
}
