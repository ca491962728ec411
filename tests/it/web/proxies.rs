//! The web servers, and the page's first steps.

use std::fs::File;

use super::cases;
use super::site::{Ports, Proxy, Site, block};
use crate::helpers::home::Home;
use crate::helpers::nginx::Server;
use crate::helpers::program::installed_server;

const NGINX: Proxy = Proxy { name: "nginx", start: nginx };
const CADDY: Proxy = Proxy { name: "caddy", start: caddy };
const TRAEFIK: Proxy = Proxy { name: "traefik", start: traefik };

const HAPROXY: Proxy = Proxy { name: "haproxy", start: haproxy };

fn nginx(home: &Home, ports: Ports) -> Server {
    start_nginx(home, &block(home, "nginx.conf", ports))
}

/// Starts nginx with a configuration of its HTTP server.
pub(super) fn start_nginx(home: &Home, http: &str) -> Server {
    let head = "daemon off;\npid pid;\nerror_log proxy.log info;\nworker_rlimit_nofile 8192;\n\
                events { worker_connections 4096; }\nhttp {\naccess_log off;\n\
                client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n\
                uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n";
    home.write("nginx.conf", format!("{head}{http}}}\n"));
    Server::start("nginx", home.folder(), |command| {
        command.args(["-p", ".", "-c", "nginx.conf"]).current_dir(home.folder());
    })
}

fn caddy(home: &Home, ports: Ports) -> Server {
    let head = "{\n  admin off\n  auto_https off\n}\n";
    home.write("Caddyfile", format!("{head}{}", block(home, "Caddyfile", ports)));
    Server::start("caddy", home.folder(), |command| {
        command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
        command.current_dir(home.folder()).stderr(File::create(home.path("proxy.log")).unwrap());
    })
}

fn traefik(home: &Home, ports: Ports) -> Server {
    home.write("dynamic.yaml", block(home, "dynamic.yaml", ports));
    let program = installed_server("traefik").join("bin/traefik");
    Server::start(program.to_str().unwrap(), home.folder(), |command| {
        command.arg(format!("--entryPoints.web.address=127.0.0.1:{}", ports.proxy));
        command.args(["--providers.file.filename=dynamic.yaml", "--global.checkNewVersion=false"]);
        command.args(["--global.sendAnonymousUsage=false", "--log.level=INFO"]);
        command.current_dir(home.folder()).stdout(File::create(home.path("proxy.log")).unwrap());
    })
}

fn haproxy(home: &Home, ports: Ports) -> Server {
    home.write("keyward.lua", block(home, "keyward.lua", ports));
    home.write("haproxy.cfg", block(home, "haproxy.cfg", ports));
    Server::start("haproxy", home.folder(), |command| {
        command.args(["-db", "-f", "haproxy.cfg"]).current_dir(home.folder());
        command.stderr(File::create(home.path("proxy.log")).unwrap());
    })
}

#[test]
fn nginx_passes_all_cases() {
    cases::run(Site::start(&NGINX));
}

#[test]
fn caddy_passes_all_cases() {
    cases::run(Site::start(&CADDY));
}

#[test]
fn traefik_passes_all_cases() {
    cases::run(Site::start(&TRAEFIK));
}

#[test]
fn haproxy_passes_all_cases() {
    cases::run(Site::start(&HAPROXY));
}
