use std::fmt::Write as _;

use keyward_core::{Value, Values};

use crate::provider::{Auth, Provider, Use};

impl Provider {
    /// Returns the text of a file that describes this provider.
    ///
    /// # Examples
    /// ```
    /// use keyward_provider::Provider;
    ///
    /// let text = "version = 1\norigins = [\"https://x.example\"]\ncredentials = [\"x\"]\n";
    /// assert_eq!(Provider::parse("x", text, "x.toml")?.to_toml(), text);
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn to_toml(&self) -> String {
        let mut text = "version = 1\n".to_owned();
        let mut line = |key: &str, value: String| {
            writeln!(text, "{key} = {value}").unwrap_or_default();
        };
        if !self.help.is_empty() {
            line("help", quoted(&self.help));
        }
        line("origins", list(self.origins.iter().map(ToString::to_string)));
        if let Some(path) = &self.path {
            line("path", quoted(&path.to_string()));
        }
        if self.auth != Auth::usual(&self.authenticators) {
            line("auth", quoted(self.auth.name()));
        }
        if !self.credentials.is_empty() {
            line("credentials", list(self.credentials.iter().cloned()));
        }
        for used in &self.authenticators {
            // Without a list, a provider uses it anyway.
            let is_implied = self.authenticators.len() == 1 && *used == Use::auto();
            if !is_implied {
                text += &table(used);
            }
        }
        text
    }
}

fn table(used: &Use) -> String {
    let mut text = format!("\n[[authenticators]]\nname = {}\n", quoted(&used.name));
    text += &options(&used.options);
    text
}

fn options(options: &Values) -> String {
    let mut text = String::new();
    for (key, value) in options.iter() {
        let value = match value {
            Value::Text(text) => quoted(text),
            Value::Flag(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::List(texts) => list(texts.iter().cloned()),
            // No file of a provider contains these.
            _ => continue,
        };
        writeln!(text, "{key} = {value}").unwrap_or_default();
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: impl Iterator<Item = String>) -> String {
    format!("[{}]", texts.map(|text| quoted(&text)).collect::<Vec<_>>().join(", "))
}
