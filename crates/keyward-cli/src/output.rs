//! Writes to standard output and standard error, and makes text safe to show.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::LazyLock;

use keyward_core::{Secret, printable};

use crate::stop::{Outcome, Stop};

/// Standard output without a buffer. The standard library's type reports success even if the stream
/// is closed.
struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a text and a newline to standard output.
pub(crate) fn print(text: &str) -> Outcome {
    StandardOutput.write_all(format!("{text}\n").as_bytes()).map_err(Stop::Output)
}

/// Many lines for standard output, buffered.
pub(crate) struct Lines(BufWriter<StandardOutput>);

impl Lines {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(32 << 10, StandardOutput))
    }

    pub(crate) fn print(&mut self, line: &str) -> Outcome {
        writeln!(self.0, "{line}").map_err(Stop::Output)
    }

    /// Writes what is still buffered. A caller that leaves this out does not notice a failed write.
    pub(crate) fn end(mut self) -> Outcome {
        self.0.flush().map_err(Stop::Output)
    }
}

/// Writes a secret to standard output, without a buffer that would keep a copy of it.
pub(crate) fn print_secret(secret: &Secret, newline: bool) -> Outcome {
    StandardOutput.write_all(secret.expose()).map_err(Stop::Output)?;
    if newline {
        StandardOutput.write_all(b"\n").map_err(Stop::Output)?;
    }
    Ok(())
}

/// Writes a message to standard error, with the characters escaped that could control the terminal.
/// It ignores a failure, which it cannot report.
pub(crate) fn print_message(text: &str) {
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    drop(writeln!(std::io::stderr(), "{}", lines.join("\n")));
}

/// Returns a name as it can be shown: escaped if standard output is a terminal, else unchanged.
pub(crate) fn escape_if_terminal(name: &str) -> String {
    static TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());
    if *TERMINAL { escaped(name) } else { name.to_owned() }
}

/// Returns text with the characters escaped that are invisible or could control the terminal.
pub(crate) fn escaped(text: &str) -> String {
    printable(text).to_string()
}
