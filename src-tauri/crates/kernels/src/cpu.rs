//! Which instructions this processor has, and which of them the kernels use.

use std::fmt;
use std::sync::OnceLock;

/// A set of instructions that kernels are written for. Every public kernel has a form
/// that takes one, so that a test can run each that its machine has.
///
/// Outside of this crate no value names a set that the processor lacks: they come from
/// [`Isa::current`], [`Isa::available`] and [`Features::detected`], and only [`Isa::Portable`]
/// can be written down. That is what makes it safe to call a kernel with any of them.
///
/// ```
/// use hilum_kernels::cpu::Isa;
/// assert!(Isa::available().all(Isa::is_available));
/// assert!(Isa::Portable.is_available());
/// ```
/// ```compile_fail
/// let unseen = hilum_kernels::cpu::Isa::Amx;
/// ```
/// ```compile_fail
/// let unseen = hilum_kernels::cpu::Isa::Avx512;
/// ```
/// ```compile_fail
/// let unseen = hilum_kernels::cpu::Isa::Avx512Plain;
/// ```
/// ```compile_fail
/// let unseen = hilum_kernels::cpu::Isa::Avx2;
/// ```
/// ```compile_fail
/// let unseen = hilum_kernels::cpu::Isa::Neon;
/// ```
///
/// | set | needs |
/// |---|---|
/// | `Amx` | all of `Avx512` with BF16 and VNNI, and the tiles of AMX with products of brain floats and of bytes, which the system has to let the process use |
/// | `Avx512` | AVX-512 F, BW, DQ, VL. Products of brain floats and of bytes use BF16 and VNNI where [`Features`] says so, and are those of `Avx2` otherwise |
/// | `Avx512Plain` | the same, and leaves BF16 and VNNI alone where they are: what `Avx512` is on a processor without them, so that a machine with them can test it |
/// | `Avx2` | AVX2, FMA, F16C |
/// | `Neon` | the baseline of AArch64 |
/// | `Portable` | nothing |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    #[non_exhaustive]
    Amx,
    #[non_exhaustive]
    Avx512,
    #[non_exhaustive]
    Avx512Plain,
    #[non_exhaustive]
    Avx2,
    #[non_exhaustive]
    Neon,
    Portable,
}

/// What was detected beside the sets themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The best set that this processor has.
    pub best: Isa,
    /// Byte dot products over 512 bits (`vpdpbusd`).
    pub vnni: bool,
    /// Brain-float dot products over 512 bits (`vdpbf16ps`).
    pub bf16: bool,
}

/// Names the set to use instead of the best: `amx`, `avx512`, `avx512-plain`, `avx2`, `neon` or `portable`.
/// Programs ask [`Isa::asked`] before they load a model, and refuse what names no set of
/// this processor.
pub const OVERRIDE: &str = "HILUM_KERNELS";

/// [`OVERRIDE`] names a set that the processor lacks, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchSet {
    word: String,
}

impl fmt::Display for NoSuchSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here: Vec<&str> = Isa::available().map(Isa::name).collect();
        write!(f, "{OVERRIDE} is {:?}, and this processor computes with {}", self.word, here.join(" or "))
    }
}

impl std::error::Error for NoSuchSet {}

impl Isa {
    /// The best first, but for the order of sets that no processor has both of.
    const ALL: [Self; 6] = [Self::Amx, Self::Avx512, Self::Avx512Plain, Self::Avx2, Self::Neon, Self::Portable];

    /// The set in use: the best one, unless [`OVERRIDE`] names another. Settled at the first
    /// call, which says on standard error where the word there is not followed.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let best = Features::detected().best;
            Self::asked().map(|asked| asked.unwrap_or(best)).unwrap_or_else(|refused| {
                eprintln!("{refused}; {} is taken", best.name());
                best
            })
        })
    }

    /// The set that [`OVERRIDE`] names; `None` where it is not set, or empty.
    ///
    /// # Errors
    /// For a set that the processor lacks, and a word that names none.
    pub fn asked() -> Result<Option<Self>, NoSuchSet> {
        Self::named(&std::env::var_os(OVERRIDE).unwrap_or_default().to_string_lossy())
    }

    /// Every set that this processor has, the best first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether this processor has the set.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Neon => Features::detected().best == Self::Neon,
            Self::Amx => Features::detected().best == Self::Amx,
            Self::Avx512 | Self::Avx512Plain => matches!(Features::detected().best, Self::Amx | Self::Avx512),
            Self::Avx2 => matches!(Features::detected().best, Self::Amx | Self::Avx512 | Self::Avx2),
        }
    }

    /// This set, once it is known that the processor has it. Only this crate can name one
    /// that it lacks; what is made of a set for later calls looks at it once more.
    pub(crate) fn checked(self) -> Self {
        assert!(self.is_available(), "this processor has no {}", self.name());
        self
    }

    /// The word that [`OVERRIDE`] takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amx => "amx",
            Self::Avx512 => "avx512",
            Self::Avx512Plain => "avx512-plain",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// Whether this set has products of brain floats: `vdpbf16ps`, or the tiles of AMX.
    pub fn has_bf16(self) -> bool {
        self == Self::Amx || self == Self::Avx512 && Features::detected().bf16
    }

    /// Whether this set has 512-bit `vpdpbusd`.
    pub fn has_vnni(self) -> bool {
        self == Self::Amx || self == Self::Avx512 && Features::detected().vnni
    }

    fn named(word: &str) -> Result<Option<Self>, NoSuchSet> {
        let name = word.trim().to_ascii_lowercase();
        match Self::available().find(|isa| isa.name() == name) {
            None if !name.is_empty() => Err(NoSuchSet { word: word.to_owned() }),
            found => Ok(found),
        }
    }
}

impl Features {
    /// What this processor has. Asked of it once.
    pub fn detected() -> Self {
        static DETECTED: OnceLock<Features> = OnceLock::new();
        *DETECTED.get_or_init(detect)
    }
}

/// One line for a person: the set in use and the dot products it has, for example
/// "AVX-512 with BF16 and VNNI".
pub fn description() -> String {
    let isa = Isa::current();
    let name = match isa {
        Isa::Amx => "AMX, AVX-512",
        Isa::Avx512 => "AVX-512",
        Isa::Avx512Plain => "AVX-512, plain",
        Isa::Avx2 => "AVX2",
        Isa::Neon => "NEON",
        Isa::Portable => "portable",
    };
    match (isa.has_bf16(), isa.has_vnni()) {
        (true, true) => format!("{name} with BF16 and VNNI"),
        (true, false) => format!("{name} with BF16"),
        (false, true) => format!("{name} with VNNI"),
        (false, false) => name.to_owned(),
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Features {
    // Miri interprets no intrinsics of the wide sets that matter here, so that under it
    // the portable code runs.
    if cfg!(miri) {
        return Features { best: Isa::Portable, vnni: false, bf16: false };
    }
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let vnni = avx512 && is_x86_feature_detected!("avx512vnni");
    let bf16 = avx512 && is_x86_feature_detected!("avx512bf16");
    let best = match (avx512, avx2) {
        // Asked last, because the asking changes what the system keeps of this process.
        (true, _) if vnni && bf16 && crate::amx::granted() => Isa::Amx,
        (true, _) => Isa::Avx512,
        (false, true) => Isa::Avx2,
        (false, false) => Isa::Portable,
    };
    Features { best, vnni, bf16 }
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Features {
    // As on x86.
    let best = if cfg!(miri) { Isa::Portable } else { Isa::Neon };
    Features { best, vnni: false, bf16: false }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Features {
    Features { best: Isa::Portable, vnni: false, bf16: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_that_is_there_has_a_name_that_is_read_back() {
        for isa in Isa::ALL {
            let expected = if isa.is_available() { Some(Some(isa)) } else { None };
            assert_eq!(Isa::named(isa.name()).ok(), expected);
            assert_eq!(Isa::named(&format!(" {} ", isa.name().to_uppercase())).ok(), expected);
        }
        assert_eq!([Isa::named(""), Isa::named(" ")], [Ok(None), Ok(None)]);
        let refused = Isa::named("sse9").unwrap_err().to_string();
        assert!(refused.contains("HILUM_KERNELS is \"sse9\"") && refused.contains("portable"), "{refused}");
    }

    #[test]
    fn a_set_that_is_not_there_is_not_gone_on_with() {
        for isa in Isa::ALL {
            assert_eq!(std::panic::catch_unwind(|| isa.checked()).ok(), isa.is_available().then_some(isa));
        }
    }

    #[test]
    fn what_is_in_use_is_there() {
        assert!(Isa::current().is_available());
        assert_eq!(Isa::available().next(), Some(Features::detected().best));
        assert_eq!(Isa::available().last(), Some(Isa::Portable));
        assert!(!Isa::Portable.has_bf16() && !Isa::Avx2.has_vnni());
        println!("{}", description());
    }

    /// Whatever the processor has: the plain set is there to do without.
    #[test]
    fn the_plain_set_has_no_dot_products() {
        assert!(!Isa::Avx512Plain.has_bf16() && !Isa::Avx512Plain.has_vnni());
        assert_eq!(Isa::Avx512Plain.is_available(), Isa::Avx512.is_available());
    }

    /// What the widest set has, those below it have, so that a machine with it can test them.
    #[test]
    fn a_set_brings_those_below_it() {
        let below = [(Isa::Amx, Isa::Avx512), (Isa::Avx512, Isa::Avx2), (Isa::Avx2, Isa::Portable)];
        assert!(below.into_iter().all(|(isa, below)| !isa.is_available() || below.is_available()));
        assert!(!Isa::Amx.is_available() || Isa::Avx512.has_bf16() && Isa::Avx512.has_vnni());
    }

    /// What tests over [`Isa::available`] leave out of the kernels that this program has on a processor with these
    /// features. Sets of another architecture are no part of the program.
    fn untested(features: Features) -> Vec<&'static str> {
        if !cfg!(target_arch = "x86_64") || cfg!(miri) {
            return Vec::new();
        }
        let Features { best, vnni, bf16 } = features;
        let lacking = [
            (best == Isa::Portable, "AVX2"),
            (!matches!(best, Isa::Amx | Isa::Avx512), "AVX-512"),
            (!bf16, "products of brain floats in AVX-512"),
            (!vnni, "products of bytes in AVX-512"),
            (best != Isa::Amx, "tiles of AMX"),
        ];
        lacking.into_iter().filter_map(|(lacks, form)| lacks.then_some(form)).collect()
    }

    #[test]
    fn what_this_machine_cannot_test_is_said() {
        for form in untested(Features::detected()) {
            crate::skipped::skipped(format!("kernels: {form} (this processor lacks it)"));
        }
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn each_form_that_a_processor_lacks_is_named() {
        let check = |best, vnni, bf16, expected: &[&str]| {
            assert_eq!(untested(Features { best, vnni, bf16 }), expected, "{best:?} {vnni} {bf16}");
        };
        let (floats, bytes) = ("products of brain floats in AVX-512", "products of bytes in AVX-512");
        let tiles = "tiles of AMX";
        check(Isa::Amx, true, true, &[]);
        check(Isa::Avx512, true, true, &[tiles]);
        check(Isa::Avx512, true, false, &[floats, tiles]);
        check(Isa::Avx512, false, false, &[floats, bytes, tiles]);
        check(Isa::Avx2, false, false, &["AVX-512", floats, bytes, tiles]);
        check(Isa::Portable, false, false, &["AVX2", "AVX-512", floats, bytes, tiles]);
    }
}
