//! The page that shows what came out.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Plan, Result, Table};

const BEGIN: &str = "<!-- measured -->\n";
const END: &str = "<!-- end of what was measured -->";

/// Puts the figures in place of those that `page` shows.
///
/// # Errors
/// When the page has no place for them.
pub fn write(page: &Path, plan: &Plan, tables: &[Table]) -> Result {
    let text = fs::read_to_string(page)?;
    let parts =
        text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or_else(|| format!("{}: no place for figures", page.display()))?;
    let mut new = format!("{before}{BEGIN}{}", machine(plan)?);
    for table in tables {
        write!(new, "\n{table}")?;
    }
    super::peers::write(page, &format!("{new}{END}{after}"))
}

/// What the figures are from, without a name.
fn machine(plan: &Plan) -> Result<String> {
    let field = |file: &str, name: &str| -> Result<String> {
        let text = fs::read_to_string(file)?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
        Ok(value.map_or_else(String::new, |(_, value)| value.trim().to_owned()))
    };
    let said = |program: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(program).args(arguments).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let folder = plan.program.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let kib: u64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
    Ok(format!(
        "Measured on {} × {}, {} GiB of memory, Linux {}, files on {}, {}, load {} at the end; {} rounds.\n",
        std::thread::available_parallelism()?,
        field("/proc/cpuinfo", "model name")?,
        (kib + (1 << 19)) >> 20,
        said("uname", &["-r"])?,
        said("stat", &["-f", "-c", "%T", &folder])?,
        said("rustc", &["--version"])?,
        fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default(),
        plan.rounds,
    ))
}
