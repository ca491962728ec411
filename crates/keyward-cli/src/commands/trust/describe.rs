//! A project as the user sees it before trusting it.

use std::fmt::Write;

use keyward::PROVIDERS;
use keyward_config::{Declaration, DeclaredSecret, Project, Trust};
use keyward_core::{Result, printable};
use keyward_provider::Provider;

use crate::commands::project::shown;
use crate::commands::run::steering::steers;

/// Returns everything that the project declares, one fact per line.
///
/// # Errors
/// Those of its files.
pub(super) fn describe(
    project: &Project,
    declaration: &Declaration,
    before: &Trust,
) -> Result<String> {
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
    let mut providers = 0;
    for (name, table) in project.tables(PROVIDERS) {
        let table = table?;
        let provider = Provider::parse(&name, &table.text, &table.from)?;
        fact("provider", &provider_summary(&provider));
        providers += 1;
    }
    text += "Programs that `keyward run --project` starts here will get these secrets.\n";
    if providers > 0 {
        text += "`keyward fetch` will use these providers here, and sends a credential only to servers \
                 to which you bound it.\n";
    }
    Ok(text)
}

fn provider_summary(provider: &Provider) -> String {
    let list = |texts: Vec<String>| texts.join(", ");
    let origins = list(provider.origins.iter().map(ToString::to_string).collect());
    let path = provider.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
    let credentials = match provider.credentials.is_empty() {
        true => "none".to_owned(),
        false => list(provider.credentials.clone()),
    };
    format!("{}: {origins}{path}, credential {credentials}", provider.name)
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
