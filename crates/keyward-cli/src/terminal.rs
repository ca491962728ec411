//! Asks questions on the terminal. It can hide the answer, and it restores the terminal's settings
//! in all cases.

mod line;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keyward_core::{Error, ErrorKind, Result, Secret, SecretWriter};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::kill_current_process_group;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::emulate_default_handler;

use line::{LineEditor, Typed};

const SIGNALS: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT];

/// The longest line that is shown while it is typed, in bytes. The kernel edits such a line, keeps no
/// more than one byte more of it, and silently drops the rest.
const MAX_OPEN: usize = 4094;

/// The longest answer of several lines, in bytes.
const MAX_LINES: usize = 1 << 20;

/// How to pass a secret if it cannot be typed.
const WITHOUT_A_TERMINAL: &str = "Give the secret with --stdin, --password-file or --password-fd";

/// How a user types an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// One line, which is not shown.
    Hidden,
    /// One line, which is shown.
    Open,
    /// Lines that are not shown, until the key that ends a file.
    HiddenLines,
    /// Lines that are shown, until the key that ends a file.
    OpenLines,
}

impl Asked {
    /// The same, but shown.
    pub(crate) const fn open(self) -> Self {
        match self {
            Self::Hidden | Self::Open => Self::Open,
            Self::HiddenLines | Self::OpenLines => Self::OpenLines,
        }
    }
}

/// The controlling terminal of the process, also if its standard streams are redirected.
#[derive(Debug)]
pub(crate) struct Terminal(File);

impl Terminal {
    /// Opens the terminal.
    ///
    /// # Errors
    /// `Locked` if there is none: a prompt must not hang.
    pub(crate) fn open() -> Result<Self> {
        File::options().read(true).write(true).open("/dev/tty").map(Self).map_err(|_| {
            Error::new(ErrorKind::Locked, "prompt")
                .because("Keyward has to ask, but there is no terminal")
                .hint(WITHOUT_A_TERMINAL)
        })
    }

    /// Asks for an answer.
    pub(crate) fn ask(&mut self, question: &str, asked: Asked) -> Result<Secret> {
        let question = match asked {
            Asked::Hidden | Asked::Open => question.to_owned(),
            Asked::HiddenLines | Asked::OpenLines => {
                format!("{question}(several lines, then Ctrl-D)\n")
            }
        };
        match asked {
            Asked::Open | Asked::OpenLines => self.read_open(&question, asked == Asked::OpenLines),
            Asked::Hidden | Asked::HiddenLines => {
                let answer = self.read_hidden(&question, asked == Asked::HiddenLines);
                // The newline that ended the answer was not shown either.
                drop(self.write("\n"));
                answer
            }
        }
    }

    fn read_hidden(&mut self, question: &str, has_lines: bool) -> Result<Secret> {
        let mut signals = Signals::watch()?;
        let _restoring = RestoreOnDrop;
        let settings = hide_input(&self.0)?;
        let mut line = LineEditor::new(settings);
        let mut lines = SecretWriter::limited(MAX_LINES);
        self.write(question)?;
        loop {
            match self.next(&mut signals)? {
                Event::End => return Err(closed_error()),
                Event::Byte(byte) => match line.take(byte) {
                    Typed::More => {}
                    Typed::LineEnd if has_lines => {
                        let next = line.next_line();
                        let line = std::mem::replace(&mut line, next).finish()?;
                        lines.write_all(line.expose()).map_err(failed)?;
                        lines.write_all(b"\n").map_err(failed)?;
                    }
                    Typed::LineEnd => return line.finish(),
                    Typed::End => {
                        let line = line.finish()?;
                        lines.write_all(line.expose()).map_err(failed)?;
                        return Ok(lines.finish());
                    }
                    // The kernel would do the same: send the signal to the foreground process
                    // group.
                    Typed::Signal(signal) => {
                        kill_current_process_group(signal).map_err(|error| failed(error.into()))?;
                    }
                },
                Event::Signal(SIGCONT) => {
                    // If the signal that stopped the process cannot be caught, the terminal still
                    // hides its input.
                    line = LineEditor::new(hide_input(&self.0)?);
                    lines = SecretWriter::limited(MAX_LINES);
                    self.write(question)?;
                }
                Event::Signal(signal) => self.handle_signal(signal)?,
            }
        }
    }

    /// Asks for one line and shows it as it is typed.
    pub(crate) fn ask_open(&mut self, question: &str) -> Result<Secret> {
        self.ask(question, Asked::Open)
    }

    /// Asks a question that ends with `[y/N]`, and returns whether the answer is yes.
    pub(crate) fn agrees(&mut self, question: &str) -> Result<bool> {
        Ok(matches!(self.ask_open(question)?.expose(), b"y" | b"Y" | b"yes"))
    }

    fn read_open(&mut self, question: &str, has_lines: bool) -> Result<Secret> {
        let mut signals = Signals::watch()?;
        self.write(question)?;
        let mut answer = SecretWriter::limited(MAX_LINES);
        let mut length = 0;
        loop {
            match self.next(&mut signals)? {
                Event::End => return Ok(answer.finish()),
                Event::Byte(b'\n') if !has_lines => return Ok(answer.finish()),
                Event::Byte(byte) => {
                    length = if byte == b'\n' { 0 } else { length + 1 };
                    if length > MAX_OPEN {
                        return Err(too_long(MAX_OPEN));
                    }
                    answer.write_all(&[byte]).map_err(failed)?;
                }
                Event::Signal(SIGCONT) => self.write(question)?,
                Event::Signal(signal) => self.handle_signal(signal)?,
            }
        }
    }

    /// Ends or stops the process, as the signal would without a handler.
    fn handle_signal(&mut self, signal: i32) -> Result<()> {
        restore();
        if signal != SIGTSTP {
            // If the terminal is gone, there is no line to end.
            drop(self.write("\n"));
        }
        emulate_default_handler(signal).map_err(failed)
    }

    fn next(&mut self, signals: &mut Signals) -> Result<Event> {
        loop {
            let mut ready = [
                PollFd::new(&self.0, PollFlags::IN),
                PollFd::new(signals.0.get_read(), PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(failed(error.into())),
            }
            let (typed, signal) = (!ready[0].revents().is_empty(), !ready[1].revents().is_empty());
            let mut byte = [0];
            if signal && let Some(signal) = signals.next() {
                return Ok(Event::Signal(signal));
            }
            if typed {
                return match self.0.read(&mut byte) {
                    Ok(0) => Ok(Event::End),
                    Ok(_) => Ok(Event::Byte(byte[0])),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(failed(error)),
                };
            }
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.0.write_all(text.as_bytes()).map_err(failed)
    }
}

enum Event {
    Byte(u8),
    End,
    Signal(i32),
}

/// The terminal while its settings are changed, its settings before that, and when they are restored.
/// One prompt at a time uses it, or a program that runs.
static SAVED_SETTINGS: Mutex<Option<(File, Termios, OptionalActions)>> = Mutex::new(None);

/// Switches off echo and line editing, and returns the settings before that.
fn hide_input(terminal: &File) -> Result<Termios> {
    change_settings(terminal, OptionalActions::Flush, line::raw_settings)
}

/// Lets every key pass as it is, until [`restore`]: another terminal interprets it. What was typed
/// before or after is not lost.
pub(crate) fn pass_keys(terminal: &File) -> Result<()> {
    let raw = |before: &Termios| {
        let mut settings = before.clone();
        settings.make_raw();
        settings
    };
    change_settings(terminal, OptionalActions::Now, raw).map(drop)
}

/// Changes the settings, and returns those before that.
fn change_settings(
    terminal: &File,
    when: OptionalActions,
    change: impl FnOnce(&Termios) -> Termios,
) -> Result<Termios> {
    restore();
    let mut stored = SAVED_SETTINGS.lock()?;
    let before = tcgetattr(terminal).map_err(|error| failed(error.into()))?;
    let terminal = File::from(terminal.as_fd().try_clone_to_owned().map_err(failed)?);
    tcsetattr(&terminal, when, &change(&before)).map_err(|error| failed(error.into()))?;
    *stored = Some((terminal, before.clone(), when));
    Ok(before)
}

/// Restores the terminal's settings, however a prompt or a program ends.
pub(crate) struct RestoreOnDrop;

impl Drop for RestoreOnDrop {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal's settings, also if a prompt still waits for the answer to a plugin that
/// has ended.
pub(crate) fn restore() {
    let before = SAVED_SETTINGS.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, settings, when)) = before {
        let _ = tcsetattr(&terminal, when, &settings);
    }
}

/// Leaves all signals to the caller. After a prompt, they would have their default effect otherwise.
pub(crate) fn leave_signals() {
    if let Some(idle) = IDLE.get() {
        idle.store(false, Ordering::SeqCst);
    }
}

/// Signals that arrive through a socket, so that `poll` waits for them and for keys at the same
/// time.
struct Signals(SignalDelivery<UnixStream, SignalOnly>);

/// Whether no prompt is active, so that signals have their default effect. Handlers cannot be
/// removed once they are installed.
static IDLE: OnceLock<Arc<AtomicBool>> = OnceLock::new();

impl Signals {
    fn watch() -> Result<Self> {
        let idle = match IDLE.get() {
            Some(idle) => idle,
            None => {
                let idle = Arc::new(AtomicBool::new(true));
                for signal in SIGNALS {
                    register_conditional_default(signal, Arc::clone(&idle)).map_err(failed)?;
                }
                IDLE.get_or_init(|| idle)
            }
        };
        let (received, raised) = UnixStream::pair().map_err(failed)?;
        let delivery = SignalDelivery::with_pipe(received, raised, SignalOnly, SIGNALS);
        idle.store(false, Ordering::SeqCst);
        delivery.map(Self).map_err(failed)
    }

    fn next(&mut self) -> Option<i32> {
        self.0.pending().next()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        if let Some(idle) = IDLE.get() {
            idle.store(true, Ordering::SeqCst);
        }
    }
}

fn failed(error: std::io::Error) -> Error {
    // The terminal can be gone before the signal that reports it arrives.
    if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) {
        return closed_error();
    }
    Error::io("prompt", error)
}

fn too_long(limit: usize) -> Error {
    Error::invalid("prompt", format!("the answer is longer than {limit} bytes"))
        .hint(WITHOUT_A_TERMINAL)
}

fn closed_error() -> Error {
    Error::new(ErrorKind::Locked, "prompt").because("the terminal was closed")
}
