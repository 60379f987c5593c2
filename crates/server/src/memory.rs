//! What the process asks of the system: how freed memory is kept, and how a
//! closed pipe ends it.
//!
//! glibc gives every thread an arena of its own, up to eight a core, and each
//! keeps what it once needed; it also raises the size from which memory goes
//! back to the system at once. An import walks through several threads, so
//! without these settings its peak grows with its length: 300 MB for 1,000,000
//! rows where 260 MB are in use.

/// Before the first thread starts. Elsewhere than on glibc it does nothing.
pub fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const ARENAS: libc::c_int = 2;
        const GIVEN_BACK_FROM_BYTES: libc::c_int = 1 << 20;
        // SAFETY: mallopt takes two integers and only changes settings of the
        // allocator; no other thread runs yet.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, ARENAS);
            libc::mallopt(libc::M_MMAP_THRESHOLD, GIVEN_BACK_FROM_BYTES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, GIVEN_BACK_FROM_BYTES);
        }
    }
}

/// Hands back what is free between other allocations: after a stage whose
/// threads are not the next one's.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only gives free pages back and may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// A write to a pipe that nobody reads ends the process without a word.
pub fn end_with_the_reader() {
    #[cfg(unix)]
    // SAFETY: the default action is set before any other thread runs.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
