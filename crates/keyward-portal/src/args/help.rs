use std::fmt::Write;

use keyward_core::{OptionSpec, OptionType, PresentedKind, Registration, Registry, Result, Role};

use super::UsageError;

/// Returns the table of all checkers that serve one of these kinds.
pub fn help(registry: &Registry, supported: &[PresentedKind]) -> String {
    let mut text = String::from(
        "Usage: --auth AuthType[:ArgString]\n\
         For detailed help: --help-auth-type AuthType\n\n",
    );
    let mut rows = vec![("AuthType".to_owned(), "ArgString format".to_owned())];
    rows.push(("========".into(), "================".into()));
    let linked = registry.iter().filter(|entry| entry.role() == Role::Checker);
    rows.extend(
        linked
            .filter(|entry| is_supported(entry, supported))
            .map(|entry| (entry.info.name.to_owned(), format_of(entry.options))),
    );
    // What a plugin serves is known when it is started.
    let offers = registry.offers().filter(|offer| offer.role() == Role::Checker);
    rows.extend(offers.map(|offer| (offer.name().to_owned(), "see its detailed help".to_owned())));
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, format) in rows {
        let _ = writeln!(text, "  {name:width$}  {format}");
    }
    text
}

/// Returns the help of one checker.
///
/// # Errors
/// [`UsageError::NotRecognized`] if there is none of this type.
pub fn type_help(
    registry: &Registry,
    name: &str,
    supported: &[PresentedKind],
) -> Result<String, UsageError> {
    let found = registry.find(Role::Checker, name).map_err(UsageError::NotRecognized)?;
    let name = found.info.name;
    let mut text = format!(
        "Usage: --auth {name}[:ArgString]\nArgString format: {}\n\n  {}.\n",
        format_of(found.options),
        found.info.help
    );
    if !found.options.is_empty() {
        text.push_str("\n  Options:\n");
    }
    let width = found.options.iter().map(|spec| spec.name.len()).max().unwrap_or_default();
    for spec in found.options {
        let default = spec.default.map(|default| format!(" (default: {default})"));
        let required = if spec.required { " (required)" } else { "" };
        let (name, help) = (spec.name, spec.help.trim());
        let default = default.unwrap_or_default();
        let _ = writeln!(text, "    {name:width$}  {help}{default}{required}");
    }
    if !is_supported(found, supported) {
        text.push_str("\nWARNING: this server supports none of the kinds that this type serves.\n");
    }
    Ok(text)
}

fn is_supported(entry: &Registration, supported: &[PresentedKind]) -> bool {
    let serves = entry.info.serves;
    serves.is_empty() || supported.iter().any(|kind| serves.contains(&kind.name()))
}

/// Returns the format of the arguments in one line, such as `FILE[:legacy=FLAG]`.
fn format_of(options: &[OptionSpec]) -> String {
    let Some((first, others)) = options.split_first() else {
        return "no arguments".into();
    };
    let mut format = first.name.to_uppercase();
    if !first.required {
        format = format!("[{format}]");
    }
    for spec in others {
        let pair = format!(":{}={}", spec.name, word(spec));
        format += &if spec.required { pair } else { format!("[{pair}]") };
    }
    format
}

fn word(spec: &OptionSpec) -> &'static str {
    match spec.kind {
        OptionType::Path => "PATH",
        OptionType::Flag => "true|false",
        OptionType::Number => "NUMBER",
        OptionType::List => "A,B",
        OptionType::Secret => "REFERENCE",
        OptionType::Duration => "DURATION",
        OptionType::Store => "STORE",
        _ => "TEXT",
    }
}
