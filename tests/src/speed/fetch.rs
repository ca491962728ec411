//! Which provider a URL has, and how fast a file comes.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use keyward_origin::Target;
use keyward_provider::{Level, Provider, Providers};

use super::cold::process;
use super::home::{BenchHome, PATH};
use super::race::{Contestant, Table, race};
use super::{Plan, Result, peers};

/// The size of the file, in bytes.
const FILE: u64 = 1 << 30;

/// A gigabyte takes a while; fewer rounds will do.
const FEWER: usize = 40;

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    Ok(vec![matching(plan)?, worst_pattern(plan)?, download(plan)?])
}

/// Makes providers, of which the last one matches.
fn providers(count: usize) -> Result<Providers> {
    let mut providers = Providers::default();
    for number in (0..count).rev() {
        let text = format!(
            "version = 1\norigins = ['https://h{number}.example', 'https://*.d{number}.example']\n\
             path = '/data/(?<name>[^/]+)/.*'\ncredentials = ['{{name}}']\n"
        );
        providers.add(Level::User, Provider::parse(&format!("p{number}"), &text, "")?);
    }
    Ok(providers)
}

fn matching(plan: &Plan) -> Result<Table> {
    let target = Target::parse("https://a.d0.example/data/x/file.csv")?;
    let [one, many] = [providers(1)?, providers(plan.many())?];
    let find = |providers: &Providers| match providers.matching(&target).as_slice() {
        [(_, provider)] if provider.name == "p0" => Ok(()),
        found => Err(format!("{} providers match", found.len()).into()),
    };
    race(
        format!("The provider of a URL, among {}", plan.many()),
        plan.rounds,
        vec![
            Contestant::calls("among 1", 100, || find(&one)),
            Contestant::calls("**among all**", 1, || find(&many)).adding(Duration::from_millis(1)),
        ],
    )
}

/// The largest pattern and the longest URL that are accepted. Longer ones are refused unread.
fn worst_pattern(plan: &Plan) -> Result<Table> {
    let url = format!("https://h.example/{}", "a".repeat(8000));
    let target = Target::parse(&url)?;
    let text = format!(
        "version = 1\norigins = ['https://h.example']\npath = '/({})*b'\n",
        "a?a*|".repeat(130)
    );
    let provider = Provider::parse("p", &text, "")?;
    race(
        "A pattern that is tried in many ways, and a path of 8,000 bytes",
        plan.rounds.div_ceil(FEWER),
        vec![
            Contestant::calls("read the URL", 1, || {
                Target::parse(&url)?;
                Ok(())
            }),
            Contestant::calls("**match it**", 1, || {
                if provider.matches(&target) { Err("it matches".into()) } else { Ok(()) }
            })
            .adding(Duration::from_millis(50)),
        ],
    )
}

fn download(plan: &Plan) -> Result<Table> {
    let home = BenchHome::new(&plan.program)?;
    File::create(home.below("file"))?.set_len(FILE)?;
    let server = Server::start(&home)?;
    let url = format!("http://127.0.0.1:{}/file", server.port);
    let curl = home.other("curl", &["--silent", "--fail", "--noproxy", "*", &url])?;
    let fetch = home.program(&["fetch", &url, "--output", "-"]);
    race(
        "A file of a gigabyte from this machine, to `/dev/null`",
        plan.rounds.div_ceil(FEWER),
        vec![process("`curl`", curl), process("**`keyward fetch`**", fetch).within(1.25)],
    )
}

/// nginx with the files of a home, which ends when it is dropped.
struct Server {
    nginx: Child,
    port: u16,
}

impl Server {
    fn start(home: &BenchHome) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = home.path().display();
        let paths = ["client_body", "fastcgi", "proxy", "scgi", "uwsgi"];
        let paths = paths.map(|name| format!("{name}_temp_path {folder}/{name};\n")).concat();
        peers::write(
            &home.below("nginx.conf"),
            &format!(
                "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n\
                 events {{}}\nhttp {{ access_log off; sendfile on;\n{paths}\
                 server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
            ),
        )?;
        let mut nginx = Command::new("nginx");
        nginx.env("PATH", format!("{PATH}:/usr/sbin")).arg("-c").arg(home.below("nginx.conf"));
        nginx.stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self { nginx: nginx.spawn()?, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.nginx.try_wait()?.is_some() {
                return Err("nginx does not start".into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
    }
}
