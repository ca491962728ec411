//! The checkers that come with Keyward in another program, next to this one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_config::program_beside;
use keyward_core::{Error, ErrorKind, Offer, Registration, Result, Role};
use keyward_loader::Program;
use keyward_loader::process::Command;

use super::Plugins;

/// The program, in the folder of this one.
const PROGRAM: &str = "keyward-checkers";

/// Its checkers.
const NAMES: [&str; 2] = ["ldap", "pam"];

/// Returns the checkers of the program, which is searched for and started when one of them is needed.
///
/// It is trusted for its place, as this program is: only root and the user may be able to replace
/// it.
pub(super) fn offers(plugins: &Arc<Plugins>) -> Vec<Offer> {
    offers_of(plugins, || {
        program_beside(PROGRAM).ok_or_else(|| {
            let why = format!("the program {PROGRAM} is not in the folder of this program");
            Error::new(ErrorKind::Unavailable, "plugin").because(why)
        })
    })
}

fn offers_of(
    plugins: &Arc<Plugins>,
    find: impl Fn() -> Result<PathBuf> + Clone + Send + Sync + 'static,
) -> Vec<Offer> {
    let offer = |name: &str| {
        let (plugins, find, wanted) = (Arc::clone(plugins), find.clone(), name.to_owned());
        let fetch = move || checker(&plugins, &find()?, &wanted);
        Offer::new(Role::Checker, name, PROGRAM, fetch).own()
    };
    NAMES.into_iter().map(offer).collect()
}

fn checker(plugins: &Plugins, path: &Path, name: &str) -> Result<Registration> {
    let command = Command::verified(Program::in_place(path)?);
    let mut backends = plugins.programs.run(&command)?.into_iter();
    backends.find(|it| it.role() == Role::Checker && it.info.name == name).ok_or_else(|| {
        let why = format!("{} does not provide the checker {name}", path.display());
        Error::new(ErrorKind::Refused, "plugin").because(why)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use keyward_config::Environment;
    use keyward_core::Registry;

    use super::*;

    #[test]
    fn only_a_program_that_no_other_user_can_replace_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join(PROGRAM);
        #[expect(clippy::disallowed_methods, reason = "the program of a test")]
        std::fs::write(&path, "#!/bin/sh\nexit 3\n").unwrap();
        let plugins = Arc::new(Plugins::new(&Environment::new([("HOME", folder.path())])));
        for (mode, why) in
            [(0o755, "exit code 3"), (0o777, "can be written"), (0o775, "can be written")]
        {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let registry = Registry::new([]).unwrap().with(offers_of(&plugins, {
                let path = path.clone();
                move || Ok(path.clone())
            }));
            let error = registry.find(Role::Checker, "pam").unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
