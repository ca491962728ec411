//! Frames: a length as a big-endian `u32`, and as many bytes.

use std::io::{self, Read, Write};

use keyward_core::{Error, ErrorKind, Result, Secret, SecretWriter};
use zeroize::Zeroizing;

/// The longest frame, without its length: 32 MiB.
pub const MAX_FRAME: usize = 32 << 20;

/// The bytes of a length.
const LENGTH: usize = 4;

/// How much is read at once, and the size of the buffer that is kept between frames.
const CHUNK: usize = 64 << 10;

/// Collects the bytes of a frame to be sent.
#[derive(Debug)]
pub struct Gathering(SecretWriter);

impl Default for Gathering {
    fn default() -> Self {
        let mut frame = SecretWriter::new();
        frame.write_all(&[0; LENGTH]).expect("memory takes it");
        Self(frame)
    }
}

impl Gathering {
    /// The position of the next byte.
    pub fn position(&self) -> usize {
        self.0.position()
    }

    /// Changes a byte that was written before.
    pub fn patch(&mut self, position: usize, byte: u8) {
        self.0.patch(position, &[byte]);
    }

    /// The frame with its length, ready to be sent.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if it is longer than a frame may be.
    pub fn finish(mut self, operation: &str) -> Result<Secret> {
        let length = self.0.position() - LENGTH;
        if length > MAX_FRAME {
            return Err(Error::new(ErrorKind::Unsupported, operation.to_owned())
                .because("it is longer than a frame of the protocol may be"));
        }
        self.0.patch(0, &(length as u32).to_be_bytes());
        Ok(self.0.finish())
    }
}

impl Write for Gathering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads frames from a pipe.
#[derive(Debug)]
pub struct Frames<R> {
    pipe: R,
    /// What has been read lies between `start` and `end`; all else is zeros.
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

/// Why no further frame can be read.
#[derive(Debug)]
pub enum Broken {
    /// The pipe failed.
    Io(io::Error),
    /// The pipe ended in the middle of a frame.
    Half,
    /// The length of a frame is more than allowed.
    TooLong(u32),
}

impl<R> Frames<R> {
    /// Reads frames from `pipe`.
    pub fn new(pipe: R) -> Self {
        Self { pipe, buffer: Zeroizing::default(), start: 0, end: 0 }
    }

    /// The next frame, if all of it has been read.
    fn take(&mut self) -> Result<Option<Secret>, Broken> {
        let read = &mut self.buffer[self.start..self.end];
        let Some((length, rest)) = read.split_first_chunk_mut::<LENGTH>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        if length as usize > MAX_FRAME {
            return Err(Broken::TooLong(length));
        }
        let Some(frame) = rest.get_mut(..length as usize) else { return Ok(None) };
        let taken = Secret::from(&*frame);
        frame.fill(0);
        self.start += LENGTH + length as usize;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > CHUNK {
                self.buffer = Zeroizing::default();
            }
        }
        Ok(Some(taken))
    }

    /// Returns the free part of the buffer. The buffer grows with the bytes that have arrived, not
    /// with the length that a frame claims.
    fn room(&mut self) -> &mut [u8] {
        if self.end == self.buffer.len() {
            let kept = self.end - self.start;
            let mut larger = Zeroizing::new(vec![0; CHUNK.max(2 * kept)]);
            larger[..kept].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = larger;
            (self.start, self.end) = (0, kept);
        }
        &mut self.buffer[self.end..]
    }
}

impl<R: Read> Frames<R> {
    /// Reads once. Returns whether more may follow.
    fn fill(&mut self) -> Result<bool, Broken> {
        self.room();
        match self.pipe.read(&mut self.buffer[self.end..]) {
            Ok(0) if self.start == self.end => Ok(false),
            Ok(0) => Err(Broken::Half),
            Ok(read) => {
                self.end += read;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(Broken::Io(error)),
        }
    }

    /// Waits for the next frame, and returns `None` when the pipe ends.
    ///
    /// # Errors
    /// If no further frame can be read.
    pub fn next_frame(&mut self) -> Result<Option<Secret>, Broken> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut gathering = Gathering::default();
        gathering.write_all(body).unwrap();
        gathering.finish("test").unwrap().expose().to_vec()
    }

    /// Returns a few bytes for each read.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let few = self.1.min(buffer.len());
            self.0.read(&mut buffer[..few])
        }
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let bodies = [b"one".to_vec(), vec![], vec![7; 100], vec![9; 200_000], b"last".to_vec()];
        let sent: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        for step in [1, 3, 4, 1000, usize::MAX] {
            let mut frames = Frames::new(Dripping(&sent, step));
            for body in &bodies {
                assert!(frames.next_frame().unwrap().unwrap().expose() == body, "{step}");
            }
            assert!(frames.next_frame().unwrap().is_none());
        }
    }

    #[test]
    fn what_was_taken_is_wiped() {
        let sent = [frame(b"canary"), frame(b"next")].concat();
        let mut frames = Frames::new(&sent[..]);
        frames.next_frame().unwrap();
        assert!(!frames.buffer.windows(6).any(|window| window == b"canary"));
    }

    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut frames = Frames::new(&[0x01, 0xff, 0xff, 0xff, 0][..]);
        assert!(matches!(frames.next_frame(), Err(Broken::Half)));
        assert_eq!(frames.buffer.len(), CHUNK);
        let mut frames = Frames::new(&[0xff, 0xff, 0xff, 0xff][..]);
        assert!(matches!(frames.next_frame(), Err(Broken::TooLong(u32::MAX))));
    }

    #[test]
    fn a_truncated_frame_is_an_error() {
        let sent = frame(b"hello");
        for length in 1..sent.len() {
            assert!(
                matches!(Frames::new(&sent[..length]).next_frame(), Err(Broken::Half)),
                "{length}"
            );
        }
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        let mut gathering = Gathering::default();
        gathering.write_all(&vec![0; MAX_FRAME + 1]).unwrap();
        assert_eq!(gathering.finish("put").unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
