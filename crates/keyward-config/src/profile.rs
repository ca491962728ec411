//! Profiles: which sources the resolver asks, and for which name.

use std::collections::{BTreeMap, BTreeSet};

use keyward_core::{Error, MAX_NAME, Result, Value, canonical, printable};

use crate::layer::Layer;
use crate::profile_key::{MAX_PROFILE, PROFILES, ProfileKey};
use crate::setting_key::{KNOWN, KnownSetting, SettingKey, texts};
use crate::settings::{Setting, Settings};
use crate::toml_file::nearest;

/// How many profiles may inherit from one another.
const MAX_CHAIN: usize = 16;

/// What the pattern of [`ProfileKey::Names`] contains once, for the name that a caller asks for.
const NAME: &str = "{name}";

impl ProfileKey {
    /// Returns the setting that has the same values, and that applies if no profile has the key.
    pub fn setting(self) -> Option<&'static KnownSetting> {
        let key = match self {
            Self::Inherit | Self::Names => return None,
            Self::Sources => "resolve.sources",
            Self::Stores => "resolve.stores",
            Self::User => "user",
        };
        KNOWN.iter().find(|known| known.key == key)
    }

    /// Returns the value that a text means; `place` is where it comes from.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the key cannot have it.
    pub fn parse(self, text: &str, place: &str) -> Result<Value> {
        let value = match (self, text) {
            (Self::Inherit, "false") => Value::Flag(false),
            _ => Value::Text(text.to_owned()),
        };
        match self.accepts(&value) {
            true => Ok(value),
            false => Err(Error::invalid("config", format!("`{place}` takes {}", self.wanted()))),
        }
    }

    /// Whether the key may have this value.
    pub(crate) fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Inherit, Value::Flag(flag)) => !flag,
            (Self::Inherit, Value::Text(name)) => canonical("profile", name, MAX_PROFILE).is_ok(),
            (Self::Names, Value::Text(pattern)) => is_pattern(pattern),
            (Self::Inherit | Self::Names, _) => false,
            _ => self.setting().is_some_and(|setting| setting.accepts(value)),
        }
    }

    /// Returns what values the key takes.
    pub(crate) fn wanted(self) -> String {
        match self {
            Self::Inherit => "the name of a profile, or false".into(),
            Self::Names => format!("a name that contains {NAME} once, such as \"dev-{NAME}\""),
            _ => self.setting().map(KnownSetting::wanted).unwrap_or_default(),
        }
    }
}

fn is_pattern(text: &str) -> bool {
    text.matches(NAME).count() == 1 && canonical("name", &name_in(text, "x"), MAX_NAME).is_ok()
}

/// Returns the name for which a source is asked.
fn name_in(pattern: &str, name: &str) -> String {
    pattern.replacen(NAME, name, 1)
}

/// A profile, with the keys that it inherits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The value of each key, with the name of the profile that has it.
    pub keys: BTreeMap<ProfileKey, (String, Setting)>,
}

impl Profile {
    /// Returns the items of a key that is a list; `None` if the profile does not have the key.
    pub fn texts(&self, key: ProfileKey) -> Option<Vec<&str>> {
        self.keys.get(&key).map(|(_, setting)| texts(&setting.value))
    }

    /// Returns the user whose entries are used, if the profile has one.
    pub fn user(&self) -> Option<&str> {
        self.text(ProfileKey::User)
    }

    /// Returns the name that the sources are asked for, if the profile has a pattern.
    pub fn name_for(&self, name: &str) -> Option<String> {
        self.text(ProfileKey::Names).map(|pattern| name_in(pattern, name))
    }

    fn text(&self, key: ProfileKey) -> Option<&str> {
        match &self.keys.get(&key)?.1.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Settings {
    /// Returns the names of all profiles, sorted.
    pub fn profile_names(&self) -> BTreeSet<&str> {
        self.tables(PROFILES).collect()
    }

    /// Returns the layers that have the table of a profile, the nearest one last.
    pub fn layers_of_profile(&self, name: &str) -> Vec<Layer> {
        self.layers(PROFILES, name).into_iter().flatten().copied().collect()
    }

    /// Returns the profile of this name.
    ///
    /// A key is that of the nearest layer. One that the profile does not have comes from the
    /// profile that it inherits from, if it names one.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no such profile, with the name of
    /// the most similar one; if a profile inherits from itself.
    pub fn profile(&self, name: &str) -> Result<Profile> {
        let mut profile = Profile { name: name.to_owned(), keys: BTreeMap::new() };
        let mut chain: Vec<&str> = Vec::new();
        let mut next = Some((name, None));
        while let Some((name, place)) = next {
            let is_cycle = chain.contains(&name);
            chain.push(name);
            if is_cycle || chain.len() > MAX_CHAIN {
                return Err(endless(is_cycle, place, &chain));
            }
            self.check_exists(name, place)?;
            next = None;
            for key in ProfileKey::ALL {
                let found = self.get(&SettingKey::of_profile(name, key));
                let Some(setting) = found else { continue };
                if let (ProfileKey::Inherit, Value::Text(other)) = (key, &setting.value) {
                    next = Some((other, Some(&*setting.place)));
                }
                // How the other profile goes on is no key of this one.
                if key != ProfileKey::Inherit || chain.len() == 1 {
                    let found = || (name.to_owned(), setting.clone());
                    profile.keys.entry(key).or_insert_with(found);
                }
            }
        }
        Ok(profile)
    }

    /// Returns the profile that the setting `profile` selects, if it selects one.
    ///
    /// # Errors
    /// Those of [`profile`](Self::profile), with the place of the setting.
    pub fn selected_profile(&self) -> Result<Option<Profile>> {
        let Some(name) = self.text("profile") else { return Ok(None) };
        let setting = self.get(&SettingKey::new(["profile"]));
        self.check_exists(name, setting.map(|setting| &*setting.place))?;
        self.profile(name).map(Some)
    }

    /// Checks that there is a profile of this name, which may be one that cannot be used.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none, with the name of the most
    /// similar one.
    pub fn check_profile(&self, name: &str) -> Result<()> {
        self.check_exists(name, None)
    }

    /// Does the same for a name that is at this place.
    fn check_exists(&self, name: &str, place: Option<&str>) -> Result<()> {
        if self.layers(PROFILES, name).is_some() {
            return Ok(());
        }
        let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
        let why = format!("{place}there is no profile `{}`", printable(name));
        let hint = nearest(name, self.profile_names()).unwrap_or_else(|| {
            "`keyward profile list` shows the profiles; `keyward config set profiles.NAME.stores \
             STORE` makes one"
                .into()
        });
        Err(Error::invalid("config", why).hint(hint))
    }
}

fn endless(is_cycle: bool, place: Option<&str>, chain: &[&str]) -> Error {
    let chain: Vec<_> = chain.iter().map(|name| format!("`{}`", printable(name))).collect();
    let what = match is_cycle {
        true => "a profile inherits from itself",
        false => "too many profiles inherit from one another",
    };
    let why = format!("{}: {what}: {}", place.unwrap_or_default(), chain.join(" from "));
    Error::invalid("config", why).hint("Remove `inherit` from one of them")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyward_core::ErrorKind;

    use super::*;
    use crate::toml_file::TomlFile;

    /// The settings of two files, the system's and the user's.
    fn settings(system: &str, user: &str) -> Settings {
        let mut settings = Settings::default();
        for (name, text, layer) in [("s", system, Layer::System), ("u", user, Layer::User)] {
            let text = format!("version = 1\n{text}");
            let file = TomlFile::from_text(Path::new(name), text);
            settings.add_file(&file, layer).unwrap();
        }
        settings
    }

    fn shown(profile: &Profile) -> Vec<String> {
        let keys = profile.keys.iter();
        keys.map(|(key, (from, setting))| format!("{}: {from}, {}", key.name(), setting.place))
            .collect()
    }

    #[test]
    fn each_key_is_that_of_the_nearest_layer_or_inherited() {
        let settings = settings(
            "[profiles.base]\nstores = ['a', 'b']\nuser = 'ann'\n[profiles.dev]\nuser = 'tom'\n",
            "[profiles.dev]\ninherit = 'base'\nnames = 'dev-{name}'\n[profiles.base]\nuser = 'u'\n",
        );
        let dev = settings.profile("dev").unwrap();
        assert_eq!(
            shown(&dev),
            ["inherit: dev, u:3", "names: dev, u:4", "stores: base, s:3", "user: dev, s:6"]
        );
        assert_eq!(dev.texts(ProfileKey::Stores).unwrap(), ["a", "b"]);
        assert_eq!((dev.user(), dev.name_for("mail")), (Some("tom"), Some("dev-mail".into())));
        assert_eq!(
            shown(&settings.profile("base").unwrap()),
            ["stores: base, s:3", "user: base, u:6"]
        );
    }

    #[test]
    fn inherit_false_yields_only_its_own_keys() {
        let system = "[profiles.a]\nuser = 'ann'\n[profiles.b]\ninherit = 'a'\nstores = 'x'\n";
        let inherits = settings(system, "");
        assert_eq!(inherits.profile("b").unwrap().user(), Some("ann"));
        let b = settings(system, "profiles.b.inherit = false\n").profile("b").unwrap();
        assert_eq!(shown(&b), ["inherit: b, u:2", "stores: b, s:6"]);
    }

    #[test]
    fn a_loop_is_an_error_that_names_it() {
        let settings = settings(
            "",
            "profiles.a.inherit = 'b'\nprofiles.b.inherit = 'c'\nprofiles.c.inherit = 'b'\nprofiles.d.inherit = 'd'\n",
        );
        for (name, why) in [
            ("a", "u:4: a profile inherits from itself: `a` from `b` from `c` from `b`"),
            ("c", "u:3: a profile inherits from itself: `c` from `b` from `c`"),
            ("d", "u:5: a profile inherits from itself: `d` from `d`"),
        ] {
            assert_eq!(settings.profile(name).unwrap_err().message(), why);
        }
    }

    #[test]
    fn a_long_chain_is_an_error() {
        let link = |at| format!("profiles.p{at}.inherit = 'p{}'\n", at + 1);
        let chain: String = (0..MAX_CHAIN).map(link).collect();
        let settings = settings("", &format!("{chain}profiles.p{MAX_CHAIN}.user = 'ann'"));
        assert_eq!(settings.profile("p1").unwrap().user(), Some("ann"));
        let error = settings.profile("p0").unwrap_err();
        assert!(error.message().contains("too many profiles inherit"), "{error}");
    }

    #[test]
    fn an_unknown_profile_is_named_with_the_nearest_one() {
        let settings =
            settings("", "profile = 'wrok'\n[profiles.work]\n[profiles.b]\ninherit = 'nothing'");
        for (error, why, hint) in [
            (settings.selected_profile(), "u:2: there is no profile `wrok`", "`work`?"),
            (settings.profile("wok").map(Some), "there is no profile `wok`", "`work`?"),
            (settings.profile("b").map(Some), "u:5: there is no profile `nothing`", "profile"),
        ] {
            let error = error.unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, why));
            assert!(error.advice().unwrap().contains(hint), "{error:?}");
        }
        assert_eq!(shown(&settings.profile("work").unwrap()), [""; 0]);
    }

    #[test]
    fn a_pattern_contains_the_name_once() {
        for (pattern, is_valid) in [
            ("{name}", true),
            ("dev-{name}", true),
            ("{{name}}", true),
            ("dev", false),
            ("", false),
            ("{name}-{name}", false),
            ("{Name}", false),
            ("a\n{name}", false),
            ("e\u{301}{name}", false),
            (&("x".repeat(MAX_NAME) + "{name}"), false),
        ] {
            let value = ProfileKey::Names.parse(pattern, "profiles.a.names");
            assert_eq!(value.is_ok(), is_valid, "{pattern}");
        }
    }
}
