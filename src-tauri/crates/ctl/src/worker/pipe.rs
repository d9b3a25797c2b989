//! The two pipes of a worker.

use hilum_workers::frame;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, BufReader},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// How often a worker shows that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// Where the frames go; copies share it, one frame at a time.
#[derive(Clone)]
pub struct Pipe(Arc<Mutex<File>>);

impl Pipe {
    /// Sends one frame. A parent that is gone ends this process.
    pub fn send(&self, reply: &impl Serialize, body: &[u8]) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if frame::write(&mut *out, reply, body).is_err() {
            end(0);
        }
    }

    /// Sends `heartbeat` every second from a thread of its own, so that long
    /// computations do not look like a hang.
    pub fn beat<T: Serialize + Send + 'static>(&self, heartbeat: T) {
        let pipe = self.clone();
        thread::spawn(move || {
            loop {
                pipe.send(&heartbeat, &[]);
                thread::sleep(BEAT);
            }
        });
    }
}

/// Reads requests on a thread of its own; `arrived` sees each at once, even while the
/// one before is being worked on. The end of standard input ends this process.
pub fn requests<T: DeserializeOwned + Send + 'static>(
    mut arrived: impl FnMut(&T) + Send + 'static,
) -> mpsc::Receiver<(T, Vec<u8>)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        loop {
            match frame::read::<T>(&mut input) {
                Ok(Some((request, body))) => {
                    arrived(&request);
                    let _ = sender.send((request, body));
                }
                Ok(None) => end(0),
                Err(e) => {
                    eprintln!("hilumctl worker: {e}");
                    end(2);
                }
            }
        }
    });
    receiver
}

/// Ends the process at once: the engine's threads may be anywhere, and cleaning up
/// under them could hang.
pub fn end(status: i32) -> ! {
    #[cfg(unix)]
    // SAFETY: ends the process without running anything more of it.
    unsafe {
        libc::_exit(status)
    }
    #[cfg(not(unix))]
    std::process::exit(status)
}

/// Takes standard output for the frames and leaves standard error in its place, so that
/// nothing that a library prints can come between them.
#[cfg(unix)]
pub fn take_standard_output() -> io::Result<Pipe> {
    use std::os::fd::AsFd;
    let own = io::stdout().as_fd().try_clone_to_owned()?;
    // SAFETY: both descriptors are open; the copy above keeps the pipe.
    if unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Pipe(Arc::new(Mutex::new(own.into()))))
}

#[cfg(not(unix))]
pub fn take_standard_output() -> io::Result<Pipe> {
    use std::os::windows::io::AsHandle;
    let own = io::stdout().as_handle().try_clone_to_owned()?;
    Ok(Pipe(Arc::new(Mutex::new(own.into()))))
}
