//! The whole work without a window, in a network namespace without any way out, watched for connections, on films whose tags give
//! orders to a model.

use crate::common;
use crate::desk::{PASSPHRASE, hilumctl, ran};
use crate::injections::with_orders;
use crate::payloads::order;
use crate::scene::printed;
use std::path::Path;
use std::process::Command;

#[test]
fn the_whole_work_connects_to_nothing() {
    let temp = tempfile::tempdir().expect("a folder");
    let able = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
    };
    if !able("strace", &["-o", "/dev/null", "true"]) {
        hilum_testkit::skipped("strace is not installed, or may not trace here");
        return;
    }
    // A namespace of its own has a loopback that is down, and no other way.
    let closed: Vec<&str> = match (able("unshare", &["-n", "true"]), able("unshare", &["-rn", "true"])) {
        (true, _) => vec!["unshare", "-n"],
        (false, true) => vec!["unshare", "-rn"],
        (false, false) => {
            hilum_testkit::skipped("no network namespace can be made here");
            return;
        }
    };
    let no_way = [&closed[..], &["sh", "-c", "test -z \"$(ip route show table all)\""]].concat();
    if printed("ip", &["-V"]).is_some() {
        assert!(able(no_way[0], &no_way[1..]), "there is no way out of there");
    }
    let out = temp.path().join("out");
    let (data, folder) = (temp.path().join("data").display().to_string(), out.display().to_string());
    let fetch = order(17);
    assert!(fetch.contains("http://"), "an order to fetch something: {fetch}");
    // Every text tag gives an order, the study's description that to fetch something.
    let film = |date: &str| {
        let path = temp.path().join(format!("{date}.dcm"));
        let file = with_orders(crate::scene::radiograph("OFFLINE", date), 0).text(0x0008_1030, b"LO", &fetch);
        std::fs::write(&path, file.write()).expect("a file");
        path.display().to_string()
    };
    let (study, prior) = (film("20240105"), film("20200101"));
    let report = ["report", &study, "--out", &folder, "--signer", "Dr A. Reader", "--accept-all"];
    let mut seen = Seen::default();
    let run = |arguments: &[&str], seen: &mut Seen| traced(&closed, temp.path(), &data, arguments, seen);
    let done: serde_json::Value = serde_json::from_str(&run(&report, &mut seen)).expect("JSON");
    let (pdf, id) =
        (done["pdf"].as_str().expect("a document").to_owned(), done["report"].as_str().expect("a report").to_owned());
    run(&["import", &prior], &mut seen);
    run(&["studies"], &mut seen);
    run(&["classify", &study], &mut seen);
    for form in ["pdf", "sr", "encapsulated", "fhir", "hl7"] {
        let file = out.join(format!("a.{form}")).display().to_string();
        run(&["export", &id, "--as", form, "--out", &file], &mut seen);
    }
    run(&["verify", &pdf], &mut seen);
    run(&["audit", "verify", "--against", &pdf], &mut seen);
    let backups = temp.path().join("backups").display().to_string();
    std::fs::create_dir(&backups).expect("a folder");
    run(&["backup", &backups], &mut seen);
    assert!(seen.foreign.is_empty(), "{:?}", seen.foreign);
    println!(
        "{} commands and their workers, {} processes, {} sockets asked for, {} connects, all of them of files: nothing leaves",
        seen.commands, seen.processes, seen.sockets, seen.connects
    );
    // The watch can fail: it sees a program that tries.
    let mut control = Seen::default();
    let trace = temp.path().join("control");
    let command =
        [&closed[..], &["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=socket,connect,sendto,sendmsg", "-o"]]
            .concat();
    let _ = Command::new(command[0])
        .args(&command[1..])
        .arg(&trace)
        .args(["bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/80"])
        .output();
    control.read(&std::fs::read_to_string(&trace).expect("a trace"));
    assert_eq!(control.foreign.len(), 1, "{:?}", control.foreign);
}

/// What was asked of the system's network.
#[derive(Default)]
struct Seen {
    commands: usize,
    processes: usize,
    sockets: usize,
    connects: usize,
    foreign: Vec<String>,
}

impl Seen {
    fn read(&mut self, trace: &str) {
        let mut processes = std::collections::BTreeSet::new();
        for line in trace.lines() {
            processes.insert(line.split_whitespace().next().unwrap_or_default());
            self.sockets += usize::from(line.contains(" socket("));
            let sends = [" connect(", " sendto(", " sendmsg("].iter().any(|call| line.contains(call));
            self.connects += usize::from(line.contains(" connect("));
            // A send without an address goes where its socket is connected to, which was seen.
            let family =
                line.split_once("sa_family=").map(|(_, rest)| rest.split([',', '}']).next().unwrap_or_default());
            if let (true, Some(family)) = (sends, family)
                && family != "AF_UNIX"
            {
                self.foreign.push(line.to_owned());
            }
        }
        self.processes += processes.len();
        self.commands += 1;
    }
}

/// Runs `hilumctl` in there, and gives what it prints.
fn traced(closed: &[&str], folder: &Path, data: &str, arguments: &[&str], seen: &mut Seen) -> String {
    let trace = folder.join("trace");
    let mut command = Command::new(closed[0]);
    command
        .args(&closed[1..])
        .args(["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=socket,connect,sendto,sendmsg", "-o"])
        .arg(&trace)
        .arg(hilumctl())
        .args(["--json", "--data", data])
        .args(arguments)
        .current_dir(folder)
        .env("HILUM_PASSPHRASE", PASSPHRASE)
        .env("HILUM_MODELS", common::root().join("models/demo"));
    let output = ran(&mut command);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    seen.read(&std::fs::read_to_string(&trace).expect("a trace"));
    String::from_utf8(output.stdout).expect("UTF-8")
}
