//! Reads standard input without the standard library's buffer, which would keep a copy in memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

/// Standard input, unbuffered.
pub(crate) fn standard_input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Reads until an empty line or the end, so that the other program need not close its end of the
/// pipe.
pub(crate) struct UntilEmptyLine<R> {
    from: R,
    /// The byte that was read last. It starts as a newline, because the input starts with a new
    /// line.
    last: u8,
    ended: bool,
}

impl<R> UntilEmptyLine<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, last: b'\n', ended: false }
    }
}

impl<R: Read> Read for UntilEmptyLine<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let read = self.from.read(buffer)?;
        for &byte in &buffer[..read] {
            self.ended |= (self.last, byte) == (b'\n', b'\n');
            self.last = byte;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one chunk for each read, as a terminal returns one line.
    struct Chunks(std::slice::Iter<'static, &'static str>);

    impl Read for Chunks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.next().copied().unwrap_or_default().as_bytes().read(buffer)
        }
    }

    #[test]
    fn reading_ends_with_an_empty_line_wherever_the_chunks_do() {
        for (chunks, expected) in [
            (&["a\n", "\n", "b"][..], "a\n\n"),
            (&["a\n\nb", "c"], "a\n\nb"),
            (&["\n", "a"], "\n"),
            (&["a", "\n", "b\n"], "a\nb\n"),
        ] {
            let chunks = Chunks(chunks.iter());
            let read = io::read_to_string(UntilEmptyLine::new(chunks)).unwrap();
            assert_eq!(read, expected);
        }
    }
}
