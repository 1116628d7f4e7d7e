//! A delivery on disk, runs of the program over it, and what every run is held to.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use trailproof::simulate::{self, Spec, Tamper};
use trailproof::store::directory::DirectoryStore;

use crate::support::time;

/// A delivery on disk with its keys beside it, of a time that is long past.
pub(crate) struct Case {
    pub(crate) dir: tempfile::TempDir,
    pub(super) end: String,
}

/// What the program did.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailproof"));
    command.stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

pub(crate) fn trailproof(arguments: &[&str]) -> Done {
    program().args(arguments).output().unwrap().into()
}

impl Case {
    pub(crate) fn make(tampers: &[&str]) -> Self {
        Self::begun("2024-02-28T22:06:57Z", tampers)
    }

    /// A delivery from `start` on.
    pub(crate) fn begun(start: &str, tampers: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let buckets = dir.path().join("buckets");
        fs::create_dir(&buckets).unwrap();
        let tampers: Vec<Tamper> = tampers.iter().map(|tamper| tamper.parse().unwrap()).collect();
        let spec = Spec {
            start: time(start),
            hours: 4,
            logs_per_hour: 1,
            events_per_log: 1,
            tampers,
            ..Spec::default()
        };
        let made = simulate::simulate(&spec, &DirectoryStore::of_buckets(&buckets).unwrap()).unwrap();
        fs::write(dir.path().join("keys.json"), made.keys_json).unwrap();
        Self { dir, end: made.end.to_string() }
    }

    /// The end of the delivery, as `--end-time` takes it.
    pub(crate) fn end(&self) -> &str {
        &self.end
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// `validate` of the delivery, with these arguments besides.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = program();
        command.arg("validate").arg(self.path("buckets"));
        command.arg("--public-keys").arg(self.path("keys.json"));
        if !more.contains(&"--end-time") {
            command.args(["--end-time", &self.end]);
        }
        command.args(more);
        command
    }

    /// Runs a command as a user whom rights keep out: a superuser reads every folder.
    #[cfg(unix)]
    pub(crate) fn as_nobody(&self, mut command: Command) -> Done {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        use std::os::unix::process::CommandExt as _;
        fs::set_permissions(self.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if fs::metadata(self.dir.path()).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        command.output().unwrap().into()
    }

    pub(crate) fn validate(&self, more: &[&str]) -> Done {
        self.command(more).output().unwrap().into()
    }

    /// `validate` with other keys files.
    pub(crate) fn with_keys(&self, keys: &[&str]) -> Done {
        let mut command = program();
        command.arg("validate").arg(self.path("buckets")).args(["--end-time", &self.end]);
        for file in keys {
            command.arg("--public-keys").arg(self.path(file));
        }
        command.output().unwrap().into()
    }
}

impl Done {
    /// It could not begin: one line that says what, one that says what to do, and no report.
    pub(crate) fn assert_cannot(&self, what: &str) {
        let shown = format!("{:?}\n{}\n{}", self.code, self.stdout, self.stderr);
        let begins = |word: &str| self.stderr.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((self.code, self.stdout.as_str()), (Some(2), ""), "{shown}");
        assert_eq!((begins("error: "), begins("hint: "), self.stderr.lines().count()), (1, 1, 2), "{shown}");
        assert!(self.stderr.contains(what), "`{what}` is not said: {shown}");
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains('\u{1b}'), "{shown}");
    }

    pub(crate) fn assert_verdict(&self, code: i32, word: &str) {
        let shown = format!("{:?}\n{}\n{}", self.code, self.stdout, self.stderr);
        assert_eq!((self.code, self.stderr.as_str()), (Some(code), ""), "{shown}");
        assert!(self.stdout.contains(word), "{shown}");
    }
}
