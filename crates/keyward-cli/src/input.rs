//! What comes in on standard input, past its buffer, which nobody would wipe.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

/// Standard input, unbuffered.
pub(crate) fn standard_input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Reads until an empty line or the end, so that whoever asks need not close its side.
pub(crate) struct UntilEmptyLine<R> {
    from: R,
    /// What was read last; the beginning is the beginning of a line.
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

    /// Gives what is written one line of a terminal after the other.
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
