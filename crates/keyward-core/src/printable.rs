use std::fmt::{self, Write};

/// Returns text as it can be shown on a terminal, in a log or in a message: with the characters
/// escaped that are invisible or could control a terminal or the direction of text.
///
/// # Examples
/// ```
/// use keyward_core::printable;
///
/// assert_eq!(printable("a\u{1b}[2J\n\u{202e}ü").to_string(), r"a\u{1b}[2J\n\u{202e}ü");
/// ```
pub fn printable(text: &str) -> Printable<'_> {
    Printable(text)
}

/// Text that is escaped when it is shown: see [`printable`].
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match needs_escape(character) {
            true => write!(f, "{}", character.escape_default()),
            false => f.write_char(character),
        })
    }
}

/// Whether a character must not be shown as it is: it is a control character, invisible, or changes the direction of text: the
/// property `Default_Ignorable_Code_Point` of Unicode 16, the separators of lines and paragraphs,
/// and the marks of annotations.
pub fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_control_a_terminal_or_is_invisible_is_escaped() {
        for (text, shown) in [
            ("\u{9b}1m\0\r\n\t\u{7f}", r"\u{9b}1m\u{0}\r\n\t\u{7f}"),
            ("a\u{202e}b\u{2066}c\u{200f}", r"a\u{202e}b\u{2066}c\u{200f}"),
            ("\u{200b}\u{feff}\u{ad}\u{2028}", r"\u{200b}\u{feff}\u{ad}\u{2028}"),
            ("\u{e0041}\u{e0101}\u{fe0f}\u{3164}", r"\u{e0041}\u{e0101}\u{fe0f}\u{3164}"),
        ] {
            assert_eq!(printable(text).to_string(), shown);
        }
    }

    #[test]
    fn all_other_text_stays() {
        let text = "it's \"a\\b\" `ü` 漢字 e\u{301} ←";
        assert_eq!(printable(text).to_string(), text);
    }
}
