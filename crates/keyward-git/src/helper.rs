use std::borrow::Cow;
use std::path::Path;

/// The characters with which a shell can do more than split a command into words.
const SPECIAL: &[char] =
    &['$', '`', ';', '&', '|', '<', '>', '(', ')', '*', '?', '[', '!', '#', '{', '}', '\n'];

/// One value of `credential.helper`.
///
/// Git has a shell run it: a value that begins with `!` or `/` as it is, any other one after `git
/// credential-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The text to show. The command of another program may contain secrets, so only its program is
    /// shown.
    pub shown: String,
    /// The call, if it calls Keyward.
    pub keyward: Option<Call>,
}

/// A call of Keyward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The whole value.
    pub value: String,
    /// The program; `None` if git looks for `git-credential-keyward`.
    pub program: Option<String>,
    /// The name of the store.
    pub store: String,
}

impl Call {
    /// Makes the call that runs the program at this absolute path.
    pub fn new(program: &str, store: &str) -> Self {
        // With `exec` no shell stays behind and waits. That would take a twentieth of the time that
        // git and Keyward take together.
        let equals = if store.starts_with('-') { '=' } else { ' ' };
        let (called, of_store) = (quoted(program), quoted(store));
        Self {
            value: format!("!exec {called} helper git --store{equals}{of_store}"),
            program: Some(program.to_owned()),
            store: store.to_owned(),
        }
    }

    /// Whether both calls run the same program with the same store. A program that git looks for by
    /// its name is assumed to be the same.
    pub fn does_the_same_as(&self, other: &Self) -> bool {
        let real = |program: &str| Path::new(program).canonicalize().ok();
        let is_same = match (&self.program, &other.program) {
            (Some(one), Some(other)) => {
                one == other || real(one).is_some_and(|one| Some(one) == real(other))
            }
            _ => true,
        };
        is_same && self.store == other.store
    }
}

impl Helper {
    /// Reads a value.
    pub fn read(value: &[u8]) -> Self {
        let Ok(value) = std::str::from_utf8(value) else {
            return Self { shown: "a shell snippet".into(), keyward: None };
        };
        let keyward = call(value);
        Self {
            shown: if keyward.is_some() { value.to_owned() } else { program_of(value) },
            keyward,
        }
    }

    /// Whether it makes git forget the helpers before it.
    pub fn is_reset(&self) -> bool {
        self.shown.is_empty()
    }
}

fn call(value: &str) -> Option<Call> {
    let command = value.strip_prefix('!');
    let words = words(command.unwrap_or(value))?;
    let (program, rest) = match &words[..] {
        [exec, program, rest @ ..] if command.is_some() && exec == "exec" => (program, rest),
        [program, rest @ ..] => (program, rest),
        [] => return None,
    };
    let by_name = command.is_none() && !program.starts_with('/');
    let rest = match (by_name, Path::new(program).file_name()?.to_str()?) {
        (true, "keyward") | (false, "git-credential-keyward") => rest,
        (true, _) => return None,
        (false, _) => rest.strip_prefix(&["helper".to_owned(), "git".to_owned()][..])?,
    };
    let store = rest.iter().enumerate().rev().find_map(|(at, word)| match word.as_str() {
        "--store" => rest.get(at + 1).map(String::as_str),
        word => word.strip_prefix("--store="),
    });
    Some(Call {
        value: value.to_owned(),
        program: (!by_name).then(|| program.clone()),
        store: store.unwrap_or("git").to_owned(),
    })
}

/// Returns the program of a command, and `…` if arguments follow.
fn program_of(value: &str) -> String {
    let (program, rest) = match value.strip_prefix('!').unwrap_or(value).split_once([' ', '\t']) {
        Some((program, _)) => (program, " …"),
        None => (value, ""),
    };
    let is_simple = program.chars().all(|c| is_plain(c) && c != '=');
    if is_simple { format!("{program}{rest}") } else { "a shell snippet".into() }
}

/// Returns the words of a command, if a shell would only split it.
fn words(command: &str) -> Option<Vec<String>> {
    let words = shlex::split(command)?;
    let is_split_only = !command.contains(SPECIAL) || is_as_written(command, &words);
    is_split_only.then_some(words)
}

/// Whether the command is as Keyward writes it: then special characters are quoted.
fn is_as_written(command: &str, words: &[String]) -> bool {
    let [exec, program, .., store] = words else { return false };
    let store = store.strip_prefix("--store=").unwrap_or(store);
    exec == "exec" && Call::new(program, store).value.strip_prefix('!') == Some(command)
}

/// Quotes a word for a shell. Git's configuration can contain no NUL.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Cow::into_owned)
}

/// Whether the character has no special meaning to a shell.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/._-+@%:,=~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_quotes_where_it_must() {
        for (program, store, expected) in [
            ("/usr/bin/keyward", "git", "!exec /usr/bin/keyward helper git --store git"),
            (
                "/opt/it's mine/keyward",
                "git",
                r#"!exec "/opt/it's mine/keyward" helper git --store git"#,
            ),
            ("/usr/bin/keyward", "a b", "!exec /usr/bin/keyward helper git --store 'a b'"),
            ("/usr/bin/keyward", "-x", "!exec /usr/bin/keyward helper git --store=-x"),
            ("/usr/bin/keyward", "~", "!exec /usr/bin/keyward helper git --store '~'"),
        ] {
            let call = Call::new(program, store);
            assert_eq!(call.value, expected);
            assert_eq!(Helper::read(expected.as_bytes()).keyward, Some(call));
        }
    }

    #[test]
    fn a_shell_reads_the_store_and_the_action_as_one_word_each() {
        for store in ["git", "a b", "it's", "-x", "$HOME", "~", "a\"b\\c", "`id`;#&|<>(*?[!", "ü"]
        {
            let value = Call::new("/usr/bin/printf", store).value;
            let command = value.strip_prefix('!').unwrap().replacen(" helper git", " %s-", 1);
            let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let expected = match store.starts_with('-') {
                true => format!("--store={store}-"),
                false => format!("--store-{store}-"),
            };
            assert_eq!(printed, expected, "{command}");
            let call = Call::new("/usr/bin/printf", store);
            assert_eq!(Helper::read(call.value.as_bytes()).keyward, Some(call), "{store}");
        }
    }

    #[test]
    fn keyward_is_known_in_each_of_its_forms() {
        for (value, program, store) in [
            ("keyward", None, "git"),
            ("keyward --store work", None, "work"),
            ("/x/git-credential-keyward --store=work", Some("/x/git-credential-keyward"), "work"),
            ("!keyward helper git", Some("keyward"), "git"),
            ("!~/bin/keyward helper git --unbound", Some("~/bin/keyward"), "git"),
            ("!exec keyward helper git", Some("keyward"), "git"),
            ("/usr/bin/keyward helper git", Some("/usr/bin/keyward"), "git"),
            ("!\"/a b/keyward\" helper git --store x", Some("/a b/keyward"), "x"),
            ("/a\\ b/keyward helper git", Some("/a b/keyward"), "git"),
            (r"!exec '/it'\''s mine/keyward' helper git", Some("/it's mine/keyward"), "git"),
        ] {
            let call = Helper::read(value.as_bytes()).keyward.unwrap();
            assert_eq!((call.program.as_deref(), &*call.store), (program, store), "{value}");
        }
        for value in [
            "",
            "store",
            "keyward-x",
            "/x/keyward list",
            "exec /x/keyward helper git",
            "!exec",
            "!keyward helper git; id",
            "!exec '/x/keyward' helper git --store '$(id)'; id",
            "!exec /x/keyward helper git --store $(id)",
            "!exec \"/x/$(id)/keyward\" helper git",
            "!f() { keyward helper git; }; f",
        ] {
            assert_eq!(Helper::read(value.as_bytes()).keyward, None, "{value}");
        }
    }

    #[test]
    fn of_other_commands_only_the_program_is_shown() {
        for (value, shown) in [
            ("", ""),
            ("store", "store"),
            ("cache --timeout 9", "cache …"),
            (
                "/usr/lib/git-core/git-credential-libsecret",
                "/usr/lib/git-core/git-credential-libsecret",
            ),
            ("!gh auth git-credential", "gh …"),
            ("!f() { echo password=canary; }; f", "a shell snippet"),
            ("!PASSWORD=canary run", "a shell snippet"),
            ("!canary$(x)", "a shell snippet"),
        ] {
            assert_eq!(Helper::read(value.as_bytes()).shown, shown);
        }
    }
}
