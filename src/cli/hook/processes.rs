//! The processes of the running hook. On Unix they are a process group, which is killed as a whole; elsewhere only the
//! shell is killed.
//!
//! Hooks run one at a time, so the running hook is a value of the whole program: a second Ctrl-C, which arrives on another
//! thread, has to kill it.

use std::io;
use std::mem;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The shell of the running hook.
static RUNNING: Mutex<Option<Child>> = Mutex::new(None);

fn running() -> MutexGuard<'static, Option<Child>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a hook.
pub(super) fn start(command: &mut Command) -> io::Result<()> {
    let mut running = running();
    *running = Some(command.spawn()?);
    Ok(())
}

/// Whether the shell has ended.
pub(super) fn has_ended() -> bool {
    running().as_mut().is_none_or(shell_has_ended)
}

/// Kills the hook with its processes.
pub(super) fn kill() {
    if let Some(child) = running().as_mut() {
        kill_all(child);
    }
}

/// Kills the hook with its processes, and keeps all other hooks from starting: the program is about to exit.
pub(in crate::cli) fn kill_for_ever() {
    let mut running = running();
    if let Some(child) = running.as_mut() {
        kill_all(child);
    }
    mem::forget(running);
}

/// Ends the watch over the hook, and returns the shell's exit status.
///
/// # Errors
/// The shell has not ended.
pub(super) fn forget() -> io::Result<ExitStatus> {
    let child = running().take();
    let status = child.map(|mut child| child.try_wait()).transpose()?.flatten();
    status.ok_or_else(|| io::Error::other("the system does not say how it ended"))
}

/// Asks without taking the exit status: until somebody takes the status, no other process can get the group's number.
#[cfg(unix)]
fn shell_has_ended(child: &mut Child) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(Pid::from_child(child)), options) {
        Ok(status) => status.is_some(),
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

#[cfg(not(unix))]
fn shell_has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// An error means that nothing is left to kill.
#[cfg(unix)]
fn kill_all(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// An error means that nothing is left to kill.
#[cfg(not(unix))]
fn kill_all(child: &mut Child) {
    let _ = child.kill();
}
