use std::io::BufRead;
use std::path::PathBuf;

/// A user of the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The number by which the kernel knows the user.
    pub uid: u32,
    /// The home folder, if it is known.
    pub home: Option<PathBuf>,
}

/// Returns the account with this user id.
///
/// A user id without an account, as in containers, is called `uid-` and its number.
pub fn account_of_uid(uid: u32) -> Account {
    local(|account| account.uid == uid)
        .or_else(|| uzers::get_user_by_uid(uid).map(Account::from))
        .unwrap_or_else(|| Account { name: format!("uid-{uid}"), uid, home: None })
}

/// Returns the account with this name, if there is one.
pub fn account_of_name(name: &str) -> Option<Account> {
    local(|account| account.name == name)
        .or_else(|| uzers::get_user_by_name(name).map(Account::from))
        .or_else(|| {
            let uid = name.strip_prefix("uid-")?.parse().ok()?;
            Some(account_of_uid(uid)).filter(|account| account.name == name)
        })
}

/// Returns the accounts in `/etc/passwd`, without those of a name service.
pub fn local_accounts() -> Vec<Account> {
    accounts_in_file().collect()
}

/// Searches `/etc/passwd` before the system's name service is asked, which loads libraries and may
/// use the network.
fn local(wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    accounts_in_file().find(wanted)
}

fn accounts_in_file() -> impl Iterator<Item = Account> {
    let file = std::fs::File::open("/etc/passwd").ok().into_iter();
    let lines = file.flat_map(|file| std::io::BufReader::new(file).lines());
    lines.map_while(std::io::Result::ok).filter_map(|line| account(&line))
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name =
        fields.next().filter(|name| !name.is_empty() && !name.starts_with(['+', '-', '#']))?;
    let uid = fields.nth(1)?.parse().ok()?;
    let home = fields.nth(2).map(PathBuf::from).filter(|home| home.is_absolute());
    Some(Account { name: name.to_owned(), uid, home })
}

impl From<uzers::User> for Account {
    fn from(user: uzers::User) -> Self {
        use uzers::os::unix::UserExt;
        Self {
            name: user.name().to_string_lossy().into_owned(),
            uid: user.uid(),
            home: Some(user.home_dir().to_owned()).filter(|home| home.is_absolute()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_strangers_have_a_name_too() {
        assert_eq!(account_of_uid(0).name, "root");
        let stranger = account_of_uid(3_999_999_999);
        assert_eq!(stranger.name, "uid-3999999999");
        assert_eq!(account_of_name("uid-3999999999"), Some(stranger));
        assert_eq!(account_of_name("uid-0"), None);
    }

    #[test]
    fn lines_that_are_no_accounts_are_passed_over() {
        for line in ["", "+::::::", "# ann:x:1:1::/", "ann:x", "ann:x:y:1::/home:/bin/sh"] {
            assert_eq!(account(line), None, "{line}");
        }
    }
}
