//! How the C library of GNU keeps what WebKit's processes freed (mallopt(3)).

/// One heap for all threads, and what is large mapped by itself and given back, as variables of the environment.
///
/// By itself the library has eight heaps for each processor, which keep the room of the largest thing that happened in them,
/// and raises the size from which it maps: a page in which studies were read all day grew by that (docs/reliability.md,
/// section 8). The app chooses for itself in `main.rs`, before these are set; its workers start with an empty environment, and
/// `packs.rs` takes them away from `hilumctl`, which computes.
pub const HEAP: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "131072"), ("MALLOC_TRIM_THRESHOLD_", "131072")];
