//! Whole processes, from start to end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;
use super::home::PATH;

/// A program and all that it is started with. Its environment holds nothing but what it is given.
///
/// The standard library starts it by `posix_spawn`, since nothing here needs a fork.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, std::ffi::OsString)>,
    input: Option<PathBuf>,
}

impl Program {
    pub(super) fn new(path: &Path, arguments: &[&str]) -> Self {
        let program =
            Self { path: path.into(), arguments: Vec::new(), environment: Vec::new(), input: None };
        program.args(arguments).env("PATH", PATH)
    }

    /// The program of this name on the search path.
    pub(super) fn find(name: &str) -> Result<Self> {
        let found =
            PATH.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
        Ok(Self::new(&found.ok_or_else(|| format!("{name} is not installed"))?, &[]))
    }

    pub(super) fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Standard input comes from this file.
    pub(super) fn input(mut self, file: &Path) -> Self {
        self.input = Some(file.to_owned());
        self
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(match &self.input {
            Some(file) => Stdio::from(File::open(file)?),
            None => Stdio::null(),
        });
        Ok(command)
    }

    /// How long it takes from start to end.
    pub(super) fn time(&self) -> Result<Duration> {
        let mut command = self.command()?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        let time = start.elapsed();
        if status.success() { Ok(time) } else { Err(format!("{self:?}: {status}").into()) }
    }

    /// What it prints, on standard output and on standard error.
    pub(super) fn output(&self) -> Result<(String, String)> {
        let output = self.command()?.output()?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(format!("{self:?}: {}\n{errors}", output.status).into());
        }
        Ok((String::from_utf8_lossy(&output.stdout).into_owned(), errors))
    }

    /// The most memory it holds, in KiB, and how many lines it prints.
    ///
    /// The kernel's figure goes with the process, so it is read each time the pipe is full; and the
    /// pipe is small, lest all of the output fit into it and the process be gone.
    pub(super) fn peak(&self) -> Result<(usize, usize)> {
        let mut child = self.command()?.stdout(Stdio::piped()).spawn()?;
        let mut output = child.stdout.take().ok_or("it is piped")?;
        rustix::pipe::fcntl_setpipe_size(&output, 4096)?;
        let status = format!("/proc/{}/status", child.id());
        let (mut peak, mut lines) = (0, 0);
        let mut chunk = vec![0; 64 << 10];
        loop {
            let status = std::fs::read_to_string(&status)?;
            let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let held = held.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            peak = peak.max(held.unwrap_or(0));
            match output.read(&mut chunk)? {
                0 => break,
                read => lines += chunk[..read].iter().filter(|&&byte| byte == b'\n').count(),
            }
        }
        let status = child.wait()?;
        if status.success() { Ok((peak, lines)) } else { Err(format!("{self:?}: {status}").into()) }
    }
}
