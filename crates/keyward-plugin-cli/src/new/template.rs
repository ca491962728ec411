//! The files of a new crate. `templates/` contains their sources, which are compiled and tested
//! there, with `sample` as the name of the backend.

use keyward_core::Role;

use super::{Crate, Source};

/// The code of a backend in a role.
#[derive(Debug)]
pub(super) struct Template {
    role: Role,
    /// What selects it; the first template of a role needs no name.
    name: &'static str,
    code: &'static str,
    /// Files besides those that every crate has.
    files: &'static [(&'static str, &'static str)],
    /// What it depends on besides Keyward's crates, as lines of the manifest.
    dependencies: &'static str,
    /// What `plugin check` needs, as words for a shell.
    check: &'static str,
}

const PLAIN: Template = Template {
    role: Role::Storage,
    name: "plain",
    code: "",
    files: &[],
    dependencies: "",
    check: "",
};

static TEMPLATES: [Template; 7] = [
    Template {
        role: Role::Serializer,
        code: include_str!("../../templates/serializer.rs"),
        dependencies: "serde_json = \"1\"\n",
        ..PLAIN
    },
    Template {
        role: Role::Encryption,
        code: include_str!("../../templates/encryption.rs"),
        dependencies: "chacha20poly1305 = \"0.10\"\n",
        ..PLAIN
    },
    Template { role: Role::Key, code: include_str!("../../templates/key.rs"), ..PLAIN },
    Template { role: Role::Storage, code: include_str!("../../templates/storage.rs"), ..PLAIN },
    Template {
        role: Role::Storage,
        name: "key-value",
        code: include_str!("../../templates/key-value.rs"),
        files: &[("src/server.rs", include_str!("../../templates/server.rs"))],
        dependencies: "ureq = { version = \"3\", default-features = false }\n",
        check: " --options \"$OPTIONS\"",
    },
    Template {
        role: Role::Authenticator,
        code: include_str!("../../templates/authenticator.rs"),
        files: &[("src/main.rs", include_str!("../../templates/program.rs"))],
        dependencies: "keyward-loader = {loader}\n",
        check: " --options '{\"login\": \"https://data.example/login\"}'",
        ..PLAIN
    },
    Template {
        role: Role::Checker,
        code: include_str!("../../templates/checker.rs"),
        files: &[
            ("src/main.rs", include_str!("../../templates/program.rs")),
            ("example-users", "ann:$6$salt$hash\n"),
        ],
        dependencies: "keyward-loader = {loader}\n",
        check: " --options \"{\\\"path\\\": \\\"$PWD/example-users\\\"}\"",
        ..PLAIN
    },
];

/// The names of all templates.
pub const NAMES: [&str; 2] = ["plain", "key-value"];

impl Template {
    /// Returns the template of this name for a role, if there is one.
    pub(super) fn find(role: Role, name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.role == role && template.name == name)
    }
}

impl Crate<'_> {
    /// Returns the files, each with its permissions.
    pub(super) fn files(&self) -> Vec<(&'static str, u32, String)> {
        let filled = |text: &str| self.filled(text);
        let mut files = vec![
            ("Cargo.toml", 0o644, filled(include_str!("../../templates/manifest.toml"))),
            ("src/lib.rs", 0o644, self.code()),
            ("README.md", 0o644, filled(include_str!("../../templates/README.md"))),
            ("ci.sh", 0o755, filled(include_str!("../../templates/ci.sh"))),
            (".gitignore", 0o644, include_str!("../../templates/ignore").to_owned()),
        ];
        let own = self.template.files.iter();
        files.extend(own.map(|(path, content)| (*path, 0o644, filled(content))));
        files
    }

    /// Returns the name of the crate.
    fn package(&self) -> String {
        format!("keyward-{}-{}", self.template.role, self.name).replace('.', "-")
    }

    /// Returns the commands that build what Keyward uses, for development and for release, and what
    /// they build: a program if a library cannot provide the role.
    fn build(&self) -> [String; 4] {
        let package = self.package();
        match self.template.role {
            Role::Authenticator | Role::Checker => {
                let file = format!("target/debug/{package}");
                ["cargo build".into(), "cargo build".into(), file, "program".into()]
            }
            _ => {
                let file = format!("target/plugins/lib{}.so", package.replace('-', "_"));
                let build = "keyward plugin build --output target/plugins".into();
                [build, "keyward plugin build --release".into(), file, "library".into()]
            }
        }
    }

    fn code(&self) -> String {
        let code = self.template.code.replace("Sample", &self.type_name());
        code.replace("sample", self.name)
    }

    fn filled(&self, text: &str) -> String {
        let package = self.package();
        let [build, release, file, what] = self.build();
        text.replace("{package}", &package)
            .replace("{crate}", &package.replace('-', "_"))
            .replace("{build}", &build)
            .replace("{release}", &release)
            .replace("{what}", &what)
            .replace("{role}", self.template.role.name())
            .replace("{name}", self.name)
            .replace("{file}", &file)
            .replace("{use}", &how_to_use(self.template.role, self.name, "work"))
            .replace("{plugin}", &self.requirement("keyward-plugin"))
            .replace("{testkit}", &self.requirement("keyward-testkit"))
            .replace("{check}", self.template.check)
            .replace("{dependency}\n", self.template.dependencies)
            .replace("{loader}", &self.requirement("keyward-loader"))
    }

    fn requirement(&self, crate_name: &str) -> String {
        match &self.source {
            Source::Registry => concat!("\"", env!("CARGO_PKG_VERSION"), "\"").to_owned(),
            Source::Folder(folder) => {
                format!("{{ path = \"{}\" }}", folder.join("crates").join(crate_name).display())
            }
        }
    }

    /// `aes-gcm` as the start of a type's name, `AesGcm`.
    fn type_name(&self) -> String {
        let words = self.name.split(['-', '.']).map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        });
        words.collect()
    }
}

/// Returns the command that uses a backend: for a store of this name, or for a provider.
#[must_use]
pub fn how_to_use(role: Role, name: &str, store: &str) -> String {
    match role {
        Role::Key => format!("keyward init {store} --option key.from={name}"),
        Role::Authenticator => {
            format!("keyward provider add NAME --url URL --authenticator {name}")
        }
        Role::Checker => format!("keyward auth check --auth {name} USER"),
        _ => format!("keyward init {store} --{role} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_template_is_left() {
        for template in &TEMPLATES {
            let role = template.role;
            let made = Crate { template, name: "two-words", source: Source::Registry };
            for (file, _, content) in made.files() {
                let placeholders = [
                    "sample",
                    "Sample",
                    "{package}",
                    "{role}",
                    "{name}",
                    "{file}",
                    "{check}",
                    "{build}",
                    "{release}",
                    "{what}",
                    "{crate}",
                    "{loader}",
                    "{use}",
                ];
                for placeholder in placeholders {
                    assert!(!content.contains(placeholder), "{role} {file}: {placeholder}");
                }
            }
            let code = made.code();
            assert!(code.contains("Info::new(\"two-words\", "), "{role}");
            assert!(code.contains("TwoWords"), "{role}");
        }
    }
}
