//! A child that behaves or misbehaves as the test asks.
//!
//! As a decoder, the content of its standard input says how; as a worker, the
//! pack folder and the words of the prompt do; as `parent`, it is itself the
//! owner of a worker, so that a test can kill it. In the place of the app's own
//! children, `HILUM_FAULT_HOW` says how. With `HILUM_FAULT_SAID` it plays the
//! file of that name.

mod decoder;
mod player;
mod worker;

use std::{
    io::{self, Write},
    path::Path,
    process, thread,
    time::Duration,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(said) = std::env::var_os("HILUM_FAULT_SAID") {
        return player::run(arguments.first().is_some_and(|first| first == "worker"), Path::new(&said));
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", role, ..] => worker::run(role),
        ["parent"] => parent(),
        [wants] if wants.starts_with('{') => decoder::run(wants),
        _ => process::exit(2),
    }
}

/// How to misbehave whatever is asked, where a test has put this program in the place of the app's.
fn always() -> Option<String> {
    std::env::var("HILUM_FAULT_HOW").ok()
}

/// Ways of ending or stalling that a decoder and a worker share.
fn misbehave(how: &str) {
    match how {
        "abort" => process::abort(),
        // SAFETY: the signal ends this process, which is the purpose. Rust's own
        // handler would only return from it.
        "segfault" => unsafe {
            libc::signal(libc::SIGSEGV, libc::SIG_DFL);
            libc::raise(libc::SIGSEGV);
        },
        "exit" => process::exit(0),
        "panic" => panic!("asked to"),
        "memory" => {
            eprintln!("memory allocation of 99999999999 bytes failed");
            process::abort();
        }
        // As much memory as the system gives, which is made little.
        "exhaust" => {
            let little = libc::rlimit { rlim_cur: 128 << 20, rlim_max: 128 << 20 };
            // SAFETY: the pointer is to a live value of the right type.
            unsafe { libc::setrlimit(libc::RLIMIT_AS, &little) };
            let mut held = Vec::new();
            loop {
                held.push(vec![1u8; 16 << 20]);
            }
        }
        "hang" => sleep_forever(),
        "garbage" => {
            let noise: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            while io::stdout().write_all(&noise).is_ok() {}
        }
        // The two lengths of a frame, then nothing of it.
        "oversized" => {
            raw(&u32::MAX.to_le_bytes());
            raw(&u32::MAX.to_le_bytes());
            sleep_forever();
        }
        "half" => {
            raw(&100u32.to_le_bytes());
            raw(&0u32.to_le_bytes());
            raw(b"{\"reply\":");
            process::exit(0);
        }
        // An honest length, then a byte now and then.
        "loris" => {
            raw(&60_000u32.to_le_bytes());
            raw(&0u32.to_le_bytes());
            loop {
                raw(b" ");
                thread::sleep(Duration::from_millis(100));
            }
        }
        _ => {}
    }
}

fn raw(bytes: &[u8]) {
    let mut out = io::stdout();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        process::exit(0);
    }
}

fn sleep_forever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(60));
    }
}

/// Owns a worker, prints the worker's process id, and waits to be killed.
fn parent() {
    use hilum_workers::{Cancel, DraftEvent, DraftJob, DraftWorker, WorkerLimits, messages::draft::DraftPrompt};
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let program = std::env::current_exe().expect("own path");
        let worker = DraftWorker::start(program, WorkerLimits::default());
        let cancel = Cancel::new();
        worker.load(std::path::Path::new("good"), None, &cancel).await.expect("loads");
        let (events, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        let prompt = DraftPrompt::Raw { text: "family".to_owned() };
        let job = DraftJob { side: 1, images: Vec::new(), prompt, max_tokens: 8, encoded: Vec::new() };
        let draft = worker.draft(job, Some(events), &cancel);
        let print = async {
            while let Some(DraftEvent::Text(ids)) = inbox.recv().await {
                println!("{ids}");
            }
        };
        let _ = tokio::join!(draft, print);
    });
}
