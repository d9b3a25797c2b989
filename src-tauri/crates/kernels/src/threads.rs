//! Work in parts, over the threads of the process, or of the pool that the caller is in.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::team::Team;

/// Runs `work(0)` to `work(parts - 1)`, each once, over rayon's current pool. Each thread begins a run of neighbouring
/// parts of its own, so that what it reads lies in one piece, and goes on with what is left of the others' runs, so that
/// unequal parts and busy cores even out. In a pool of one thread this is a plain loop.
pub fn for_each_part(parts: usize, work: impl Fn(usize) + Sync) {
    for_each_part_with(parts, || (), |(), part| work(part));
}

/// [`for_each_part`] with scratch space that each thread makes once.
pub fn for_each_part_with<S>(parts: usize, scratch: impl Fn() -> S + Sync, work: impl Fn(&mut S, usize) + Sync) {
    let threads = count().min(parts);
    let runs: Vec<Run> = (0..threads)
        .map(|run| Run { next: AtomicUsize::new(run * parts / threads), end: (run + 1) * parts / threads })
        .collect();
    let come = AtomicUsize::new(0);
    let run = || {
        let first = come.fetch_add(1, Ordering::Relaxed);
        let mut scratch = scratch();
        for run in 0..threads {
            let run = &runs[(first + run) % threads];
            loop {
                let part = run.next.fetch_add(1, Ordering::Relaxed);
                if part >= run.end {
                    break;
                }
                work(&mut scratch, part);
            }
        }
    };
    match threads {
        0 => {}
        1 => run(),
        // Neither the pool's threads nor the team's end with the program, which Miri takes for a leak.
        _ if cfg!(miri) => std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(run)));
            run();
        }),
        // A pool of another size was made by somebody who wants just that many threads.
        _ if count() == Team::of_process().threads() && Team::of_process().run(&run) => {}
        _ => (0..threads).into_par_iter().with_max_len(1).for_each(|_| run()),
    }
}

/// Neighbouring parts; apart from the other runs in memory, so that threads that count do not hold each other up.
#[repr(align(128))]
struct Run {
    next: AtomicUsize,
    end: usize,
}

/// Threads of the current pool. Under Miri always so many that some share work.
pub fn count() -> usize {
    if cfg!(miri) { 2 } else { rayon::current_num_threads() }
}

/// `len` cut into runs of `step`; the last one may be shorter.
pub fn part(index: usize, step: usize, len: usize) -> Range<usize> {
    (index * step).min(len)..((index + 1) * step).min(len)
}

/// A slice of which several threads write different places.
pub struct SharedMut<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: the slice is only reached through `range`, whose callers promise that no two
// ranges alive at a time overlap; apart from that it is a `&mut [T]`.
unsafe impl<T: Send> Send for SharedMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedMut<'_, T> {}

impl<'a, T> SharedMut<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where an element lies, to be asked for ahead of its use and for nothing else; beyond the slice it is any address.
    pub(crate) fn place(&self, index: usize) -> *const T {
        self.start.wrapping_add(index).cast_const()
    }

    /// A part of the slice.
    ///
    /// # Safety
    /// No other range that is alive at the same time overlaps this one.
    ///
    /// # Panics
    /// For a range beyond the slice.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {}", self.len);
        // SAFETY: inside the slice, checked above; not aliased, by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: usize, threads: usize) {
        let mut done = vec![0u32; parts];
        let shared = SharedMut::new(&mut done);
        let work = || {
            for_each_part(parts, |i| {
                // SAFETY: each part is run once, so that no other thread has this element.
                let one = unsafe { shared.range(i..i + 1) };
                one[0] += 1;
            });
        };
        match cfg!(miri) {
            true => work(),
            false => rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work),
        }
        assert!(done.iter().all(|&n| n == 1), "{parts} parts over {threads} threads: {done:?}");
    }

    #[test]
    fn each_part_is_done_once() {
        for parts in [0, 1, 2, 7, 100] {
            for threads in [1, 2, 5] {
                check(parts, threads);
            }
        }
    }

    #[test]
    fn parts_cover_the_whole() {
        let cut = |len: usize, step| (0..len.div_ceil(step)).map(|i| part(i, step, len)).collect::<Vec<_>>();
        assert_eq!(cut(7, 3), [0..3, 3..6, 6..7]);
        assert_eq!(cut(6, 3), [0..3, 3..6]);
        assert_eq!(part(9, 3, 7), 7..7);
    }
}
