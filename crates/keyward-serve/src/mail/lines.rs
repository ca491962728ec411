//! Lines of a connection.

use std::io::{Error, ErrorKind, Result};

use keyward_core::Secret;
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

/// Reads lines of a limited length, which can contain secrets.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    /// What was read and not yet returned. It never grows, so that no copy is left behind.
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// `longest` is the length of the longest line, with its end.
    pub(super) fn new(from: R, longest: usize) -> Self {
        Self { from, buffer: Zeroizing::new(vec![0; longest]), filled: 0 }
    }

    /// Returns the next line, without its end; `None` at the end of the connection.
    ///
    /// If it is dropped before it is ready, nothing is lost.
    ///
    /// # Errors
    /// Those of the connection, and `InvalidData` if a line is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Secret>> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(line));
            }
            if self.filled == self.buffer.len() {
                return Err(Error::new(ErrorKind::InvalidData, "a line is too long"));
            }
            match self.from.read(&mut self.buffer[self.filled..]).await? {
                0 => return Ok(None),
                read => self.filled += read,
            }
        }
    }

    fn take_line(&mut self) -> Option<Secret> {
        let end = self.buffer[..self.filled].iter().position(|byte| *byte == b'\n')?;
        let line = Secret::from(&self.buffer[..end]);
        self.buffer.copy_within(end + 1..self.filled, 0);
        self.filled -= end + 1;
        let rest = self.filled;
        self.buffer[rest..rest + end + 1].fill(0);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(mut bytes: &[u8]) -> (Vec<String>, bool) {
        let mut lines = Lines::new(&mut bytes, 8);
        let mut found = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => found.push(line.expose_str().unwrap().to_owned()),
                Ok(None) => return (found, true),
                Err(_) => return (found, false),
            }
        }
    }

    #[tokio::test]
    async fn lines_have_a_longest_length() {
        let found =
            |texts: &[&str], is_right| (texts.iter().map(|&it| it.to_owned()).collect(), is_right);
        assert_eq!(lines(b"a\n\nbc\nrest").await, found(&["a", "", "bc"], true));
        assert_eq!(lines(b"1234567\n1234567\n").await, found(&["1234567", "1234567"], true));
        assert_eq!(lines(b"a\n12345678\n").await, found(&["a"], false));
    }
}
