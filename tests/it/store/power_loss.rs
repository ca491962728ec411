//! What a writer acknowledged survives a power cut. It needs root.
//!
//! If a file system is shut down without flushing its log, its disk contains what it would contain
//! after a power cut: what was synced, and whatever else was already written back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::helpers::crash_worker::{CrashWorker, WORKER};
use crate::helpers::home::{Home, STORAGES, init};
use crate::helpers::invocation::Invocation;
use crate::helpers::namespace::Namespace;
use crate::helpers::prng::Prng;
use crate::helpers::program::keyward;

const CUTS: u32 = 40;

#[test]
fn ext4_takes_back_nothing_from_file() {
    takes_back_nothing("ext4", "file");
}

#[test]
fn ext4_takes_back_nothing_from_sqlite() {
    takes_back_nothing("ext4", "sqlite");
}

#[test]
fn ext4_takes_back_nothing_from_redb() {
    takes_back_nothing("ext4", "redb");
}

#[test]
fn xfs_takes_back_nothing_from_file() {
    takes_back_nothing("xfs", "file");
}

#[test]
fn xfs_takes_back_nothing_from_sqlite() {
    takes_back_nothing("xfs", "sqlite");
}

#[test]
fn xfs_takes_back_nothing_from_redb() {
    takes_back_nothing("xfs", "redb");
}

/// The configuration, the key and the keyset are durable too, from the first command on.
#[test]
fn a_store_and_its_first_entry_survive() {
    for (round, storage) in STORAGES.into_iter().cycle().take(12).enumerate() {
        let disk = Disk::new(["ext4", "xfs"][round / STORAGES.len() % 2]);
        disk.mount();
        disk.make_home();
        disk.keyward(&init("store", storage, "aes-gcm"));
        if round % 2 == 0 {
            disk.cut();
            disk.mount();
        }
        disk.keyward(&SET_FIRST);
        disk.cut();
        disk.mount();
        let found = disk.keyward(&["get", "store", "--user", "victim", "--username"]);
        assert_eq!(found, "ann\n", "{storage}");
        disk.unmount();
    }
}

const SET_FIRST: [&str; 6] =
    ["set", "store", "ann", "--user", "victim", "--password-file=/etc/passwd"];

/// Without this test, the other tests might be unable to fail.
#[test]
fn a_writer_that_does_not_flush_loses_a_value() {
    for kind in ["ext4", "xfs"] {
        let disk = Disk::new(kind);
        disk.mount();
        disk.make_home();
        let file = disk.home().join("file");
        let file = file.to_str().unwrap();
        let mut prng = Prng(2);
        let lost = (0..10).filter(|_| {
            let mut writer = disk.command(Path::new(WORKER));
            let worker = CrashWorker::start(writer.args(["write-carelessly", file, "1"]));
            // On a busy machine, the power may be cut before the first acknowledgement.
            while worker.acknowledged().is_none() {
                sleep(Duration::from_micros(100));
            }
            let promised = disk.cut_under(worker, &mut prng).promised.expect("it has promised");
            disk.mount();
            let found =
                disk.command(Path::new(WORKER)).args(["read-carelessly", file]).output().unwrap();
            let found = String::from_utf8(found.stdout).unwrap();
            found.trim().parse::<u64>().map_or(true, |found| found < promised)
        });
        let lost = lost.count();
        assert!(lost > 0, "{kind}: ten power cuts took nothing from a writer that never syncs");
        disk.unmount();
    }
}

/// Cuts the power while writers write, each at another moment, and checks the store after each cut.
fn takes_back_nothing(kind: &str, storage: &str) {
    let disk = Disk::new(kind);
    disk.mount();
    disk.make_home();
    disk.keyward(&init("store", storage, "aes-gcm"));
    let mut prng = Prng(3);
    let mut last = None;
    let mut acknowledged = 0;
    for cut in 0..CUTS {
        let from = last.map_or(0, |last| last + 1);
        let mut writer = disk.command(Path::new(WORKER));
        let worker =
            CrashWorker::start(writer.args(["write", "store", "victim", &from.to_string()]));
        let Cut { promised, in_all } = disk.cut_under(worker, &mut prng);
        disk.mount();
        let found = disk.found(cut);
        acknowledged += promised.map_or(0, |promised| promised + 1 - from);
        let (least, most) = (promised.or(last), in_all.map_or(from, |done| done + 1));
        assert!(
            found >= least && found <= Some(most),
            "{kind}, cut {cut}: {least:?} was acknowledged, {found:?} is there"
        );
        last = found;
    }
    assert!(acknowledged > u64::from(CUTS), "the writers wrote too little: {acknowledged}");
    disk.unmount();
}

/// What a writer had acknowledged when the power was cut.
struct Cut {
    /// The number that must be there, or a later one.
    promised: Option<u64>,
    /// The last number that it acknowledged, even if after the cut began.
    in_all: Option<u64>,
}

/// A disk whose power can be cut.
struct Disk {
    kind: &'static str,
    namespace: Namespace,
    home: Home,
}

impl Disk {
    fn new(kind: &str) -> Self {
        let (kind, size, make) = match kind {
            "ext4" => ("ext4", "64M", "mkfs.ext4 -q"),
            _ => ("xfs", "300M", "mkfs.xfs -q"),
        };
        let disk = Self { kind, namespace: Namespace::new(), home: Home::in_memory() };
        let image = disk.image();
        disk.namespace.run(&format!("truncate -s {size} {image}"));
        disk.namespace.run(&format!("{make} {image}"));
        disk.namespace.run(&format!("mkdir {}", disk.mounted().display()));
        disk
    }

    fn mount(&self) {
        let (image, mounted) = (self.image(), self.mounted());
        self.namespace.run(&format!(
            "mount -t {} -o loop {image} {}",
            self.kind,
            mounted.display()
        ));
    }

    fn unmount(&self) {
        self.namespace.run(&format!("umount {}", self.mounted().display()));
    }

    fn make_home(&self) {
        self.namespace.run(&format!("mkdir -m 700 {}", self.home().display()));
        self.namespace.run(&format!("sync {0} {0}/..", self.home().display()));
    }

    /// Cuts the power.
    fn cut(&self) {
        self.shut_down();
        self.unmount();
    }

    /// Cuts the power while a writer writes, at some moment.
    ///
    /// Half of the writers are stopped just before, so that it is certain what they had
    /// acknowledged. For the others, only what they acknowledged before the cut began counts: the
    /// kernel may still report success for an `fsync` that the cut interrupts.
    fn cut_under(&self, worker: CrashWorker, prng: &mut Prng) -> Cut {
        sleep(Duration::from_micros(2_000 + prng.below(40_000)));
        let stopped = prng.below(2) == 0;
        if stopped {
            worker.stop();
        }
        let before = worker.acknowledged();
        self.shut_down();
        let in_all = worker.kill();
        self.unmount();
        Cut { promised: if stopped { in_all } else { before }, in_all }
    }

    /// Without `-f`, the log is not flushed.
    fn shut_down(&self) {
        self.namespace.run(&format!("xfs_io -x -c shutdown {}", self.mounted().display()));
    }

    /// The number in the store, if there is one.
    fn found(&self, cut: u32) -> Option<u64> {
        let worker = Invocation::from(self.command(Path::new(WORKER)));
        match worker.args(["read", "store", "victim"]).run().ends(0).text().trim() {
            "none" => None,
            number => Some(number.parse().unwrap_or_else(|_| panic!("cut {cut}: {number}"))),
        }
    }

    fn keyward(&self, arguments: &[&str]) -> String {
        Invocation::from(self.command(&keyward())).args(arguments).run().ends(0).into_text()
    }

    fn command(&self, program: &Path) -> Command {
        self.namespace.command(&self.home(), program)
    }

    fn image(&self) -> String {
        self.home.path("image").display().to_string()
    }

    fn mounted(&self) -> PathBuf {
        self.home.path("mounted")
    }

    fn home(&self) -> PathBuf {
        self.mounted().join("home")
    }
}
