//! Programs that play the app's children: each is the real one, unless something else was said for its next starts.
//!
//! The app starts its children from the folder that `HILUM_BIN_DIR` names. A script stands there for each: it starts the
//! program that was built or, where a file beside it says how, the one that misbehaves so (`workers/tests/fault_child`).

#![allow(dead_code, reason = "each guard uses a part of this")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub struct Stage {
    folder: PathBuf,
    /// The real one, for what is not the app's.
    pub hilumctl: PathBuf,
}

impl Stage {
    /// `None`, with the reason printed, where a program was not built.
    pub fn new(root: &Path) -> Option<Self> {
        let own = std::env::current_exe().expect("own path");
        let built = own.ancestors().nth(2).expect("cargo's folder").to_owned();
        let fault = built.join("hilum-workers-fault-child");
        if !fault.exists() {
            hilum_testkit::skipped(format_args!("{} is not built; ./dev test builds it", fault.display()));
            return None;
        }
        let folder = root.join("bin");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, kind) in [("hilumctl", "\"$1-$2\""), ("hilum-decode", "decode")] {
            let (real, how) = (built.join(name), format!("{}/how-{kind}", folder.display()));
            // The first line is for this start, and the others stay for the next ones.
            let script = format!(
                "#!/bin/sh\nfile={how}\nif [ -f \"$file\" ]; then\n  {{ read -r how; rest=$(/bin/cat); }} <\"$file\"\n  \
                 if [ -n \"$rest\" ]; then echo \"$rest\" >\"$file.rest\"; /bin/mv -f \"$file.rest\" \"$file\"; else /bin/rm -f \"$file\"; fi\n  \
                 HILUM_FAULT_HOW=$how exec {} \"$@\"\nfi\nexec {} \"$@\"\n",
                fault.display(),
                real.display()
            );
            let path = folder.join(name);
            std::fs::write(&path, script).expect("a script");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        }
        // SAFETY: before the app is made or started, whose threads read it.
        unsafe { std::env::set_var("HILUM_BIN_DIR", &folder) };
        Some(Self { folder, hilumctl: built.join("hilumctl") })
    }

    /// The next start of this child is a faulty one.
    pub fn next(&self, child: &str, how: &str) {
        self.next_ones(child, &[how]);
    }

    /// The next starts of this child are faulty ones, one after the other.
    pub fn next_ones(&self, child: &str, hows: &[&str]) {
        // Whole at once: a start that falls into the writing must not take half a word.
        let written = self.folder.join(format!("written-{child}"));
        std::fs::write(&written, hows.join("\n") + "\n").expect("written");
        std::fs::rename(&written, self.file(child)).expect("put in its place");
    }

    /// How many of the faulty ones have not been started yet.
    pub fn left(&self, child: &str) -> usize {
        std::fs::read_to_string(self.file(child)).map_or(0, |hows| hows.lines().count())
    }

    /// The faulty ones were started, all of them.
    pub fn was_played(&self, child: &str) -> bool {
        self.left(child) == 0
    }

    fn file(&self, child: &str) -> PathBuf {
        self.folder.join(format!("how-{child}"))
    }
}
