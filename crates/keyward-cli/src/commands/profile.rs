use keyward::Keyward;
use keyward_config::{Layer, Profile, ProfileKey, SettingKey, Settings, render_value, set_value};
use keyward_core::{Error, Value, printable};
use serde_json::json;

use super::Run;
use super::config::as_json;
use crate::candidates;
use crate::output::{escape_if_terminal, print, print_message};
use crate::session::Session;
use crate::stop::Outcome;

/// Show, select and remove profiles, which change where `resolve` looks for credentials
#[derive(clap::Parser)]
#[command(
    after_help = "To make or change a profile, set its keys: `inherit`, `names`, `sources`, `stores`, `user`.

Example:
  keyward config set profiles.dev.stores work,home
  keyward profile use dev
  keyward profile show dev"
)]
pub(super) enum Command {
    /// List all profiles, and which one is used
    #[command(after_help = "Example:
  keyward profile list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show each key of a profile, also inherited ones, and where it comes from
    #[command(after_help = "Example:
  keyward profile show dev")]
    Show {
        /// The profile
        #[arg(add = candidates::profiles())]
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Use a profile from now on: write the setting `profile` into your configuration
    #[command(after_help = "Example:
  keyward profile use dev
  keyward profile use --unset")]
    Use {
        /// The profile
        #[arg(required_unless_present = "unset", add = candidates::profiles())]
        name: Option<String>,
        /// Remove the setting instead
        #[arg(long, conflicts_with = "name")]
        unset: bool,
    },
    /// Remove a profile from your configuration; stores and credentials stay
    #[command(after_help = "Example:
  keyward profile remove dev")]
    Remove {
        /// The profile
        #[arg(add = candidates::profiles())]
        name: String,
    },
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let settings = keyward.config().settings();
        match self {
            Self::List { json } => list(settings, json),
            Self::Show { name, json } => show(&settings.profile(&name)?, json),
            Self::Use { name, unset: _ } => use_profile(&keyward, name),
            Self::Remove { name } => remove(&keyward, &name),
        }
    }
}

fn list(settings: &Settings, json: bool) -> Outcome {
    let selected = settings.get(&key()?);
    let is_used = |name: &str| settings.text("profile") == Some(name);
    for name in settings.profile_names() {
        print(&match (json, selected) {
            (true, _) => json!({ "name": name, "used": is_used(name) }).to_string(),
            (false, Some(setting)) if is_used(name) => {
                escape_if_terminal(&format!("{name} (used: {}: {})", setting.layer, setting.place))
            }
            (false, _) => escape_if_terminal(name),
        })?;
    }
    Ok(())
}

fn show(profile: &Profile, json: bool) -> Outcome {
    for (key, (from, setting)) in &profile.keys {
        let key = key.name();
        let inherited = match *from == profile.name {
            true => String::new(),
            false => format!("profile `{}`, ", printable(from)),
        };
        print(&match json {
            true => json!({
                "key": key,
                "value": as_json(&setting.value),
                "profile": from,
                "layer": setting.layer.to_string(),
                "place": setting.place,
            })
            .to_string(),
            false => escape_if_terminal(&format!(
                "{key} = {}    # {inherited}{}: {}",
                render_value(&setting.value),
                setting.layer,
                setting.place
            )),
        })?;
    }
    Ok(())
}

/// Sets the setting `profile`, or removes it if there is no name.
fn use_profile(keyward: &Keyward, name: Option<String>) -> Outcome {
    let config = keyward.config();
    if let Some(name) = &name {
        config.settings().profile(name)?;
    }
    config.places().check_owner()?;
    set_value(&config.user_file(), &key()?, name.map(Value::Text).as_ref())?;
    let setting = config.settings().get(&key()?);
    if let Some(setting) = setting.filter(|setting| setting.layer == Layer::Environment) {
        let selected = config.settings().text("profile").unwrap_or_default();
        let selected = printable(selected);
        print_message(&format!("note: {} still selects `{selected}` here", setting.place));
    }
    Ok(())
}

fn remove(keyward: &Keyward, name: &str) -> Outcome {
    let settings = keyward.config().settings();
    settings.check_profile(name)?;
    let shown = printable(name);
    let refused = |why: String, hint: String| Err(Error::invalid("config", why).hint(hint).into());
    let layers = settings.layers_of_profile(name);
    if !layers.contains(&Layer::User) {
        let file = keyward.config().places().system_config.join("config.toml");
        return refused(
            format!("the profile `{shown}` is not yours: the system defines it"),
            format!("An administrator can remove it from {}", file.display()),
        );
    }
    // If the system defines it too, it remains usable.
    if layers.len() == 1 {
        let is_selected = settings.explain(&key()?).any(|setting| {
            setting.layer == Layer::User && setting.value == Value::Text(name.to_owned())
        });
        if is_selected {
            return refused(
                format!("the profile `{shown}` is the one that the setting `profile` selects"),
                "Use another one first, or none: keyward profile use --unset".into(),
            );
        }
        if let Some(heir) = heir(settings, name) {
            return refused(
                format!("the profile `{}` inherits from `{shown}`", printable(heir)),
                format!("Remove its key `inherit` first, or the profile `{}`", printable(heir)),
            );
        }
    }
    Ok(keyward.config().remove_profile(name)?)
}

/// Returns a profile that inherits from this one.
fn heir<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    let inherits = |other: &&str| {
        let inherit = settings.get(&SettingKey::of_profile(other, ProfileKey::Inherit));
        *other != name
            && inherit.is_some_and(|setting| setting.value == Value::Text(name.to_owned()))
    };
    settings.profile_names().into_iter().find(inherits)
}

/// Returns the key of the setting that selects a profile.
fn key() -> keyward_core::Result<SettingKey> {
    SettingKey::parse("profile")
}
