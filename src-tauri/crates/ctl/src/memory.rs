//! What the workers of this process take of the machine's memory.

use hilum_workers::messages::draft::Took;

/// What this process takes, running its model on `device`.
pub fn of_this_process(device: &str) -> Took {
    let field = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
    };
    Took {
        device: device.to_owned(),
        memory_bytes: field("/proc/self/smaps_rollup", "Pss:"),
        peak_bytes: field("/proc/self/status", "VmHWM:"),
    }
}

/// The processor, in words, for models that run on nothing else.
pub fn cpu() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("CPU, {threads} {}", if threads == 1 { "thread" } else { "threads" })
}

/// Proportional set size of this process's children in bytes, where the system tells it
/// (Linux): shared pages are counted once over all who share them.
pub fn of_children() -> Option<u64> {
    let me = std::process::id().to_string();
    let mut total = None;
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name in brackets may hold anything; the parent's id is the second field after it.
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
        if parent != Some(&me) {
            continue;
        }
        let rollup = std::fs::read_to_string(entry.path().join("smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        if let Some(kilobytes) = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()) {
            *total.get_or_insert(0) += kilobytes * 1024;
        }
    }
    total
}
