//! A temporary machine on which packages are installed. It needs root.

use std::collections::BTreeSet;
use std::path::Path;

use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::namespace::Namespace;

/// Sets up the machine: this one, with overlays over its system folders, and without Keyward. Its
/// dpkg installs all files, although a small image may leave some out. Manual pages are not
/// indexed, because that takes longer than everything else.
const SET_UP: &str = r#"set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
for folder in etc usr var; do
    mkdir -p "$1/$folder/new" "$1/$folder/work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$1/$folder/new,workdir=$1/$folder/work" "/$folder"
done
dpkg --purge keyward 2>/dev/null
rm -rf /etc/keyward /usr/lib/keyward /var/lib/keyward
rm -f /etc/dpkg/dpkg.cfg.d/* /var/lib/man-db/auto-update
"#;

/// Lists all files and folders of the system, except the state of dpkg and apt.
const FILES: &str = r"find /etc /usr /var/lib \( -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o \
    -printf '%y %u:%g %m %p\n'";

/// The machine. Dropping it removes it.
pub(super) struct Machine {
    namespace: Namespace,
    home: Home,
}

impl Machine {
    pub(super) fn new() -> Self {
        let machine = Self { namespace: Namespace::new(), home: Home::new() };
        let layers = machine.home.path("layers");
        std::fs::create_dir(&layers).unwrap();
        machine.call("sh").args(["-c", SET_UP, "sh"]).arg(layers).run().ends(0);
        machine
    }

    /// A folder that the machine sees.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// A command line of root, ready to run. Words are split at blanks.
    pub(super) fn call(&self, line: &str) -> Invocation {
        let mut words = line.split_whitespace();
        let program = Path::new(words.next().unwrap());
        Invocation::from(self.namespace.command(&self.home.path(""), program)).args(words)
    }

    /// Runs a shell script as root, which must succeed, and returns its output.
    pub(super) fn shell(&self, script: &str) -> String {
        self.call("sh -ec").arg(script).run().ends(0).text().to_owned()
    }

    /// Runs apt on a package, without a network.
    pub(super) fn apt(&self, words: &str, package: impl AsRef<Path>) -> Finished {
        let apt = self.call("unshare --net apt-get -q -y").args(words.split_whitespace());
        let apt = apt.arg(package.as_ref());
        apt.env("DEBIAN_FRONTEND", "noninteractive").run().ends(0)
    }

    /// Every file, folder and link of the system: kind, owner, mode and path.
    pub(super) fn files(&self) -> BTreeSet<String> {
        self.shell(FILES).lines().map(str::to_owned).collect()
    }
}
