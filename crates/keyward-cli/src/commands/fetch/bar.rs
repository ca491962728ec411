//! The progress of a download, on a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on standard error, which goes when the download ends.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn new(is_quiet: bool) -> Self {
        let is_shown = !is_quiet && std::io::stderr().is_terminal();
        Self(is_shown.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            let style = ProgressStyle::with_template(
                "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
            );
            bar.with_style(style.expect("the template is valid"))
        }))
    }

    /// Shows how many bytes there are, of how many.
    pub(super) fn show(&mut self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.0 else { return };
        if bar.length() != total
            && let Some(total) = total
        {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    pub(super) fn clear(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
