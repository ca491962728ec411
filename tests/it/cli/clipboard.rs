//! `--clip`: values on the clipboard, with xclip on a real X server, and with stand-ins for
//! wl-clipboard.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::helpers::home::Home;
use crate::helpers::invocation::Invocation;
use crate::helpers::program::keyward;

/// An X server without a screen. Its clipboard is gone when it is dropped.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "64x64x8"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed (xvfb)");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, name: format!(":{}", number.trim_end()) }
    }

    /// Returns what is on the clipboard.
    fn clipboard(&self) -> String {
        let mut xclip = self.xclip("-out");
        String::from_utf8(xclip.output().unwrap().stdout).unwrap()
    }

    /// Puts something else on the clipboard.
    fn copy(&self, text: &str) {
        let mut xclip = self.xclip("-in");
        xclip.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = xclip.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    fn xclip(&self, action: &str) -> Command {
        let mut xclip = Command::new("xclip");
        xclip.args(["-selection", "clipboard", action]).env("DISPLAY", &self.name);
        xclip
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A home with an entry, in whose programs the clipboard is that of the display.
fn home(display: &Display) -> Home {
    let home = Home::with_store("--option key.from=file").with("DISPLAY", &display.name);
    home.keyward("set s ann --stdin").input("canary").run().ends(0);
    home
}

/// Returns the process that keeps the clipboard for this number of seconds.
fn keeper(seconds: u32) -> Option<Pid> {
    let wanted = format!("{}\0--keep-clipboard\0x11\0{seconds}\0", keyward().display());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let keeper = processes.filter_map(|process| {
        let command = fs::read(process.path().join("cmdline")).ok()?;
        let is_keeper = command == wanted.as_bytes();
        is_keeper.then(|| process.file_name().into_string().ok()?.parse().ok()).flatten()
    });
    keeper.filter_map(Pid::from_raw).next()
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "it takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_value_is_on_the_clipboard_until_the_time_is_over() {
    let display = Display::start();
    let home = home(&display);
    home.run_ok(&["config", "set", "audit.file", "~/audit/records"]);
    let clip = |line: &str| {
        let clipped = home.keyward(line).run().ends(0).prints("").says("The clipboard has");
        assert!(!clipped.err.contains("canary"), "{}", clipped.err);
        display.clipboard()
    };
    assert_eq!(clip("get s --clip --clip-seconds 1001"), "canary");
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&command).contains("canary"));
    }
    assert_eq!(clip("get s -n --clip --clip-seconds 1002"), "ann");
    assert_eq!(clip("get s --field password --raw --clip --clip-seconds 1003"), "canary");
    assert_eq!(clip("read keyward://s//username --clip --clip-seconds 1004"), "ann");
    assert_eq!(clip("generate digits:9 --clip --clip-seconds 1005").len(), 9);
    let audit = home.read("audit/records");
    assert_eq!(audit.matches("\"program\":\"/usr/bin/xclip\"").count(), 4, "{audit}");
    home.keyward("set s ann --name mail --stdin").input("canary").run().ends(0);
    assert_eq!(clip("resolve mail --clip --clip-seconds 1"), "canary");
    wait_until(|| display.clipboard().is_empty());
    // Those that are still waiting change nothing.
    for seconds in 1001..=1005 {
        kill_process(keeper(seconds).unwrap(), Signal::TERM).unwrap();
    }
}

#[test]
fn what_another_program_has_copied_stays() {
    let display = Display::start();
    let home = home(&display);
    home.run_ok(&["config", "set", "clip.seconds", "1006"]);
    home.keyward("get s --clip").run().ends(0).says("for 1006 seconds");
    display.copy("other");
    kill_process(keeper(1006).unwrap(), Signal::TERM).unwrap();
    wait_until(|| keeper(1006).is_none());
    assert_eq!(display.clipboard(), "other");
    // At the end of the session it is cleared at once.
    home.keyward("get s --clip --clip-seconds 1007").run().ends(0);
    assert_eq!(display.clipboard(), "canary");
    kill_process(keeper(1007).unwrap(), Signal::TERM).unwrap();
    wait_until(|| display.clipboard().is_empty());
}

#[test]
fn what_cannot_be_copied_says_why() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input("canary").run().ends(0);
    let get = |variable: &str, value: &str| {
        home.keyward("get s --clip").env(variable, value).run().prints("")
    };
    get("DISPLAY", "").ends(7).says("neither WAYLAND_DISPLAY nor DISPLAY is set");
    get("DISPLAY", ":7654").ends(7).says("xclip failed");
    get("WAYLAND_DISPLAY", "wayland-0").ends(7).says("wl-copy is not installed");
    for line in [
        "get s --clip --json",
        "get s --clip -n -p",
        "get s --clip-seconds 3",
        "get s --clip --clip-seconds 0",
        "resolve s --clip --json",
        "generate --clip --json",
    ] {
        home.keyward(line).env("DISPLAY", ":7654").run().ends(2).prints("");
    }
    home.keyward("config set clip.seconds x").run().ends(2).says("a whole number");
    home.run_ok(&["config", "set", "clip.seconds", "0"]);
    get("DISPLAY", ":7654").ends(2).says("from 1 to 86400");
}

/// The programs of wl-clipboard, as scripts that keep the clipboard in a file.
const WL_COPY: &str = r#"#!/bin/sh
echo "$0 $*" >>calls; echo "$TMPDIR $KEYWARD_USER" >>environment
if [ "$1" = --clear ]; then : >board; else cat >board; fi
"#;
const WL_PASTE: &str = "#!/bin/sh\n[ \"$1\" = --no-newline ] && cat board\n";

#[test]
fn a_wayland_session_is_preferred() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input("canary\n\n").run().ends(0);
    for (name, script) in [("wl-copy", WL_COPY), ("wl-paste", WL_PASTE)] {
        let path = home.write(&format!("bin/{name}"), script);
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    let clip: Invocation = home.keyward("get s --clip --clip-seconds 1").env("PATH", path);
    let clip = clip.env("WAYLAND_DISPLAY", "wayland-0").env("DISPLAY", ":7654");
    clip.env("KEYWARD_USER", crate::helpers::home::me()).run().ends(0).prints("");
    assert_eq!(home.read("board"), "canary\n");
    wait_until(|| home.read("board").is_empty());
    let program = home.path("bin/wl-copy").display().to_string();
    assert_eq!(home.read("calls"), format!("{program} \n{program} --clear\n"));
    let environment = format!("{} \n", home.path("run").display());
    assert_eq!(home.read("environment"), environment.repeat(2));
}
