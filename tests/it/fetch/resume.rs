//! Downloads that are killed.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::site::{Site, home};
use crate::helpers::home::Home;
use crate::helpers::prng::Prng;
use crate::helpers::program::keyward;

const KILLS: usize = 100;

#[test]
fn a_hundred_downloads_that_are_killed_go_on_and_are_identical() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    let mut prng = Prng(18);
    let content: Vec<u8> = (0..1 << 21).map(|_| prng.below(256) as u8).collect();
    site.write("files/big", &content);
    let url = format!("{}/slow/big", site.url);
    let mut resumed = 0;
    for kill in 0..KILLS {
        let mut command = home.command(keyward());
        command.args(["fetch", &url, "--force", "--quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut killed = command.spawn().unwrap();
        // How fast a download is depends on the machine, so every second kill comes soon after the first
        // bytes.
        let begun = Instant::now();
        if kill % 2 == 0 {
            while !has_begun(&home) && begun.elapsed() < Duration::from_secs(5) {
                sleep(Duration::from_micros(200));
            }
            sleep(Duration::from_micros(prng.below(20_000)));
        } else {
            sleep(Duration::from_micros(prng.below(90_000)));
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        let done = home.keyward(&format!("fetch {url} --force --json")).run().ends(0).json();
        resumed += usize::from(done[0]["resumed"].as_u64().unwrap() > 0);
        assert!(std::fs::read(home.path("big")).unwrap() == content);
    }
    assert!(resumed > KILLS / 10, "{resumed}");
    let left: Vec<_> = home.files().into_keys().filter(|path| path.starts_with(".big")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Whether there is some of the file.
fn has_begun(home: &Home) -> bool {
    std::fs::metadata(home.path(".big.keyward-part")).is_ok_and(|part| part.len() > 0)
}

#[test]
fn many_files_come_from_a_list() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    site.write("files/a", b"aa");
    let list = format!("# files\n{0}/a\n\n{0}/data.csv\n{0}/absent\n", site.url);
    home.write("folder/kept", "");
    let run = home.keyward("fetch --batch - --output folder --hash sha256 --json").input(list);
    let done = run.run().ends(3).says("404").json();
    assert_eq!(done.len(), 2);
    assert_eq!(home.read("folder/a"), "aa");
    assert_eq!(done[0]["hashes"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(done[1]["path"], "folder/data.csv");
    home.keyward("fetch --batch none").run().ends(2);
}
