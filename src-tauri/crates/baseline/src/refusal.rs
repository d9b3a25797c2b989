//! The look that the loader calls, and the words of a refusal.
//!
//! Nothing of the level may be used before all of it is known to be there. So each number goes to memory by itself, each
//! piece of a sentence to the system by itself, and no sentence is put together.

use std::arch::asm;
use std::mem::MaybeUninit;

use libc::{c_char, c_int};

use crate::level::{Account, Word, each_missing};

/// Among the functions that the loader calls before `main`, the lowest number first; those of other crates have higher ones
/// or none.
#[used]
#[unsafe(link_section = ".init_array.00001")]
static LOOK: extern "C" fn(c_int, *const *const c_char) = look;

/// The status of what failed by the machine, in all three programs.
const REFUSED: c_int = 3;

/// glibc hands the arguments of the program to it. It has a name by which it is found in a program.
#[unsafe(export_name = "hilum_look")]
extern "C" fn look(_: c_int, arguments: *const *const c_char) {
    let mut lacks = false;
    each_missing(&account(), |name| {
        if lacks {
            write(", ");
        } else {
            // SAFETY: a list that ends with a null pointer, of strings that end with a null byte.
            unsafe {
                if !(*arguments).is_null() {
                    libc::write(libc::STDERR_FILENO, (*arguments).cast(), libc::strlen(*arguments));
                }
            }
            write(": This processor lacks ");
        }
        write(name);
        lacks = true;
    });
    if lacks {
        write(
            ". Hilum is compiled for the level x86-64-v3, which Intel's processors have from Haswell (2013) and AMD's from \
             Excavator (2015) on, but for some of their cheapest. It runs on a computer with one of those; in a virtual \
             machine whose host has one, pass its processor through (QEMU and libvirt: \"host-passthrough\"). [processor.level]\n",
        );
        // SAFETY: ends the process, and runs nothing more of it.
        unsafe { libc::_exit(REFUSED) };
    }
}

#[inline(always)]
fn write(words: &'static str) {
    // SAFETY: bytes that are there for as long as the program is. Where nobody reads them nothing can be done about it.
    unsafe { libc::write(libc::STDERR_FILENO, words.as_ptr().cast(), words.len()) };
}

#[inline(always)]
fn account() -> Account {
    let mut account = MaybeUninit::<Account>::uninit();
    let to: *mut u32 = account.as_mut_ptr().cast();
    // SAFETY: a place for each word. Volatile, so that they are not gathered into one wide store.
    let put = |word: Word, value: u32| unsafe { to.add(word as usize).write_volatile(value) };
    let (basic, ..) = leaf(0);
    let (extended, ..) = leaf(0x8000_0000);
    let (_, _, first) = leaf(1);
    put(Word::Basic, first);
    put(Word::Structured, if basic >= 7 { leaf(7).1 } else { 0 });
    put(Word::Extended, if extended > 0x8000_0000 { leaf(0x8000_0001).2 } else { 0 });
    // Without OSXSAVE the instruction that asks is none.
    put(Word::Kept, if first & 1 << 27 != 0 { kept() } else { 0 });
    // SAFETY: all four were put.
    unsafe { account.assume_init() }
}

/// EAX, EBX and ECX of a leaf, of its first part where it has several.
#[inline(always)]
fn leaf(number: u32) -> (u32, u32, u32) {
    let (eax, ebx, ecx): (u32, u64, u32);
    // SAFETY: every processor of this architecture has the instruction. The compiler keeps RBX for itself.
    unsafe {
        asm!(
            "mov {ebx:r}, rbx",
            "cpuid",
            "xchg {ebx:r}, rbx",
            ebx = out(reg) ebx,
            inout("eax") number => eax,
            inout("ecx") 0 => ecx,
            out("edx") _,
            options(nomem, nostack, preserves_flags),
        );
    }
    (eax, ebx as u32, ecx)
}

/// The low half of XCR0. Only where the processor says OSXSAVE.
#[inline(always)]
fn kept() -> u32 {
    let low: u32;
    // SAFETY: the caller has seen that the instruction is there.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") _, options(nomem, nostack, preserves_flags)) };
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Whoever runs this test has the level.
    #[test]
    fn this_processor_lacks_nothing() {
        each_missing(&account(), |name| panic!("{name}"));
    }

    /// What stands in this program for the look, one instruction a line; `None` where nothing is here to read it.
    fn instructions() -> Option<Vec<String>> {
        let mut objdump = Command::new("objdump");
        objdump.args(["-d", "--no-show-raw-insn", "--disassemble=hilum_look"]).arg(std::env::current_exe().unwrap());
        let read = String::from_utf8(objdump.output().ok()?.stdout).unwrap();
        Some(read.lines().filter_map(|line| Some(line.split_once(":\t")?.1.to_owned())).collect())
    }

    /// Instructions of the level: those of AVX, AVX2, FMA and F16C begin with a v, and these are the others beyond SSE2.
    fn is_of_the_level(instruction: &str) -> bool {
        const OTHERS: [&str; 18] = [
            "andn",
            "bextr",
            "blsi",
            "blsmsk",
            "blsr",
            "bzhi",
            "mulx",
            "pdep",
            "pext",
            "rorx",
            "sarx",
            "shlx",
            "shrx",
            "lzcnt",
            "tzcnt",
            "popcnt",
            "movbe",
            "cmpxchg16b",
        ];
        let word = instruction.split_whitespace().next().unwrap_or_default();
        word.starts_with('v') || OTHERS.iter().any(|other| word.starts_with(other))
    }

    #[test]
    fn the_look_is_taken_without_the_level() {
        let Some(found) = instructions() else {
            return crate::skipped::skipped("the instructions of the look at the processor (no objdump)");
        };
        let count = |what: &str| found.iter().filter(|instruction| instruction.starts_with(what)).count();
        assert!(count("cpuid") >= 5 && count("xgetbv") == 1, "this is the look: {found:#?}");
        let wrong: Vec<&String> = found.iter().filter(|instruction| is_of_the_level(instruction)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn an_instruction_of_the_level_would_be_noticed() {
        let check = |instruction, expected| assert_eq!(is_of_the_level(instruction), expected, "{instruction}");
        check("vmovups %xmm0,0x10(%rsp)", true);
        check("shlx   %ecx,%eax,%eax", true);
        check("andn   %ecx,%eax,%eax", true);
        check("movbe  (%rdi),%eax", true);
        check("and    $0x1,%eax", false);
        check("mov    %eax,0x10(%rsp)", false);
        check("shl    $0x4,%rax", false);
    }

    /// The words are those in which the system found what it lists, and not just all ones.
    #[test]
    fn the_account_is_the_processors() {
        let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = listed.lines().find(|line| line.starts_with("flags")).unwrap();
        let is_listed = |flag: &str| flags.split_whitespace().any(|word| word == flag);
        let said = account();
        // The system may hide what it does not trust, and lists nothing that the processor does not say.
        for (flag, word, bit, may_be_hidden) in [
            ("aes", Word::Basic, 25, false),
            ("pclmulqdq", Word::Basic, 1, false),
            ("rdrand", Word::Basic, 30, true),
            ("rdseed", Word::Structured, 18, true),
            ("avx512f", Word::Structured, 16, true),
            ("sha_ni", Word::Structured, 29, true),
            ("sse4a", Word::Extended, 6, false),
            ("tbm", Word::Extended, 21, false),
        ] {
            let is_said = said[word as usize] >> bit & 1 == 1;
            let agrees = if may_be_hidden { is_said || !is_listed(flag) } else { is_said == is_listed(flag) };
            assert!(agrees, "{flag}: {said:x?}");
        }
    }
}
