//! No core file, however a program of ours dies, and no look into it by others of the same user; none either of the
//! process that draws the page, which is WebKit's.

use crate::browser::missing_programs;
use crate::desk::{hilumctl, make_user};
use crate::processes::on_display;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nobody, in every distribution: whoever is not dumpable has files under /proc that are root's.
const NOBODY: u32 = 65534;
/// The one limit, soft and hard, that holds where cores are piped to a program too.
const LIMIT: [&str; 2] = ["1", "1"];
/// What the engine calls the program that runs a page.
const PAGE: &str = "WebKitWebProcess";

#[tokio::test(flavor = "multi_thread")]
async fn no_program_leaves_one() {
    // SAFETY: no memory is involved.
    if unsafe { libc::geteuid() } != 0 {
        hilum_testkit::skipped("who may look into a process is seen as another user; that needs root");
        return;
    }
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path();
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("open to all");
    let bin = copied_programs(folder);
    let (decode, hilumctl, hilum) = (bin.join("hilum-decode"), bin.join("hilumctl"), bin.join("hilum"));
    let data = folder.join("data");
    make_user(&data).await;
    // Folders too: `hilumctl` takes hold of its data folder before it asks for anything.
    let given = Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(&data).status();
    assert!(given.expect("chown").success(), "another owner");
    // Where a core can be written at all, an ordinary program leaves one: the guard can fail.
    let mut control = start(Command::new("sleep").arg("60"), folder);
    let (dumped, files) = killed(&mut control, folder);
    println!(
        "control: sleep {} a core, {files} core files (the system's pattern: {})",
        if dumped { "leaves" } else { "leaves no" },
        pattern()
    );
    assert!(dumped, "an ordinary program leaves a core here, or nothing is shown");

    let wants = hilum_workers::messages::decode::DecodeWants::default();
    let wants = serde_json::to_string(&wants).expect("JSON");
    let mut programs = vec![
        ("hilum-decode", start(Command::new(decode).arg(wants).stdin(Stdio::piped()), folder)),
        (
            "hilumctl worker encode",
            start(Command::new(&hilumctl).args(["worker", "encode"]).stdin(Stdio::piped()), folder),
        ),
        (
            "hilumctl worker draft",
            start(Command::new(&hilumctl).args(["worker", "draft"]).stdin(Stdio::piped()), folder),
        ),
        ("hilumctl, waiting for a passphrase", waiting_for_a_passphrase(&hilumctl, &data, folder)),
    ];
    let display = if missing_programs().is_empty() { Some(display()) } else { None };
    match &display {
        Some((name, _)) => {
            let home = folder.join("home");
            std::fs::create_dir(&home).expect("a folder");
            std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).expect("another owner");
            let mut window = Command::new(hilum);
            window.arg("--data").arg(&data).env("DISPLAY", name).env("HOME", &home).env_remove("WAYLAND_DISPLAY");
            // That of whoever runs the test is closed to nobody.
            window.env_remove("XDG_RUNTIME_DIR");
            programs.push(("hilum", start(&mut window, folder)));
        }
        None => hilum_testkit::skipped(format_args!("the window (it needs {:?})", missing_programs())),
    }
    for (name, mut child) in programs {
        let process = child.0.id();
        let until = Instant::now() + Duration::from_secs(20);
        while owner(process) != Some(0) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(child.0.try_wait().expect("its status").is_none(), "{name} runs");
        assert_eq!(owner(process), Some(0), "{name} is closed to others of its user");
        assert_eq!(core_limits(process), LIMIT, "{name}: bytes of a core, soft and hard");
        if let ("hilum", Some((display, _))) = (name, &display) {
            page_leaves_none(display, folder);
        }
        let (dumped, files) = killed(&mut child, folder);
        assert!(!dumped && files == 0, "{name} leaves a core");
        println!("{name}: core limit 1, closed to others, killed as by a fault, no core");
    }
}

/// The process that draws the page keeps what was typed into it, a passphrase among that. It is not ours to close to
/// others: only the limit that it inherits keeps it from leaving a core.
fn page_leaves_none(display: &str, folder: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    let page = loop {
        if let Some(page) = on_display(PAGE, display).first() {
            break *page;
        }
        assert!(Instant::now() < until, "no {PAGE} on the window's display");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(core_limits(page), LIMIT, "{PAGE}: bytes of a core, soft and hard");
    // SAFETY: a signal to a process that the app started.
    assert_eq!(unsafe { libc::kill(page, libc::SIGABRT) }, 0, "{PAGE} runs");
    let until = Instant::now() + Duration::from_secs(20);
    while on_display(PAGE, display).contains(&page) {
        assert!(Instant::now() < until, "{PAGE} does not end of a signal that leaves a core");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(cores_taken_from(folder), 0, "{PAGE} leaves a core");
    println!("{PAGE}: core limit 1, aborted, no core");
}

/// How many bytes a core of a process may have, as the system has it: soft, and hard.
fn core_limits(process: impl std::fmt::Display) -> Vec<String> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).expect("its limits");
    let limit = limits.lines().find(|l| l.starts_with("Max core file size")).expect("the limit");
    limit.split_whitespace().skip(4).take(2).map(str::to_owned).collect()
}

/// A program that ends with the guard, whatever becomes of that.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The programs where nobody may start them; the folder that cargo builds in may be closed to others.
fn copied_programs(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    for name in ["hilum", "hilumctl", "hilum-decode"] {
        std::fs::copy(hilumctl().with_file_name(name), bin.join(name)).expect("a program");
    }
    bin
}

/// As nobody, in the folder, with cores allowed by whoever starts it.
fn start(command: &mut Command, folder: &Path) -> Running {
    // SAFETY: system calls alone, between fork and exec.
    unsafe {
        command.pre_exec(|| {
            let any = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
            libc::setrlimit(libc::RLIMIT_CORE, &any);
            Ok(())
        });
    }
    command.current_dir(folder).uid(NOBODY).gid(NOBODY).env_remove("HILUM_PASSPHRASE");
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a program"))
}

/// `hilumctl` that holds the data folder and reads a passphrase from a pipe that nobody writes to.
fn waiting_for_a_passphrase(hilumctl: &Path, data: &Path, folder: &Path) -> Running {
    let mut command = Command::new(hilumctl);
    command.arg("--data").arg(data).args(["--passphrase-fd", "0", "studies"]).stdin(Stdio::piped());
    start(&mut command, folder)
}

/// Kills it as a fault of its own would; whether a core was written, and how many core files lie there.
fn killed(Running(child): &mut Running, folder: &Path) -> (bool, usize) {
    // Long enough to have become what it is.
    std::thread::sleep(Duration::from_millis(300));
    // WebKit takes a fault that is only sent for one of its own and goes on: the next signal ends it, with a core too.
    let status = [libc::SIGSEGV, libc::SIGABRT, libc::SIGQUIT].into_iter().find_map(|signal| {
        // SAFETY: a signal to a child of ours.
        assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
        let until = Instant::now() + Duration::from_secs(3);
        loop {
            match child.try_wait().expect("its status") {
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                ended => break ended,
            }
        }
    });
    let status = status.expect("it ends of a signal that leaves a core");
    (status.core_dumped(), cores_taken_from(folder))
}

/// How many core files lay in the folder; they are removed.
fn cores_taken_from(folder: &Path) -> usize {
    let cores = std::fs::read_dir(folder).expect("the folder").flatten();
    let cores: Vec<_> =
        cores.filter(|e| e.file_name().to_string_lossy().starts_with("core")).map(|e| e.path()).collect();
    for core in &cores {
        std::fs::remove_file(core).expect("removed");
    }
    cores.len()
}

fn owner(process: u32) -> Option<u32> {
    std::fs::metadata(format!("/proc/{process}/environ")).ok().map(|m| m.uid())
}

fn pattern() -> String {
    std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default().trim().to_owned()
}

fn display() -> (String, Running) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-ac"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut line).expect("a display number");
    let _ = std::io::stdout().flush();
    (format!(":{}", line.trim()), Running(server))
}
