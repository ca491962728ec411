//! Configurations that pages show. The tests run them.

/// Returns the block of a page whose first line is `# NAME`, or `-- NAME` in Lua, without that line.
pub(crate) fn block<'a>(page: &'a str, name: &str) -> &'a str {
    let comment = if name.ends_with(".lua") { "--" } else { "#" };
    let marked = page.split_once(&format!("\n{comment} {name}\n"));
    let marked = marked.unwrap_or_else(|| panic!("no {name}")).1;
    marked.split_once("```").unwrap().0
}
