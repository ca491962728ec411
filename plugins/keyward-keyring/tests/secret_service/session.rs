//! A desktop session without a desktop.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A private bus with a private GNOME Keyring. They end when standard input is closed, so also when
/// the test is killed.
pub(crate) struct Session {
    pub(crate) bus: String,
    shell: Child,
    input: Option<ChildStdin>,
    keyring: String,
}

/// Prints where the bus is and which process serves it, then waits for the end of its input.
const SCRIPT: &str = r#"
set -e
home=$(mktemp -d); trap 'rm -rf "$home"' EXIT
export HOME="$home" XDG_RUNTIME_DIR="$home" XDG_DATA_HOME="$home/data" XDG_CONFIG_HOME="$home/config" XDG_CACHE_HOME="$home/cache"
mkdir -p "$home/data/keyrings"
dbus-run-session -- sh -c '
    pipe="$HOME/password"; mkfifo "$pipe"
    gnome-keyring-daemon --foreground $1 --components=secrets --control-directory="$HOME/control" <"$pipe" >/dev/null 2>&1 &
    keyring=$!
    printf %s password >"$pipe"
    until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true; do sleep 0.05; done
    echo "$DBUS_SESSION_BUS_ADDRESS"; echo "$keyring"
    cat
    kill "$keyring"
' sh "$1"
"#;

impl Session {
    /// Starts the keyring of a user who has logged in.
    pub(crate) fn unlocked() -> Self {
        Self::start("--unlock")
    }

    /// Starts the keyring of a user who has not logged in.
    pub(crate) fn locked() -> Self {
        let session = Self::start("--unlock");
        session.lock();
        session
    }

    fn start(how: &str) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", how])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell runs");
        let input = shell.stdin.take();
        let mut output = BufReader::new(shell.stdout.take().expect("it is piped"));
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).expect("the session speaks");
            assert!(!line.is_empty(), "no session: dbus and gnome-keyring must be installed");
            line.trim().to_owned()
        };
        let (bus, keyring) = (line(), line());
        Self { bus, shell, input, keyring }
    }

    /// Locks the keyring as a screen locker does.
    pub(crate) fn lock(&self) {
        let locked = Command::new("dbus-send")
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.Lock",
                "array:objpath:/org/freedesktop/secrets/collection/login",
            ])
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .output()
            .expect("dbus-send is installed (dbus)");
        assert!(locked.status.success());
    }

    /// Stops the keyring's process.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    /// Continues the keyring's process.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.keyring]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}
