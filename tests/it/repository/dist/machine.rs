//! A machine to install packages on, on which nothing stays of what is installed. It takes root.

use std::collections::BTreeSet;
use std::path::Path;

use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::namespace::Namespace;

/// What makes the machine: this one, with what is written to its system's folders kept apart. Nobody has
/// heard of Keyward on it, and its dpkg leaves nothing away, as it may in an image that is to be small.
/// Manual pages are not indexed anew each time, which takes longer than all else together.
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

/// All files and folders of the system, but for what dpkg and apt themselves remember.
const FILES: &str = r"find /etc /usr /var/lib \( -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o \
    -printf '%y %u:%g %m %p\n'";

/// The machine, gone when dropped.
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

    /// A command line of root's, about to be run. Words are split at blanks.
    pub(super) fn call(&self, line: &str) -> Invocation {
        let mut words = line.split_whitespace();
        let program = Path::new(words.next().unwrap());
        Invocation::from(self.namespace.command(&self.home.path(""), program)).args(words)
    }

    /// A shell script of root's, which must succeed: what it prints.
    pub(super) fn shell(&self, script: &str) -> String {
        self.call("sh -ec").arg(script).run().ends(0).text().to_owned()
    }

    /// What apt does with a package, without a network.
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
