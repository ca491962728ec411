use std::io::BufRead;
use std::path::PathBuf;

/// A user of the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsUser {
    /// The name.
    pub name: String,
    /// The number by which the kernel knows the user.
    pub uid: u32,
    /// The home folder, if it is known.
    pub home: Option<PathBuf>,
}

/// Returns the user with this user id.
///
/// A user id that has no user, as in containers, is called `uid-` and its number.
pub fn user_of_uid(uid: u32) -> OsUser {
    local(|user| user.uid == uid)
        .or_else(|| uzers::get_user_by_uid(uid).map(OsUser::from))
        .unwrap_or_else(|| OsUser { name: format!("uid-{uid}"), uid, home: None })
}

/// Returns the user with this name, if there is one.
pub fn user_of_name(name: &str) -> Option<OsUser> {
    local(|user| user.name == name)
        .or_else(|| uzers::get_user_by_name(name).map(OsUser::from))
        .or_else(|| {
            let uid = name.strip_prefix("uid-")?.parse().ok()?;
            Some(user_of_uid(uid)).filter(|user| user.name == name)
        })
}

/// Returns the users in `/etc/passwd`, without those of a name service.
pub fn local_users() -> Vec<OsUser> {
    users_in_file().collect()
}

/// Searches `/etc/passwd` before the system's name service is asked, which loads libraries and may
/// use the network.
fn local(wanted: impl Fn(&OsUser) -> bool) -> Option<OsUser> {
    users_in_file().find(wanted)
}

fn users_in_file() -> impl Iterator<Item = OsUser> {
    let file = std::fs::File::open("/etc/passwd").ok().into_iter();
    let lines = file.flat_map(|file| std::io::BufReader::new(file).lines());
    lines.map_while(std::io::Result::ok).filter_map(|line| user(&line))
}

fn user(line: &str) -> Option<OsUser> {
    let mut fields = line.split(':');
    let name =
        fields.next().filter(|name| !name.is_empty() && !name.starts_with(['+', '-', '#']))?;
    let uid = fields.nth(1)?.parse().ok()?;
    let home = fields.nth(2).map(PathBuf::from).filter(|home| home.is_absolute());
    Some(OsUser { name: name.to_owned(), uid, home })
}

impl From<uzers::User> for OsUser {
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
        assert_eq!(user_of_uid(0).name, "root");
        let stranger = user_of_uid(3_999_999_999);
        assert_eq!(stranger.name, "uid-3999999999");
        assert_eq!(user_of_name("uid-3999999999"), Some(stranger));
        assert_eq!(user_of_name("uid-0"), None);
    }

    #[test]
    fn lines_that_are_no_accounts_are_passed_over() {
        for line in ["", "+::::::", "# ann:x:1:1::/", "ann:x", "ann:x:y:1::/home:/bin/sh"] {
            assert_eq!(user(line), None, "{line}");
        }
    }
}
