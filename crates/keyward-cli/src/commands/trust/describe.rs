//! A project as the user sees it before trusting it.

use std::fmt::Write;

use keyward_config::{Declaration, DeclaredSecret, Project, Trust};
use keyward_core::printable;

use crate::commands::project::shown;
use crate::commands::run::steering::steers;

/// Returns everything that the project declares, one fact per line.
pub(super) fn describe(project: &Project, declaration: &Declaration, before: &Trust) -> String {
    let mut text = format!("{}\n", shown(&project.folder));
    let mut fact = |name: &str, fact: &str| {
        writeln!(text, "  {name:<10} {}", printable(fact)).unwrap_or_default();
    };
    for file in &project.files {
        fact("file", &format!("{}, {} bytes", file.path, file.size));
    }
    fact("sha256", &project.digest().to_string());
    if let Trust::Changed(changes) = before {
        changes.iter().for_each(|change| fact("changed", change));
    }
    for secret in &declaration.secrets {
        fact("secret", &summary(secret));
        for (variable, field) in &secret.variables {
            let steers = if steers(variable) { ", which changes how programs run" } else { "" };
            fact("variable", &format!("{variable} = {}{steers}", path(secret, field.as_deref())));
        }
        for (field, value) in &secret.default {
            fact("default", &format!("{} = {value}", path(secret, field.as_deref())));
        }
    }
    text + "Programs that `keyward run --project` starts here will get these secrets.\n"
}

fn summary(secret: &DeclaredSecret) -> String {
    let kind = secret.kind.as_deref().unwrap_or("any kind");
    let need = if secret.required { "required" } else { "optional" };
    let mut summary = format!("{} ({kind}, {need})", secret.name);
    if !secret.description.is_empty() {
        summary += &format!(": {}", secret.description);
    }
    summary
}

/// Returns the name of a value: that of the credential, and of its field if one is named.
fn path(secret: &DeclaredSecret, field: Option<&str>) -> String {
    match field {
        Some(field) => format!("{}/{field}", secret.name),
        None => secret.name.clone(),
    }
}
