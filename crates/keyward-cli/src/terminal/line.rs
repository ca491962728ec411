//! Editing the line that is typed at a hidden prompt.
//!
//! In the terminal's canonical mode the kernel edits the line itself, but it keeps no more than
//! 4,095 bytes and silently drops the rest. So the prompt reads byte by byte, and handles the
//! editing keys that the terminal's settings define.

use std::mem;

use keyward_core::{Result, Secret};
use rustix::process::Signal;
use rustix::termios::{InputModes, LocalModes, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

/// The longest answer, in bytes.
const MAX: usize = 64 << 10;

/// The special code of a key that is switched off (`_POSIX_VDISABLE`).
const DISABLED: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

const KEYS: [(SpecialCodeIndex, Key); 9] = [
    (SpecialCodeIndex::VINTR, Key::Signal(Signal::INT)),
    (SpecialCodeIndex::VQUIT, Key::Signal(Signal::QUIT)),
    (SpecialCodeIndex::VSUSP, Key::Signal(Signal::TSTP)),
    (SpecialCodeIndex::VERASE, Key::Erase),
    (SpecialCodeIndex::VWERASE, Key::EraseWord),
    (SpecialCodeIndex::VKILL, Key::EraseLine),
    (SpecialCodeIndex::VLNEXT, Key::Quote),
    (SpecialCodeIndex::VEOF, Key::End),
    (SpecialCodeIndex::VREPRINT, Key::Reprint),
];

#[derive(Clone, Copy)]
enum Key {
    Signal(Signal),
    Erase,
    EraseWord,
    EraseLine,
    /// The next byte is taken as it is.
    Quote,
    /// Ends an empty line; typed twice, it ends any line.
    End,
    /// Shows the line again, so it does nothing at a hidden prompt.
    Reprint,
}

/// The effect of a typed byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    More,
    LineEnd,
    /// The key that ends a file.
    End,
    /// A key that sends a signal.
    Signal(Signal),
}

/// Returns settings with which the terminal delivers each byte at once and echoes none.
pub(super) fn raw_settings(settings: &Termios) -> Termios {
    let mut raw = settings.clone();
    raw.local_modes &= !(LocalModes::ECHO
        | LocalModes::ECHONL
        | LocalModes::ICANON
        | LocalModes::IEXTEN
        | LocalModes::ISIG);
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}

/// The line as it was typed so far.
pub(super) struct LineEditor {
    /// The terminal's settings, as the user has them.
    settings: Termios,
    /// Its capacity never grows, so that no copy is left in memory.
    line: Zeroizing<Vec<u8>>,
    is_quoted: bool,
    was_end: bool,
    is_too_long: bool,
}

impl LineEditor {
    pub(super) fn new(settings: Termios) -> Self {
        let line = Zeroizing::new(Vec::with_capacity(MAX));
        Self { settings, line, is_quoted: false, was_end: false, is_too_long: false }
    }

    /// Returns an editor for the line after this one.
    pub(super) fn next_line(&self) -> Self {
        Self::new(self.settings.clone())
    }

    /// Takes the next byte from the terminal.
    pub(super) fn take(&mut self, byte: u8) -> Typed {
        let was_end = mem::take(&mut self.was_end);
        if mem::take(&mut self.is_quoted) {
            self.push(byte);
            return Typed::More;
        }
        match self.key(byte) {
            _ if matches!(byte, b'\n' | b'\r') => return Typed::LineEnd,
            None => self.push(byte),
            Some(Key::Signal(signal)) => return Typed::Signal(signal),
            Some(Key::Erase) => self.erase_character(),
            Some(Key::EraseWord) => self.erase_word(),
            Some(Key::EraseLine) => self.line.clear(),
            Some(Key::Quote) => self.is_quoted = true,
            Some(Key::End) if was_end || self.line.is_empty() => return Typed::End,
            Some(Key::End) => self.was_end = true,
            Some(Key::Reprint) => {}
        }
        Typed::More
    }

    /// Returns the line.
    ///
    /// # Errors
    /// `Invalid` if the line is too long. It is read to its end nevertheless: the shell would read
    /// the rest.
    pub(super) fn finish(mut self) -> Result<Secret> {
        if self.is_too_long {
            return Err(super::too_long(MAX));
        }
        Ok(Secret::new(mem::take(&mut self.line)))
    }

    fn key(&self, byte: u8) -> Option<Key> {
        let codes = &self.settings.special_codes;
        let mut keys = KEYS.iter().filter(|_| byte != DISABLED);
        keys.find(|(code, _)| codes[*code] == byte).map(|(_, key)| *key)
    }

    fn push(&mut self, byte: u8) {
        if self.line.len() < MAX {
            self.line.push(byte);
        } else {
            self.is_too_long = true;
        }
    }

    /// Erases a byte, or all of those that make a character where the terminal's text is UTF-8.
    fn erase_character(&mut self) {
        let is_utf8 = self.settings.input_modes.contains(InputModes::IUTF8);
        while let Some(byte) = self.line.pop() {
            let continues = (0x80..0xc0).contains(&byte);
            if !(is_utf8 && continues) {
                return;
            }
        }
    }

    /// Erases the last word and the characters after it.
    fn erase_word(&mut self) {
        let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        while self.line.pop_if(|byte| !in_word(*byte)).is_some() {}
        while self.line.pop_if(|byte| in_word(*byte)).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::tcgetattr;

    use super::*;

    /// The settings of a new terminal, for text in UTF-8.
    fn settings() -> Termios {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let line = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut settings = tcgetattr(line).unwrap();
        settings.input_modes |= InputModes::IUTF8;
        settings
    }

    /// Types keys, and returns the effect of the last one.
    fn typed(editor: &mut LineEditor, keys: &[u8]) -> Typed {
        keys.iter().fold(Typed::More, |last, key| {
            assert_eq!(last, Typed::More, "{}", keys.escape_ascii());
            editor.take(*key)
        })
    }

    #[test]
    fn keys_edit_the_line() {
        for (keys, line) in [
            ("p\n", "p"),
            ("p\r", "p"),
            ("\x04", ""),
            ("p\x04\x04", "p"),
            ("p\x04q\x04r\n", "pqr"),
            ("pä\x7f\n", "p"),
            ("\x7f\x7fp\n", "p"),
            ("a b.c, \x17\n", "a b."),
            ("\x17p\n", "p"),
            ("wrong\x15right\n", "right"),
            ("\x16\x03\x16\n\x16\x7f\n", "\x03\n\x7f"),
            ("p\x12q\n", "pq"),
            ("p\0\t\x1b\n", "p\0\t\x1b"),
        ] {
            let mut editor = LineEditor::new(settings());
            let end = if keys.ends_with('\x04') { Typed::End } else { Typed::LineEnd };
            assert_eq!(typed(&mut editor, keys.as_bytes()), end, "{keys:?}");
            assert_eq!(editor.finish().unwrap().expose_str(), Some(line), "{keys:?}");
        }
    }

    #[test]
    fn a_byte_is_erased_where_the_text_is_not_utf8() {
        let mut settings = settings();
        settings.input_modes &= !InputModes::IUTF8;
        let mut editor = LineEditor::new(settings);
        typed(&mut editor, b"p\xe4\xf6\x7f\n");
        assert_eq!(editor.finish().unwrap().expose(), b"p\xe4");
    }

    #[test]
    fn a_key_that_is_switched_off_is_part_of_the_line() {
        let mut settings = settings();
        settings.special_codes[SpecialCodeIndex::VINTR] = DISABLED;
        let mut editor = LineEditor::new(settings);
        typed(&mut editor, &[b'p', 3, DISABLED, b'\n']);
        assert_eq!(editor.finish().unwrap().expose(), [b'p', 3, DISABLED]);
    }

    #[test]
    fn keys_ask_for_signals() {
        for (key, signal) in [(3, Signal::INT), (0x1c, Signal::QUIT), (0x1a, Signal::TSTP)] {
            let mut editor = LineEditor::new(settings());
            assert_eq!(typed(&mut editor, &[b'p', key]), Typed::Signal(signal));
        }
    }

    #[test]
    fn a_line_has_a_limit_and_is_read_to_its_end() {
        for (length, fits) in [(MAX, true), (MAX + 1, false), (3 * MAX, false)] {
            let mut editor = LineEditor::new(settings());
            let mut keys = vec![b'x'; length];
            keys.push(b'\n');
            assert_eq!(typed(&mut editor, &keys), Typed::LineEnd);
            assert_eq!(editor.finish().is_ok_and(|line| line.len() == length), fits);
        }
    }
}
