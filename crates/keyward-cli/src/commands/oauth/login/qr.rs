//! Codes that the camera of a telephone reads.

use std::io::{IsTerminal, Write};

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The widest code, in characters: that of a usual terminal.
const MAX_WIDTH: usize = 80;

/// Shows a URL as a QR code if standard error is a terminal. A URL that needs a wider code than fits
/// is left out: it is also there as text.
pub(super) fn show(url: &str) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    for line in lines(url).unwrap_or_default() {
        // Black on white, whatever the colours of the terminal are.
        drop(writeln!(std::io::stderr(), "\x1b[30;107m{line}\x1b[0m"));
    }
}

/// Returns the lines of a code, in which two rows of modules are one.
fn lines(url: &str) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(url, EcLevel::L).ok()?;
    let text = code.render::<Dense1x2>().build();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let width = lines.first()?.chars().count();
    (width <= MAX_WIDTH).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_fits_or_is_left_out() {
        let code = lines("https://login.example/device?user_code=ABCD-EFGH").unwrap();
        // Version 3 has 29 modules, and a quiet zone of four on each side.
        assert_eq!((code.len(), code[0].chars().count()), (19, 37));
        assert!(code[0].chars().all(|c| c == ' '), "the quiet zone is light");
        assert!(code[2].starts_with("    █▀▀▀▀▀█ "), "the corner is dark: {}", code[2]);
        assert!(lines(&"x".repeat(2000)).is_none());
        assert!(lines(&"x".repeat(20_000)).is_none());
    }
}
