//! What goes out, and in which form.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::LazyLock;

use keyward_core::Secret;

use crate::exit::{Outcome, Stop};

/// Standard output without a buffer. The standard library's takes a closed stream for one that was written.
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

/// Many lines for standard output, gathered before they are written.
pub(crate) struct Lines(BufWriter<StandardOutput>);

impl Lines {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(32 << 10, StandardOutput))
    }

    pub(crate) fn print(&mut self, line: &str) -> Outcome {
        writeln!(self.0, "{line}").map_err(Stop::Output)
    }

    /// Writes what is still here. Without it a failure to do so goes unnoticed.
    pub(crate) fn end(mut self) -> Outcome {
        self.0.flush().map_err(Stop::Output)
    }
}

/// Writes a secret to standard output, with no buffer that would keep a copy of it.
pub(crate) fn print_secret(secret: &Secret, newline: bool) -> Outcome {
    StandardOutput.write_all(secret.expose()).map_err(Stop::Output)?;
    if newline {
        StandardOutput.write_all(b"\n").map_err(Stop::Output)?;
    }
    Ok(())
}

/// Writes a message to standard error; what it quotes steers no terminal. Nothing can be done if
/// that fails.
pub(crate) fn complain(text: &str) {
    let lines: Vec<_> = text.split('\n').map(harmless).collect();
    drop(writeln!(std::io::stderr(), "{}", lines.join("\n")));
}

/// A name as it can be shown: on a terminal without anything that would steer the terminal, or
/// turn the text around; elsewhere as it is.
pub(crate) fn shown(name: &str) -> String {
    static TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());
    if *TERMINAL { harmless(name) } else { name.to_owned() }
}

/// The text with every character escaped that is not simply seen.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let seen = !c.is_control() && !steers(c);
            let plain = seen.then_some(c).into_iter();
            plain.chain((!seen).then(|| c.escape_unicode()).into_iter().flatten())
        })
        .collect()
}

/// Characters that are invisible or change the direction of writing.
const fn steers(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(harmless("a\u{202e}b\u{9b}1mü"), "a\\u{202e}b\\u{9b}1mü");
    }
}
