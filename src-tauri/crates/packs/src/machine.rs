//! What a pack asks of the machine, and what the machine has.

use std::path::Path;

use crate::error::{PackError, Result};
use crate::inspect::Inspection;
use crate::manifest::{Kind, Quantization};

/// What the machine has to give; a test gives numbers of its own. `None` where
/// the system does not tell, and then nothing is refused for it.
pub trait Machine {
    /// Bytes that a person may still write on the disk that holds this folder or
    /// its nearest existing parent.
    fn free_disk(&self, folder: &Path) -> Option<u64>;
    fn memory(&self) -> Option<Memory>;
}

/// Main memory, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub total: u64,
    /// What can be had without pushing other programs out.
    pub available: u64,
}

/// The machine that this runs on.
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn free_disk(&self, folder: &Path) -> Option<u64> {
        free_disk(folder.ancestors().find(|folder| folder.exists())?)
    }

    fn memory(&self) -> Option<Memory> {
        memory_of(&std::fs::read_to_string("/proc/meminfo").ok()?)
    }
}

#[cfg(unix)]
fn free_disk(folder: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut about = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends in a zero and the structure is ours; it is read only
    // where the call says that it was filled.
    let about = unsafe {
        if libc::statvfs(path.as_ptr(), about.as_mut_ptr()) != 0 {
            return None;
        }
        about.assume_init()
    };
    // The fields are narrower on some systems.
    #[allow(clippy::unnecessary_cast)]
    Some(about.f_bavail as u64 * about.f_frsize as u64)
}

#[cfg(not(unix))]
fn free_disk(_folder: &Path) -> Option<u64> {
    None
}

/// `MemTotal` and `MemAvailable` of proc(5), which gives them in kibibytes.
fn memory_of(meminfo: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
    };
    Some(Memory { total: field("MemTotal")?, available: field("MemAvailable")? })
}

/// What adding and using a pack will take, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The pack's folder.
    pub disk: u64,
    /// The worker that has loaded it, at its highest.
    pub memory: u64,
    /// The conversion at its highest; zero where nothing is converted.
    pub conversion: u64,
}

/// Bytes kept free beside what is written: a full disk stops the database too.
const SPARE_DISK: u64 = 256 << 20;

/// Buffers, activations, keys and values of one draft, beside the weights.
const WORKING: u64 = 512 << 20;

/// The conversion streams a few megabytes a thread; the rest is the program itself.
const CONVERSION: u64 = 1 << 30;

/// What a converted model takes, bytes, as the conversion plans it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Of the weight files.
    pub disk: u64,
    /// Of the process that has loaded them, before the first draft.
    pub memory: u64,
}

impl Estimate {
    /// Weights that are not converted are computed with in float32.
    pub fn of(inspection: &Inspection, converted: Option<Sizes>) -> Self {
        match converted {
            None => Self { disk: inspection.total_bytes(), memory: inspection.parameters * 4 + WORKING, conversion: 0 },
            Some(Sizes { disk, memory }) => Self {
                disk: inspection.total_bytes().saturating_sub(inspection.weight_bytes) + disk,
                memory: memory + WORKING,
                conversion: CONVERSION,
            },
        }
    }

    /// Of a pack whose weights were converted elsewhere: as much memory as its files,
    /// and the share for what is not kept in their form (docs/models.md).
    pub(crate) fn of_converted(total_bytes: u64) -> Self {
        Self { disk: total_bytes, memory: total_bytes * 13 / 10 + WORKING, conversion: 0 }
    }

    /// Refuses what cannot work: a disk without room, a model that the machine
    /// could not hold with nothing else running, a conversion without memory now.
    pub(crate) fn check(&self, machine: &dyn Machine, packs_root: &Path) -> Result<()> {
        check_disk(machine, packs_root, self.disk)?;
        let Some(memory) = machine.memory() else { return Ok(()) };
        if self.memory > memory.total {
            return Err(PackError::Memory { what: "the model", needed: self.memory, there: memory.total });
        }
        if self.conversion > memory.available {
            return Err(PackError::Memory { what: "the conversion", needed: self.conversion, there: memory.available });
        }
        Ok(())
    }
}

/// Fails with `pack.disk_full` where so many bytes, and some to spare, do not fit on the disk of this folder.
pub(crate) fn check_disk(machine: &dyn Machine, folder: &Path, bytes: u64) -> Result<()> {
    let needed = bytes + SPARE_DISK;
    match machine.free_disk(folder).filter(|free| *free < needed) {
        Some(free) => Err(PackError::DiskFull { needed, free }),
        None => Ok(()),
    }
}

/// What a kind of pack can be stored as.
pub fn quantizations(kind: Kind) -> &'static [Quantization] {
    match kind {
        Kind::MedGemma => &[Quantization::Q4k, Quantization::Q8, Quantization::None],
        Kind::MedGemmaText | Kind::MedSigLip => &[Quantization::None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Option<u64>, Option<Memory>);

    impl Machine for Fixed {
        fn free_disk(&self, _: &Path) -> Option<u64> {
            self.0
        }

        fn memory(&self) -> Option<Memory> {
            self.1
        }
    }

    #[test]
    fn memory_as_linux_writes_it() {
        let text = "MemTotal:       24684092 kB\nMemFree:         9073840 kB\nMemAvailable:   17655948 kB\n";
        let memory = Memory { total: 24_684_092 << 10, available: 17_655_948 << 10 };
        assert_eq!(memory_of(text), Some(memory));
        assert_eq!(memory_of("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn this_machine_says_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let free = ThisMachine.free_disk(&folder.path().join("not/yet/made"));
        assert_eq!(free.is_some(), cfg!(unix));
        assert_eq!(ThisMachine.memory().is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        const GIB: u64 = 1 << 30;
        let estimate = Estimate { disk: 8 * GIB, memory: 17 * GIB, conversion: 6 * GIB };
        let memory = |total, available| Some(Memory { total: total * GIB, available: available * GIB });
        for (disk, memory, code) in [
            (Some(9 * GIB), memory(32, 20), None),
            (None, None, None),
            (Some(8 * GIB), memory(32, 20), Some("pack.disk_full")),
            (Some(0), None, Some("pack.disk_full")),
            (Some(9 * GIB), memory(16, 15), Some("pack.memory")),
            (None, memory(32, 5), Some("pack.memory")),
        ] {
            let refused = estimate.check(&Fixed(disk, memory), Path::new("/x")).err();
            assert_eq!(refused.map(|error| error.code()), code, "{disk:?} {memory:?}");
        }
    }
}
