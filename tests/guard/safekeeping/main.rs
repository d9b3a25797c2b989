//! Safekeeping, tried by breaking in: what the app has acknowledged is still there, whole, after
//! kills, power cuts, full and read-only disks, clocks moved back, and through backups.
//!
//! The real handlers run in a child of this program, on a real data folder, without a
//! desktop; the child says what was acknowledged, and the parent looks for it afterwards
//! through the store. `docs/reliability.md` says what was found and which break makes each part fail.
//!
//! `HILUM_GUARD` names the parts to run (all where it is not set): kills, power, full_disk, clock,
//! refused, backups, restores. `HILUM_KILLS`, `HILUM_CUTS`, `HILUM_BACKUPS` and `HILUM_RESTORES` say how often; with
//! `HILUM_GUARD_FORM=full` the clock is moved by both distances for each deed, and room for a signature grows page by page.

#[cfg(target_os = "linux")]
mod backups;
#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod desk;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(target_os = "linux")]
mod full_disk_signing;
#[cfg(target_os = "linux")]
#[path = "../common.rs"]
mod guard;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(target_os = "linux")]
mod lateness;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
mod refused;
#[cfg(target_os = "linux")]
mod restores;
#[cfg(target_os = "linux")]
mod small_disk;
#[cfg(target_os = "linux")]
mod work;

#[cfg(not(target_os = "linux"))]
fn main() {
    hilum_testkit::skipped("these parts need /proc, tmpfs and LD_PRELOAD");
}

#[cfg(target_os = "linux")]
fn main() {
    use std::time::Instant;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    // Nothing here is about models, and looking for packs costs each child a moment.
    // SAFETY: no other thread reads the environment yet.
    unsafe { std::env::set_var("HILUM_MODELS", "/nonexistent") };
    match std::env::var("HILUM_GUARD_ROLE").ok().as_deref() {
        Some("work") => return runtime.block_on(work::until_killed()),
        Some("hold") => return runtime.block_on(refused::hold()),
        Some(other) => panic!("no role {other}"),
        None => {}
    }
    let wanted = std::env::var("HILUM_GUARD").ok();
    let parts: [(&str, fn(&tokio::runtime::Runtime)); 7] = [
        ("kills", kills::run),
        ("power", power::run),
        ("full_disk", full_disk::run),
        ("clock", clock::run),
        ("refused", refused::run),
        ("backups", backups::run),
        ("restores", restores::run),
    ];
    for (name, part) in parts {
        if wanted.as_ref().is_none_or(|w| w.split(',').any(|w| w == name)) {
            let start = Instant::now();
            part(&runtime);
            println!("{name}: held, in {:.1} s", start.elapsed().as_secs_f64());
        }
    }
}

/// How often something is tried: from the environment, or a small number.
#[cfg(target_os = "linux")]
fn times(variable: &str, small: u32) -> u32 {
    std::env::var(variable).map_or(small, |n| n.parse().expect("a number"))
}

/// xorshift64*: the moments of death need no better.
#[cfg(target_os = "linux")]
struct Random(u64);

#[cfg(target_os = "linux")]
impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit.max(1)
    }
}
