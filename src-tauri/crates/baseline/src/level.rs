//! What the level x86-64-v3 asks of a processor (System V psABI for x86-64, "Micro-Architecture Levels").

/// What a processor, and the system on it, say of themselves: a number for each [`Word`], 0 for one that they do not have.
pub(crate) type Account = [u32; 4];

#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    /// ECX of leaf 1.
    Basic,
    /// EBX of leaf 7.
    Structured,
    /// ECX of leaf 0x8000_0001.
    Extended,
    /// The low half of XCR0: the registers that the system keeps for a program while others run.
    Kept,
}

/// Says the name of each part of the level that is missing.
///
/// Nothing of the level may be used here. A loop that tests a word of memory and calls what the compiler does not know has
/// no use for wider instructions, nor for those that count or pick bits.
#[inline(always)]
pub(crate) fn each_missing(account: &Account, mut say: impl FnMut(&'static str)) {
    for (name, word, bit) in &LEVEL {
        if account[*word as usize] & bit == 0 {
            say(name);
        }
    }
}

static LEVEL: [(&str, Word, u32); 17] = [
    ("SSE3", Word::Basic, 1),
    ("SSSE3", Word::Basic, 1 << 9),
    ("CMPXCHG16B", Word::Basic, 1 << 13),
    ("SSE4.1", Word::Basic, 1 << 19),
    ("SSE4.2", Word::Basic, 1 << 20),
    ("POPCNT", Word::Basic, 1 << 23),
    ("LAHF", Word::Extended, 1),
    ("AVX", Word::Basic, 1 << 28),
    ("AVX2", Word::Structured, 1 << 5),
    ("FMA", Word::Basic, 1 << 12),
    ("F16C", Word::Basic, 1 << 29),
    ("MOVBE", Word::Basic, 1 << 22),
    ("BMI1", Word::Structured, 1 << 3),
    ("BMI2", Word::Structured, 1 << 8),
    ("LZCNT", Word::Extended, 1 << 5),
    ("OSXSAVE", Word::Basic, 1 << 27),
    ("registers of AVX kept by the system", Word::Kept, 1 << 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Account = [0x38d8_3201, 0x128, 0x21, 0x6];
    const V3: [&str; 10] = [
        "AVX",
        "AVX2",
        "FMA",
        "F16C",
        "MOVBE",
        "BMI1",
        "BMI2",
        "LZCNT",
        "OSXSAVE",
        "registers of AVX kept by the system",
    ];

    fn check(account: Account, expected: &[&str]) {
        let mut missing = Vec::new();
        each_missing(&account, |name| missing.push(name));
        assert_eq!(missing, expected, "{account:x?}");
    }

    #[test]
    fn what_has_all_of_it_lacks_nothing() {
        check(ALL, &[]);
        check([u32::MAX; 4], &[]);
    }

    #[test]
    fn each_bit_is_asked_for_by_itself() {
        for (name, word, bit) in LEVEL {
            let mut account = ALL;
            account[word as usize] &= !bit;
            check(account, &[name]);
            // No other bit takes its place.
            let mut account = [u32::MAX; 4];
            account[word as usize] = !bit;
            check(account, &[name]);
        }
    }

    /// The words of processors that were sold.
    #[test]
    fn older_processors_lack_what_came_later() {
        let level_2 = 0x0098_2201;
        check([level_2, 0, 0x1, 0], &V3);
        // The same with AVX and F16C, and a system that keeps the registers: Intel's Ivy Bridge.
        check([level_2 | 1 << 27 | 1 << 28 | 1 << 29, 0, 0x1, 0x7], &["AVX2", "FMA", "MOVBE", "BMI1", "BMI2", "LZCNT"]);
        // AMD's Piledriver has FMA, BMI1 and LZCNT.
        check([level_2 | 1 << 12 | 1 << 27 | 1 << 28 | 1 << 29, 1 << 3, 0x21, 0x7], &["AVX2", "MOVBE", "BMI2"]);
    }

    /// As in a virtual machine that passes through the processor's word, under a system that knows nothing of AVX.
    #[test]
    fn what_the_system_does_not_keep_is_not_there() {
        check([ALL[0], ALL[1], ALL[2], 0x3], &["registers of AVX kept by the system"]);
    }

    #[test]
    fn nothing_said_is_nothing_there() {
        let every: Vec<&str> = LEVEL.iter().map(|(name, ..)| *name).collect();
        check([0; 4], &every);
    }
}
