use crate::Secret;

/// A question of a conversation, as the challenge of
/// [`PresentedKind::CONVERSATION`](crate::PresentedKind::CONVERSATION) contains it. The client's
/// answer is a text of any form.
///
/// In the challenge, each line begins with a word: `info` for what the client is told, and in the last
/// line `ask`, or `ask-hidden` for an answer that must not be shown while it is typed.
///
/// # Examples
/// ```
/// use keyward_core::Question;
///
/// let question = Question::hidden("Password: ").after("Welcome");
/// assert_eq!(question.to_challenge().expose(), b"info Welcome\nask-hidden Password: ");
/// assert_eq!(Question::from_challenge(&question.to_challenge()), Some(question));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// What the client is told before, in lines.
    pub told: Vec<String>,
    /// The question.
    pub text: String,
    /// Whether the answer must not be shown while it is typed.
    pub hidden: bool,
}

impl Question {
    /// Makes a question whose answer may be shown.
    pub fn shown(text: &str) -> Self {
        Self::new(text, false)
    }

    /// Makes a question whose answer must not be shown.
    pub fn hidden(text: &str) -> Self {
        Self::new(text, true)
    }

    /// Takes a text of several lines. The last one is the question.
    fn new(text: &str, hidden: bool) -> Self {
        let (before, last) = text.rsplit_once('\n').unwrap_or(("", text));
        let question = Self { told: Vec::new(), text: plain(last), hidden };
        if before.is_empty() { question } else { question.after(before) }
    }

    /// Adds what the client is told before, which may have several lines.
    #[must_use]
    pub fn after(mut self, told: &str) -> Self {
        self.told.splice(0..0, told.lines().map(plain));
        self
    }

    /// Returns it as the text of a challenge.
    pub fn to_challenge(&self) -> Secret {
        let told = self.told.iter().map(|line| format!("info {line}\n"));
        let word = if self.hidden { "ask-hidden" } else { "ask" };
        Secret::from(told.collect::<String>() + word + " " + &self.text)
    }

    /// Reads the text of a challenge; `None` if it is none of a conversation.
    pub fn from_challenge(challenge: &Secret) -> Option<Self> {
        let text = challenge.expose_str()?;
        let (told, last) = text.rsplit_once('\n').unwrap_or(("", text));
        let told = told.lines().map(|line| line.strip_prefix("info ").map(str::to_owned));
        let (word, text) = last.split_once(' ')?;
        let hidden = match word {
            "ask" => false,
            "ask-hidden" => true,
            _ => return None,
        };
        Some(Self { told: told.collect::<Option<_>>()?, text: text.to_owned(), hidden })
    }
}

/// Leaves out control characters, which would change the form of the challenge.
fn plain(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_comes_back() {
        for question in [
            Question::shown("Code"),
            Question::hidden("Two\nlines: ").after("a\n\nask b\n"),
            Question::shown(""),
            Question::hidden("\u{1b}[2J\r\nask c"),
        ] {
            let challenge = question.to_challenge();
            assert_eq!(Question::from_challenge(&challenge), Some(question));
        }
        assert_eq!(Question::hidden("Two\nlines: ").after("One").told, ["One", "Two"]);
    }

    #[test]
    fn another_challenge_is_none_of_a_conversation() {
        for other in ["", "ask", "Password: ", "info a", "ask a\n", "tell a\nask b", "ask-loud a"] {
            assert_eq!(Question::from_challenge(&Secret::from(other)), None, "{other:?}");
        }
        assert_eq!(Question::from_challenge(&Secret::from(&[0xff][..])), None);
    }
}
