//! Files from FTP and SFTP servers, which curl downloads.
//!
//! curl reads the credential from a file in memory. It checks the certificates of servers, and their
//! SSH keys against `~/.ssh/known_hosts`.

use std::fs::File;
use std::io::Read;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::SystemTime;

use keyward_config::Config;
use keyward_core::{Error, ErrorKind, Origin, Record, ResponseHead, Result, Secret, printable};
use keyward_fs::open_in_memory;
use keyward_kinds::{fields, names};
use keyward_origin::Target;

use crate::draft::{Draft, head_of_file};

/// How much is read before curl is believed to have the file.
const START: usize = 16 << 10;

/// The longest message of curl that is read.
const MAX_MESSAGE: u64 = 4 << 10;

/// Where the keys of known SSH servers are, below the home.
const KNOWN_HOSTS: &str = ".ssh/known_hosts";

const UNKNOWN_HOST: &str = "If you know the key of that server, add it to ~/.ssh/known_hosts";

/// Opens the file of a target, from the start or from where a part of it ends.
pub(crate) fn open(
    target: &Target,
    record: Option<&Record>,
    config: &Config,
    draft: &Draft<'_>,
) -> Result<(ResponseHead, Transfer)> {
    draft.check_reads(target)?;
    let options = Options::new(target, record, config)?;
    if target.origin().scheme == "sftp" {
        check_known_hosts(target.origin(), config)?;
    }
    let (length, modified) = match target.origin().scheme.as_str() {
        "sftp" => (None, None),
        _ => head(target, &options, config)?,
    };
    let (head, start) = head_of_file(length, modified, draft);
    let mut command = command(target, &options, config)?;
    command.args(["--continue-at", &start.to_string()]);
    let transfer = Transfer::start(command, target.origin())?;
    Ok((head, transfer))
}

/// Returns a line of curl's configuration.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) if the value contains a control character.
pub fn option(name: &str, value: &Secret) -> Result<Secret> {
    if value.expose().iter().any(u8::is_ascii_control) {
        return Err(Error::invalid("curl", "the credential contains a control character"));
    }
    let mut line = Vec::with_capacity(2 * value.len() + name.len() + 6);
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b" = \"");
    for byte in value.expose() {
        if matches!(byte, b'"' | b'\\') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.extend_from_slice(b"\"\n");
    Ok(Secret::from(line))
}

/// Returns the line of curl's configuration for the username and the password of a record.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) if curl cannot read them.
pub fn user(record: &Record) -> Result<Secret> {
    user_line(value(record, fields::USERNAME), value(record, fields::PASSWORD))
}

fn user_line(username: &[u8], password: &[u8]) -> Result<Secret> {
    if username.contains(&b':') {
        return Err(Error::invalid("curl", "the username contains a colon"));
    }
    option("user", &Secret::from([username, b":", password].concat()))
}

fn value<'a>(record: &'a Record, name: &str) -> &'a [u8] {
    record.field(name).map(|field| field.value.expose()).unwrap_or_default()
}

/// The files in memory that curl reads, and the arguments that name them.
struct Options {
    arguments: Vec<String>,
    has_credential: bool,
    _files: Vec<File>,
}

impl Options {
    fn new(target: &Target, record: Option<&Record>, config: &Config) -> Result<Self> {
        let is_sftp = target.origin().scheme == "sftp";
        let (arguments, has_credential) = (Vec::new(), record.is_some());
        let mut options = Self { arguments, has_credential, _files: Vec::new() };
        let mut lines = Vec::new();
        match record {
            None if is_sftp => {
                let user = match target.account() {
                    Some(account) => account.to_owned(),
                    None => config.environment().text("USER")?.unwrap_or_default(),
                };
                lines.push(user_line(user.as_bytes(), b"")?);
            }
            None => {}
            Some(record) if record.kind == names::USER_PASSWORD => lines.push(user(record)?),
            Some(record) if record.kind == names::SSH_KEY && is_sftp => {
                let username = match record.field(fields::USERNAME) {
                    Some(field) => field.value.expose(),
                    None => target.account().unwrap_or_default().as_bytes(),
                };
                lines.push(user_line(username, b"")?);
                if let Some(passphrase) = record.field(fields::PASSPHRASE) {
                    lines.push(option("pass", &passphrase.value)?);
                }
                let key = record.field(fields::PRIVATE_KEY);
                let key = key.ok_or_else(|| Error::invalid("fetch", "the record has no key"))?;
                options.add("--key", &key.value)?;
            }
            Some(record) => {
                let (kind, scheme) = (printable(&record.kind), &target.origin().scheme);
                let why = format!("a credential of the kind `{kind}` does not fit {scheme}");
                return Err(Error::invalid("fetch", why));
            }
        }
        // Without TLS, others could read the password: use it if the server knows it.
        if record.is_some() && !is_sftp {
            lines.push("ssl\n".into());
        }
        let lines: Vec<_> = lines.iter().map(Secret::expose).collect();
        options.add("--config", &Secret::from(lines.concat()))?;
        Ok(options)
    }

    fn add(&mut self, name: &str, content: &Secret) -> Result<()> {
        let (file, path) = open_in_memory(content)?;
        self.arguments.extend([name.to_owned(), path]);
        self._files.push(file);
        Ok(())
    }
}

/// Returns a call of curl for a target.
fn command(target: &Target, options: &Options, config: &Config) -> Result<Command> {
    let scheme = &target.origin().scheme;
    let mut command = Command::new("curl");
    // Its own configuration could send the credential elsewhere.
    command.args(["--disable", "--silent", "--show-error", "--globoff", "--path-as-is"]);
    command.args(["--proto", &format!("={scheme}"), "--connect-timeout", "10"]);
    command.args(["--speed-limit", "1", "--speed-time", "60"]);
    if let [file] = config.network()?.root_files.as_slice() {
        command.args(["--cacert", file]);
    }
    if target.origin().is_loopback() || options.has_credential {
        // A proxy for HTTP would get the password in a URL.
        command.args(["--noproxy", "*"]);
    }
    command.args(&options.arguments).arg("--url").arg(target.to_string());
    if let Some(home) = config.environment().path("HOME") {
        // There it looks for the known servers.
        command.env("CURL_HOME", home);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// Refuses to go on without the file of the keys of known servers: curl would trust each server.
fn check_known_hosts(origin: &Origin, config: &Config) -> Result<()> {
    match config.environment().path("HOME").map(|home| home.join(KNOWN_HOSTS)) {
        Some(file) if file.is_file() => Ok(()),
        _ => Err(Error::new(ErrorKind::Refused, "fetch")
            .because(format!("{origin}: there is no ~/{KNOWN_HOSTS}"))
            .hint(UNKNOWN_HOST)),
    }
}

/// Asks an FTP server for the length and the time of a file, if it knows them.
fn head(
    target: &Target,
    options: &Options,
    config: &Config,
) -> Result<(Option<u64>, Option<SystemTime>)> {
    let mut command = command(target, options, config)?;
    let output = command.arg("--head").output().map_err(not_started)?;
    if !output.status.success() {
        return Err(failed(target.origin(), &output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let length = value("content-length").and_then(|text| text.parse().ok());
    let modified = value("last-modified").and_then(|text| httpdate::parse_http_date(text).ok());
    Ok((length, modified))
}

/// A file that curl downloads.
#[derive(Debug)]
pub(crate) struct Transfer {
    child: Child,
    output: ChildStdout,
    origin: Origin,
    /// What was read already, to know that there is a file.
    start: Vec<u8>,
    is_over: bool,
}

impl Transfer {
    /// Starts curl, and waits until it has the beginning of the file.
    fn start(mut command: Command, origin: &Origin) -> Result<Self> {
        let mut child = command.spawn().map_err(not_started)?;
        let output = child.stdout.take().expect("it is a pipe");
        let origin = origin.clone();
        let mut transfer = Self { child, output, origin, start: Vec::new(), is_over: false };
        let mut start = vec![0; START];
        let read = transfer.read(&mut start)?;
        start.truncate(read);
        start.reverse();
        transfer.start = start;
        Ok(transfer)
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if !self.start.is_empty() {
            let length = self.start.len().min(buffer.len());
            let rest = self.start.len() - length;
            let bytes = self.start.drain(rest..).rev();
            buffer.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
            return Ok(length);
        }
        let read = self.output.read(buffer).map_err(|error| Error::io("fetch", error))?;
        if read == 0 && !buffer.is_empty() && !self.is_over {
            self.is_over = true;
            let status = self.child.wait().map_err(|error| Error::io("fetch", error))?;
            if !status.success() {
                let mut stderr = Vec::new();
                if let Some(pipe) = self.child.stderr.take() {
                    let _ = pipe.take(MAX_MESSAGE).read_to_end(&mut stderr);
                }
                let output = Output { status, stdout: Vec::new(), stderr };
                return Err(failed(&self.origin, &output));
            }
        }
        Ok(read)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn not_started(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "fetch")
        .because(format!("curl does not start: {error}"))
        .hint("FTP and SFTP need the program curl")
}

/// Returns what went wrong, by the exit code of curl.
fn failed(origin: &Origin, output: &Output) -> Error {
    let kind = match output.status.code() {
        Some(1 | 4) => ErrorKind::Unsupported,
        Some(9 | 67) => ErrorKind::Unauthorized,
        Some(19 | 78) => ErrorKind::NotFound,
        Some(60) => ErrorKind::Refused,
        _ => ErrorKind::Unavailable,
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().next().unwrap_or("curl was ended").trim_start_matches("curl: ");
    let error = Error::new(kind, "fetch").because(format!("{origin}: {}", printable(line)));
    match (kind, origin.scheme.as_str()) {
        (ErrorKind::Refused, "sftp") => error.hint(UNKNOWN_HOST),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_quoted_for_curl() {
        let line = |text: &str| option("user", &text.into());
        let quoted = "user = \"a:b \\\"c\\\" \\\\d ä#\"\n".as_bytes();
        assert_eq!(line(r#"a:b "c" \d ä#"#).unwrap().expose(), quoted);
        assert!(line("a\nurl = x").is_err());
    }
}
