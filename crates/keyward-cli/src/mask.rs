//! Hides secrets in a stream of bytes.

mod forms;
mod search;

use std::collections::VecDeque;
use std::sync::Arc;

use keyward_core::Secret;

use search::{Search, State};

/// What is written in place of a secret.
pub(crate) const MARK: &[u8] = b"<hidden>";

/// The fewest bytes of a secret that is hidden, line ends not counted. Shorter ones are in too much
/// ordinary text.
pub(crate) const SHORTEST: usize = 4;

/// The most bytes of all secrets together. The automaton needs up to 1 KiB of memory for each.
pub(crate) const MOST: usize = 64 << 10;

/// What to hide. Several streams can share it.
#[derive(Clone, Debug)]
pub(crate) struct Hidden {
    search: Arc<Search>,
    /// The most line ends, one after the other, that a secret may contain in the stream.
    line_ends: usize,
}

impl Hidden {
    /// Prepares to hide these secrets. `None` if each is shorter than [`SHORTEST`].
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Option<Self> {
        let (mut forms, mut line_ends) = (Vec::new(), 0);
        for secret in secrets {
            forms.extend(forms::all_forms(secret));
            line_ends = line_ends.max(longest_run(secret.expose()));
        }
        if forms.is_empty() {
            return None;
        }
        // A terminal writes LF as CR LF, and programs break long base64 into lines.
        Some(Self { search: Arc::new(Search::new(&forms)), line_ends: 2 * line_ends + 2 })
    }

    /// Returns a mask for one stream.
    pub(crate) fn mask(&self) -> Mask {
        Mask {
            hidden: self.clone(),
            state: State::default(),
            held: VecDeque::new(),
            visible: 0,
            line_ends: 0,
            is_marked: false,
        }
    }
}

/// Replaces every occurrence of a secret in one stream, however the stream is cut into pieces, and
/// also if there are line ends inside of it. Occurrences that overlap or touch become one mark.
///
/// # Contract
/// It holds back only what may be the beginning of a secret.
#[derive(Debug)]
pub(crate) struct Mask {
    hidden: Hidden,
    state: State,
    /// The bytes that are not written yet, and whether each is part of a secret. At the start of it
    /// is a byte that may begin a secret.
    held: VecDeque<(u8, bool)>,
    /// How many of them are no line ends.
    visible: usize,
    /// How many line ends there are after the last other byte.
    line_ends: usize,
    /// Whether the last that was written is a mark.
    is_marked: bool,
}

impl Mask {
    /// Takes the next bytes of the stream, and appends to `out` what can be shown.
    pub(crate) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        loop {
            if self.state == State::default() {
                // Most output is this, so it is not looked at byte by byte.
                let plain;
                (plain, bytes) = self.hidden.search.split_plain(bytes);
                out.extend_from_slice(plain);
                self.is_marked &= plain.is_empty();
            }
            let Some((byte, rest)) = bytes.split_first() else { break };
            bytes = rest;
            self.held.push_back((*byte, false));
            if is_line_end(*byte) {
                self.line_ends += 1;
                if self.line_ends > self.hidden.line_ends {
                    self.state = State::default();
                }
            } else {
                self.line_ends = 0;
                self.visible += 1;
                self.state = self.hidden.search.next(self.state, *byte);
                self.hide(self.hidden.search.found(self.state));
            }
            self.release(self.hidden.search.depth(self.state), out);
        }
    }

    /// Appends to `out` what may be shown if the stream pauses: what a user waits for, such as the
    /// end of a prompt, but not most of a secret. What follows after the pause is still hidden if it
    /// ends a secret.
    pub(crate) fn pause(&mut self, out: &mut Vec<u8>) {
        let is_line = self.line_ends > 0;
        self.release(self.hidden.search.too_telling(self.state, is_line), out);
    }

    /// Appends the rest to `out` at the end of the stream, which may be the beginning of a secret.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        self.release(0, out);
    }

    /// Whether something is held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Hides the last bytes, and the line ends between them.
    fn hide(&mut self, mut count: usize) {
        for (byte, is_hidden) in self.held.iter_mut().rev() {
            if count == 0 {
                break;
            }
            count -= usize::from(!is_line_end(*byte));
            *is_hidden = true;
        }
    }

    /// Writes all but the last bytes, of which this many are no line ends.
    fn release(&mut self, keep: usize, out: &mut Vec<u8>) {
        while let Some((byte, is_hidden)) = self.held.front().copied() {
            let is_visible = !is_line_end(byte);
            let is_before = self.visible > keep || self.visible == keep && !is_visible;
            // What is hidden already stays hidden, whatever follows.
            if !is_before && !is_hidden {
                break;
            }
            self.held.pop_front();
            self.visible -= usize::from(is_visible);
            if !is_hidden {
                out.push(byte);
            } else if !self.is_marked {
                out.extend_from_slice(MARK);
            }
            self.is_marked = is_hidden;
        }
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Returns how many line ends are next to each other at most.
fn longest_run(bytes: &[u8]) -> usize {
    bytes.split(|byte| !is_line_end(*byte)).map(<[u8]>::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hidden(secrets: &[&str]) -> Hidden {
        Hidden::new(&secrets.iter().map(|text| Secret::from(*text)).collect::<Vec<_>>()).unwrap()
    }

    fn masked(hidden: &Hidden, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut mask, mut out) = (hidden.mask(), Vec::new());
        for piece in pieces {
            mask.take(piece, &mut out);
        }
        mask.end(&mut out);
        out
    }

    #[track_caller]
    fn shows(secrets: &[&str], text: &str, shown: &str) {
        let shown_now = masked(&hidden(secrets), &[text.as_bytes()]);
        assert_eq!(shown_now.escape_ascii().to_string(), shown.escape_default().to_string());
    }

    #[test]
    fn secrets_are_replaced() {
        shows(&["s3cret"], "a s3cret b s3cre s3cret", "a <hidden> b s3cre <hidden>");
        shows(&["s3cret"], "s3s3cret", "s3<hidden>");
        shows(&["aabaa"], "aabaabaa", "<hidden>");
        shows(&["abcd", "cdef"], "abcdef abcde", "<hidden> <hidden>e");
        shows(&["abcd", "xabcdy"], "xabcdz xabcdy", "x<hidden>z <hidden>");
        shows(&["s3cret"], "s3cret\ns3cret\n", "<hidden>\n<hidden>\n");
        shows(&["s3cret"], "czNjcmV0 733363726574 %733cret", "<hidden> <hidden> %733cret");
    }

    #[test]
    fn line_ends_inside_of_a_secret_do_not_matter() {
        shows(&["ab\ncd\n"], "ab\r\ncd\r\n", "<hidden>\r\n");
        shows(&["abcdef"], "\nab\ncd\r\nef\n", "\n<hidden>\n");
        // More than there are in any secret.
        shows(&["abcdef"], "abc\n\n\n\ndef", "abc\n\n\n\ndef");
    }

    #[test]
    fn what_begins_no_secret_passes_at_once() {
        let hidden = hidden(&["s3cret"]);
        let (mut mask, mut out) = (hidden.mask(), Vec::new());
        mask.take(b"Password: ", &mut out);
        assert_eq!(out, b"Password: ");
        assert!(!mask.is_holding());
        mask.take(b"s3x", &mut out);
        assert_eq!(out, b"Password: s3x");
    }

    #[test]
    fn a_pause_shows_little_and_what_follows_is_hidden() {
        for (piece, shown, rest, whole) in [
            ("s", "s", "ecret-of-mine.", "s<hidden>."),
            ("sec", "sec", "ret-of-mine.", "sec<hidden>."),
            ("secr", "", "et-of-mine.", "<hidden>."),
            ("secret\n", "secret\n", "-of-mine.", "secret\n<hidden>."),
            ("secret-of-\n", "", "mine.", "<hidden>."),
            ("secret-of-min", "", ".", "secret-of-min."),
            ("x secret-of-mine", "x <hidden>", "secret-of-mine.", "x <hidden>."),
        ] {
            let (mut mask, mut out) = (hidden(&["secret-of-mine"]).mask(), Vec::new());
            mask.take(piece.as_bytes(), &mut out);
            mask.pause(&mut out);
            assert_eq!(out.escape_ascii().to_string(), shown.escape_default().to_string());
            mask.take(rest.as_bytes(), &mut out);
            mask.end(&mut out);
            assert_eq!(out.escape_ascii().to_string(), whole.escape_default().to_string());
        }
    }

    /// The same without an automaton and without a stream.
    fn masked_simply(secrets: &[Secret], text: &[u8]) -> Vec<u8> {
        let places: Vec<_> = (0..text.len()).filter(|at| !is_line_end(text[*at])).collect();
        let visible: Vec<_> = places.iter().map(|at| text[*at]).collect();
        let mut is_hidden = vec![false; text.len()];
        for form in secrets.iter().flat_map(forms::all_forms) {
            for (at, part) in visible.windows(form.len()).enumerate() {
                if part == form.expose() {
                    is_hidden[places[at]..=places[at + form.len() - 1]].fill(true);
                }
            }
        }
        let mut shown = Vec::new();
        for (at, byte) in text.iter().enumerate() {
            match is_hidden[at] {
                false => shown.push(*byte),
                true if at == 0 || !is_hidden[at - 1] => shown.extend_from_slice(MARK),
                true => {}
            }
        }
        shown
    }

    /// Few different bytes, none of them in the mark, so that secrets overlap.
    fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(proptest::sample::select(b"aac\n\xff+".as_slice()), length)
    }

    /// A text with secrets, as they are and encoded, between other bytes.
    fn stream() -> impl Strategy<Value = (Vec<Secret>, Vec<u8>)> {
        let secrets = proptest::collection::vec(text(1..12), 1..4);
        let parts = proptest::collection::vec((text(0..6), any::<proptest::sample::Index>()), 0..6);
        (secrets, parts).prop_map(|(secrets, parts)| {
            let secrets: Vec<_> = secrets.into_iter().map(Secret::new).collect();
            let mut forms: Vec<_> = secrets.iter().flat_map(forms::all_forms).collect();
            forms.extend(secrets.iter().cloned());
            let between =
                parts.iter().map(|(before, at)| [before, at.get(&forms).expose()].concat());
            let text = between.collect::<Vec<_>>().concat();
            (secrets, text)
        })
    }

    proptest! {
        #[test]
        fn pieces_are_masked_like_the_whole(
            (secrets, text) in stream(),
            cuts in proptest::collection::vec(1_usize..8, 1..8),
        ) {
            // Otherwise the number of line ends would matter.
            let text = String::from_utf8_lossy(&text).replace("\n\n", "\n").into_bytes();
            let Some(hidden) = Hidden::new(&secrets) else { return Ok(()) };
            let mut rest = &text[..];
            let mut pieces = Vec::new();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                pieces.push(piece);
                rest = after;
            }
            let shown = masked(&hidden, &pieces);
            prop_assert_eq!(&shown, &masked(&hidden, &[&text]));
            prop_assert_eq!(&shown, &masked_simply(&secrets, &text));
        }

        #[test]
        fn no_secret_is_shown_whole(
            secret in text(1..12),
            (before, after) in (text(0..6), text(0..6)),
            pieces in proptest::collection::vec((1_usize..8, any::<bool>()), 1..8),
        ) {
            let secret = Secret::new(secret);
            let Some(hidden) = Hidden::new([&secret]) else { return Ok(()) };
            let text = [&before, secret.expose(), &after].concat();
            let (mut mask, mut shown, mut rest) = (hidden.mask(), Vec::new(), &text[..]);
            for (length, pauses) in pieces.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*length));
                mask.take(piece, &mut shown);
                if *pauses {
                    mask.pause(&mut shown);
                }
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            mask.end(&mut shown);
            let is_in = |part: &[u8]| shown.windows(part.len()).any(|shown| shown == part);
            prop_assert!(!is_in(secret.expose()), "{}", shown.escape_ascii());
        }
    }
}
