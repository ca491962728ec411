use std::path::PathBuf;

use keyward_loader::{Pin, inspect, load, serve_parent, verify_library};

use crate::stop::{Outcome, usage_error};

/// Serve the backends of a library on standard input and output, as a plugin program does
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin host /usr/lib/keyward/libshelf.so")]
pub(crate) struct Arguments {
    /// The library
    path: String,
    /// The SHA-256 that it must have [default: any]
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Another library that the library needs, and the SHA-256 that it must have
    #[arg(long, value_name = "LIB[=HEX]")]
    needs: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let plugin = pin(&arguments.path, arguments.sha256.as_deref())?;
    let needs = arguments.needs.iter().map(|need| match need.rsplit_once('=') {
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
            let digest =
                digest.parse().map_err(|_| usage_error("a SHA-256 is 64 hexadecimal digits"))?;
            Ok(Pin { path, digest })
        }
        None => Ok(inspect(&path)?.pin()),
    }
}
