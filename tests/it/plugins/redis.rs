//! The storage in `docs/examples/redis`, built and trusted as its author does, on a real server.

#[path = "../../../docs/examples/redis/tests/redis/proxy.rs"]
mod proxy;
#[path = "../../../docs/examples/redis/tests/redis/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyward_testkit::storage;
use xtask::root;

use super::author::AuthorHome;
use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::program::keyward;
use proxy::Proxy;
use server::{PASSWORD, Server, USER, make_tls};

/// What only a put sends.
const PUT: &[u8] = b"done:";

/// The home of a user of the storage, and a server.
struct Fixture {
    author: AuthorHome,
    library: PathBuf,
    server: Server,
}

impl Fixture {
    /// Builds the library into a new home, and starts a server.
    fn new() -> Self {
        Self::with_server(|folder| Server::start(folder, ""))
    }

    fn with_server(start: impl Fn(&Path) -> Server) -> Self {
        let author = AuthorHome::new();
        let build = author.keyward("plugin build --json --output lib");
        let ran = build.arg(root().join("docs/examples/redis")).run().ends(0);
        let library = ran.json()[0]["path"].as_str().unwrap().into();
        let server = start(&author.path("server"));
        author.write_password(PASSWORD);
        Self { author, library, server }
    }

    fn trust(&self, options: &[&str]) {
        let trust = self.author.keyward("plugin trust --yes").args(options).arg(&self.library);
        trust.run().ends(0);
    }

    fn keyward(&self, line: &str) -> Invocation {
        self.author.keyward(line)
    }

    /// `init` of a store on a server, for which it waits this many seconds.
    fn init(&self, store: &str, url: &str, timeout: u64) -> Finished {
        let options = [
            format!("storage.url={url}"),
            format!("storage.user={USER}"),
            format!("storage.timeout={timeout}s"),
            r#"storage.password={ from = "file", path = "~/password" }"#.to_owned(),
            "key.from=file".to_owned(),
        ];
        let init = self.keyward(&format!("init {store} --storage redis"));
        init.args(options.iter().flat_map(|option| ["--option", option.as_str()])).run()
    }

    fn set(&self, store: &str, user: &str, secret: &str) -> Finished {
        self.keyward(&format!("set {store} {user} --user {user} --stdin")).input(secret).run()
    }

    fn get(&self, store: &str, user: &str) -> Finished {
        self.keyward(&format!("get {store} --user {user} -p")).run()
    }
}

impl AuthorHome {
    fn write_password(&self, password: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.write("password", format!("{password}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// All cases of the suite pass for a library or a program.
fn passes_the_suite(home: &Home, url: &str, file: &Path, arguments: &[&Path]) {
    let options = format!(
        r#"{{"url": "{url}", "prefix": "keyward:%scratch%:", "user": "{USER}", "password": {{"from": "made-up"}}}}"#
    );
    let check = home.keyward("plugin check --json --options").arg(options);
    let check = check.args(["--secret", &format!("made-up={PASSWORD}")]).arg(file);
    let ran = if arguments.is_empty() { check } else { check.arg("--").args(arguments) };
    let ran = ran.run().ends(0);
    let report = ran.json().remove(0);
    assert_eq!(report["failed"], 0);
    assert_eq!(report["not_applicable"], 1, "only that some conditions are not checked");
    assert_eq!(report["passed"], storage::CASES.len() - 1);
}

#[test]
fn the_suite_passes_as_a_library_and_as_a_child_process() {
    let it = Fixture::new();
    let (home, url) = (&it.author.0, it.server.url());
    passes_the_suite(home, &url, &it.library, &[]);
    let host = ["plugin", "host"].map(Path::new);
    passes_the_suite(home, &url, &keyward(), &[host[0], host[1], &it.library]);
}

#[test]
fn a_store_lives_on_a_server_through_both_doors() {
    let it = Fixture::new();
    for (store, options) in [("loaded", &[][..]), ("run", &["--run"])] {
        it.trust(options);
        it.init(store, &it.server.url(), 10).ends(0);
        for user in ["ann", "bob", "carol"] {
            it.set(store, user, &format!("secret of {user}")).ends(0);
        }
        it.get(store, "bob").ends(0).prints("secret of bob\n");
        let listed = it.keyward(&format!("list {store}")).run().ends(0).into_text();
        assert!(listed.contains("ann") && listed.contains("carol"), "{listed}");
        it.keyward(&format!("store rotate {store}")).run().ends(0);
        it.keyward(&format!("store verify {store}")).run().ends(0);
        it.keyward(&format!("unset {store} --user ann")).run().ends(0);
        it.get(store, "ann").ends(3);
        it.get(store, "carol").ends(0).prints("secret of carol\n");
        let doctor = it.keyward("doctor").run();
        assert!(!doctor.text().contains(PASSWORD) && !doctor.err.contains(PASSWORD));
        let keys = it.server.admin(&["--scan"]);
        assert!(keys.contains("index") && keys.contains("entry:carol"), "{keys}");
        assert!(!it.server.admin(&["GET", "x"]).contains("secret of"));
        it.keyward(&format!("rm {store} --yes")).run().ends(0);
        let left = it.server.admin(&["--scan", "--pattern", "*entry*"]);
        assert_eq!(left, "", "{store}");
    }
}

#[test]
fn a_server_that_does_not_answer_ends_a_command_in_time_and_loses_nothing() {
    let it = Fixture::new();
    it.trust(&[]);
    it.init("s", &it.server.url(), 1).ends(0);
    it.set("s", "ann", "old").ends(0);
    it.server.signal("STOP");
    let started = Instant::now();
    it.get("s", "ann").ends(7).prints("").says("in time");
    it.set("s", "ann", "new").ends(7);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    it.server.signal("CONT");
    let found = it.get("s", "ann").ends(0).into_text();
    assert!(["old\n", "new\n"].contains(&found.as_str()), "{found}");
    it.keyward("store verify s").run().ends(0);
    it.author.write_password("wrong");
    it.get("s", "ann").ends(9).says("password");
    it.author.write_password(PASSWORD);

    it.server.signal("KILL");
    it.get("s", "ann").ends(7).says("connection");
    let it = Fixture { server: it.server.start_again(), ..it };
    it.get("s", "ann").ends(0).prints(found);
}

#[test]
fn a_store_lives_on_a_server_with_tls() {
    let it = Fixture::with_server(|folder| Server::start(folder, make_tls(folder)));
    it.keyward("config set network.ca_file").arg(it.author.path("server/ca.pem")).run().ends(0);
    for options in [&[][..], &["--run"]] {
        it.trust(options);
        it.init("s", &it.server.url(), 10).ends(0);
        it.set("s", "ann", "s3cret").ends(0);
        it.get("s", "ann").ends(0).prints("s3cret\n");
        it.keyward("rm s --yes").run().ends(0);
    }
    it.init("s", &it.server.url(), 10).ends(0);
    make_tls(&it.author.path("server"));
    it.get("s", "ann").ends(7).says("certificate");
}

#[test]
fn a_lost_answer_leaves_a_store_that_works() {
    let it = Fixture::new();
    it.trust(&[]);
    let proxy = Proxy::new(it.server.port);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    // Makes the server know the scripts, so that the answers that are lost are those to the puts.
    it.init("warm", &url, 1).ends(0);
    it.set("warm", "ann", "1").ends(0);

    proxy.cut(PUT, 1);
    it.init("cut", &url, 1).ends(0);
    it.set("cut", "ann", "1").ends(0);
    proxy.cut(PUT, 1);
    it.set("cut", "ann", "2").ends(0);
    it.get("cut", "ann").ends(0).prints("2\n");

    // Nothing gets through, until the command gives up: then it is there, or it is not.
    proxy.hold_back(PUT, usize::MAX);
    it.set("cut", "ann", "3").ends(7);
    proxy.hold_back(PUT, 0);
    let found = it.get("cut", "ann").ends(0).into_text();
    assert!(["2\n", "3\n"].contains(&found.as_str()), "{found}");
    it.keyward("store verify cut").run().ends(0);
}

#[test]
fn init_without_answers_leaves_a_usable_store_or_nothing() {
    let it = Fixture::new();
    it.trust(&[]);
    let proxy = Proxy::new(it.server.port);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    it.init("warm", &url, 1).ends(0);
    proxy.hold_back(PUT, usize::MAX);
    it.init("lost", &url, 1).ends(7);
    proxy.hold_back(PUT, 0);
    let again = it.init("lost", &url, 1);
    if again.code != 0 {
        // The store is there.
        again.says("exists");
    }
    it.set("lost", "ann", "1").ends(0);
    it.get("lost", "ann").ends(0).prints("1\n");
}

#[test]
fn processes_that_race_and_are_killed_lose_no_acknowledged_entry() {
    let it = Fixture::new();
    it.trust(&[]);
    it.init("s", &it.server.url(), 10).ends(0);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let it = &it;
            scope.spawn(move || {
                for round in 0..5 {
                    let user = format!("user-{worker}-{round}");
                    it.set("s", &user, &user).ends(0);
                }
            });
        }
        scope.spawn(|| it.keyward("store rotate s").run().ends(0));
    });
    for round in 0..8 {
        let mut command = it.author.0.command(keyward());
        command
            .args(["set", "s", "user-0-0", "--user", "user-0-0", "--stdin"])
            .stdin(std::process::Stdio::piped());
        let mut killed = command.spawn().unwrap();
        std::io::Write::write_all(&mut killed.stdin.take().unwrap(), b"killed").unwrap();
        std::thread::sleep(Duration::from_millis(2 * round));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let found = it.get("s", "user-0-0").ends(0).into_text();
        assert!(["user-0-0\n", "killed\n"].contains(&found.as_str()), "{found}");
    }
    for worker in 1..4 {
        for round in 0..5 {
            let user = format!("user-{worker}-{round}");
            it.get("s", &user).ends(0).prints(format!("{user}\n"));
        }
    }
    it.keyward("store verify s").run().ends(0);
}
