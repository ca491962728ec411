//! Other programs that keep secrets, where they are installed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::Result;
use super::home::BenchHome;
use super::program::Program;

/// What everybody keeps.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// What must go on running while peers are measured.
pub(super) struct Running(#[expect(dead_code, reason = "held, not read")] Option<Session>);

/// Each program that is installed, ready to give the password.
pub(super) fn get(home: &BenchHome) -> Result<(Vec<(&'static str, Program)>, Running)> {
    let mut peers = Vec::new();
    if let Ok(store) = git_store(home, 1) {
        let question = home.below("question");
        write(&question, "protocol=https\nhost=example.com\nusername=user0\n\n")?;
        peers.push((
            "`git-credential-store get`, not encrypted",
            store.args(&["get"]).input(&question),
        ));
    }
    if let Ok(age) = home.other("age", &[]) {
        peers.push(("`age -d`", age_decrypt(home, age)?));
    }
    if let Ok(pass) = pass(home) {
        peers.push(("`pass show`, the agent warm", pass.args(&["show", "work"])));
    }
    let session = Session::start(home).ok();
    if let Some(session) = &session {
        let tool = home.other("secret-tool", &["lookup", "keyward", "speed"])?;
        peers.push(("`secret-tool lookup`", tool.env("DBUS_SESSION_BUS_ADDRESS", &session.bus)));
    }
    peers.retain(|(_, program)| program.output().is_ok_and(|(out, _)| out.contains(PASSWORD)));
    Ok((peers, Running(session)))
}

/// `git-credential-store` on a file of so many entries.
pub(super) fn git_store(home: &BenchHome, entries: usize) -> Result<Program> {
    let (folder, _) = Program::find("git")?.args(&["--exec-path"]).output()?;
    let file = home.below("git-credentials");
    let password = PASSWORD.replace(' ', "%20");
    let line = |n| format!("https://user{n}:{password}@example.com\n");
    write(&file, &(0..entries).map(line).collect::<String>())?;
    let program = Path::new(folder.trim()).join("git-credential-store");
    let file = file.to_str().ok_or("the scratch folder's name is UTF-8")?;
    Ok(Program::new(&program, &["--file", file]).env("HOME", home.path()))
}

/// `pass` on a store of one entry, under a key without a passphrase.
pub(super) fn pass(home: &BenchHome) -> Result<Program> {
    let gnupg = home.below("gnupg");
    fs::create_dir_all(&gnupg)?;
    fs::set_permissions(&gnupg, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let with = |program: Program| {
        program.env("GNUPGHOME", &gnupg).env("PASSWORD_STORE_DIR", home.below("pass"))
    };
    let key = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "speed",
        "default",
        "default",
    ];
    with(home.other("gpg", &key)?).output()?;
    with(home.other("pass", &["init", "speed"])?).output()?;
    let password = home.below("password");
    write(&password, PASSWORD)?;
    with(home.other("pass", &["insert", "-m", "work"])?).input(&password).output()?;
    Ok(with(home.other("pass", &[])?))
}

fn age_decrypt(home: &BenchHome, age: Program) -> Result<Program> {
    let text =
        |name: &str| Ok::<_, String>(home.below(name).to_str().ok_or("not UTF-8")?.to_owned());
    let (identity, sealed, password) =
        (text("age.key")?, text("sealed.age")?, home.below("password"));
    write(&password, PASSWORD)?;
    let (_, said) = home.other("age-keygen", &["-o", &identity])?.output()?;
    let recipient =
        said.split_whitespace().find(|word| word.starts_with("age1")).unwrap_or_default();
    age.clone().args(&["-r", recipient, "-o", &sealed]).input(&password).output()?;
    Ok(age.args(&["-d", "-i", &identity, &sealed]))
}

pub(super) fn write(path: &Path, text: &str) -> Result {
    #[expect(clippy::disallowed_methods, reason = "a scratch file need not last")]
    fs::write(path, text)?;
    Ok(())
}

/// A private bus with a private GNOME Keyring on it, which holds the password. Both end when the
/// shell's input does.
pub(super) struct Session {
    bus: String,
    shell: Child,
    input: Option<ChildStdin>,
}

const SCRIPT: &str = r#"
dbus-run-session -- sh -ec '
    mkfifo "$HOME/unlock"
    gnome-keyring-daemon --foreground --unlock --components=secrets --control-directory="$HOME/control" <"$HOME/unlock" >/dev/null 2>&1 &
    keyring=$!
    printf unlock >"$HOME/unlock"
    until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true; do sleep 0.05; done
    printf %s "$PASSWORD" | secret-tool store --label=speed keyward speed
    echo "$DBUS_SESSION_BUS_ADDRESS"
    cat
    kill "$keyring"
'
"#;

impl Session {
    pub(super) fn start(home: &BenchHome) -> Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .env("PATH", super::home::PATH)
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("PASSWORD", PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = shell.stdin.take();
        let mut bus = String::new();
        BufReader::new(shell.stdout.take().ok_or("it is piped")?).read_line(&mut bus)?;
        let session = Self { bus: bus.trim().to_owned(), shell, input };
        if session.bus.is_empty() { Err("there is no session".into()) } else { Ok(session) }
    }

    /// Where the bus is.
    pub(super) fn bus(&self) -> &str {
        &self.bus
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.shell.wait());
    }
}
