use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};
use keyward_loader::{Pin, inspect, load, serve_parent, verify_library};

use crate::arguments::text;
use crate::stop::{Outcome, usage};

pub(super) fn command() -> Command {
    Command::new("host")
        .about("Serve the backends of a library on standard input and output, as a plugin program does")
        .after_help("Example:\n  keyward plugin host /usr/lib/keyward/libshelf.so")
        .arg(Arg::new("path").value_name("PATH").required(true).help("The library"))
        .arg(
            Arg::new("sha256")
                .long("sha256")
                .value_name("HEX")
                .help("The SHA-256 that it must have [default: any]"),
        )
        .arg(
            Arg::new("needs")
                .long("needs")
                .value_name("LIB[=HEX]")
                .action(ArgAction::Append)
                .help("Another library that the library needs, and the SHA-256 that it must have"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Outcome {
    let path = text(matches, "path").unwrap_or_default();
    let plugin = pin(path, text(matches, "sha256"))?;
    let needs = matches.get_many::<String>("needs").into_iter().flatten();
    let needs = needs.map(|need| match need.rsplit_once('=') {
        Some((path, digest)) => pin(path, Some(digest)),
        None => pin(need, None),
    });
    let verified = verify_library(&plugin, &needs.collect::<Outcome<Vec<_>>>()?)?;
    Ok(serve_parent(|| load(verified))?)
}

/// Returns the pin of a file: with the given digest, or with the digest that the file has now.
fn pin(path: &str, digest: Option<&str>) -> Outcome<Pin> {
    let path = PathBuf::from(path);
    match digest {
        Some(digest) => {
            let digest = digest.parse().map_err(|_| usage("a SHA-256 is 64 hexadecimal digits"))?;
            Ok(Pin { path, digest })
        }
        None => Ok(inspect(&path)?.pin()),
    }
}
