//! The few calls to the kernel that the child which tries a plugin needs, and its parent.
use std::io;

/// No core file: a crash of the child is expected, and its memory is nobody's business.
pub(crate) fn forbid_core_files() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is a valid struct that lives for the call. A failure only costs a file.
    let _ = unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

/// The child ends when the thread that started it does, whatever hangs in it.
pub(crate) fn end_with_parent() {
    // SAFETY: takes numbers only.
    let _ = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Ends the process without running destructors of whatever was loaded into it.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: never returns, touches no memory.
    unsafe { libc::_exit(code) }
}

/// Kills a child that leads a process group and was not waited for yet, with all it started.
pub(crate) fn kill_group(leader: u32) -> io::Result<()> {
    let group = i32::try_from(leader).map_err(io::Error::other)?;
    // SAFETY: takes numbers only; the leader was not waited for, so its number is not somebody else's.
    match unsafe { libc::kill(-group, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
