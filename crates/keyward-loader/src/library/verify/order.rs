use keyward_core::Result;

use super::Copied;
use crate::errors::{refused, unusable, with_path};
use crate::library::runtime::{Part, part};

/// The libraries that must be loaded before a plugin.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The libraries of the C runtime that the process may not have yet.
    pub(super) runtime: Vec<&'static str>,
    /// Indices of pinned libraries, each after the libraries that it needs itself.
    pub(super) needed: Vec<usize>,
    /// The libraries whose needs are being added.
    open: Vec<usize>,
}

impl Order {
    /// Adds the libraries that this one needs.
    pub(super) fn add(&mut self, library: &Copied<'_>, pinned: &[Copied<'_>]) -> Result<()> {
        for name in &library.library.needed {
            match part(name) {
                Part::Present => {}
                Part::Separate(name) if self.runtime.contains(&name) => {}
                Part::Separate(name) => self.runtime.push(name),
                Part::Foreign => {
                    let found = find(name, pinned).map_err(with_path(&library.pin.path))?;
                    self.add_pinned(found, pinned)?;
                }
            }
        }
        Ok(())
    }

    fn add_pinned(&mut self, index: usize, pinned: &[Copied<'_>]) -> Result<()> {
        if self.needed.contains(&index) {
            return Ok(());
        }
        if self.open.contains(&index) {
            return Err(with_path(&pinned[index].pin.path)(unusable(
                "needs itself through the libraries that it needs",
            )));
        }
        self.open.push(index);
        self.add(&pinned[index], pinned)?;
        self.open.pop();
        self.needed.push(index);
        Ok(())
    }
}

fn find(name: &str, pinned: &[Copied<'_>]) -> Result<usize> {
    // For a path, the linker opens that path, after it has expanded `$LIB`.
    if name.contains(['/', '$']) {
        return Err(refused(format_args!("needs {name}, which is a path and not a name"))
            .hint("Build the needed library with a name: `-Wl,-soname,NAME`"));
    }
    let mut found =
        (0..pinned.len()).filter(|index| pinned[*index].library.soname.as_deref() == Some(name));
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(refused(format_args!("needs {name}, which is pinned twice"))),
        (None, _) => Err(refused(format_args!("needs {name}, which is not pinned"))
            .hint("Pin that library, or link it into the plugin")),
    }
}
