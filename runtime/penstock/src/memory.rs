//! When memory goes back to the system.

/// To be called before there are other threads.
///
/// By itself the C library of GNU keeps ever larger pieces to itself once such were given back, and a worker's batches are
/// large: it peaked at half as much again. Who sets `MALLOC_MMAP_THRESHOLD_` has decided it otherwise.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn give_back() {
    if std::env::var_os("MALLOC_MMAP_THRESHOLD_").is_some() {
        return;
    }
    // SAFETY: both set a number of the C library; nothing is allocated by another thread meanwhile.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * LARGE);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

/// Bytes of a piece that is the system's own. Smaller ones come and go too often for that.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 2 << 20;
