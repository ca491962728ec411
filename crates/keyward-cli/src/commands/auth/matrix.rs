use keyward_core::PresentedKind;
use keyward_portal::{AuthArgs, Chain, Link, forms_for, is_legacy};
use serde_json::json;

use crate::output::print;
use crate::session::Session;
use crate::stop::Outcome;

/// Show which credentials the checkers can check
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward auth matrix --auth htpasswd:/etc/users --auth totp:/etc/totp --auth-policy 'password and totp'")]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    auth: AuthArgs,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

/// How a kind of credential is checked.
struct Row {
    kind: String,
    checkers: Vec<Serving>,
    sufficient: bool,
    legacy: bool,
}

/// A checker, and the forms with which it checks a kind; none if it checks it by itself.
struct Serving {
    name: String,
    forms: Vec<&'static str>,
}

impl Arguments {
    pub(super) fn run(mut self, session: &Session) -> Outcome {
        let Some((_, chain)) = super::chain::open(&mut self.auth, session)? else { return Ok(()) };
        let rows: Vec<_> = chain.kinds().iter().map(|kind| row(&chain, kind)).collect();
        if self.json {
            return rows.iter().try_for_each(|row| print(&row.json().to_string()));
        }
        let width = rows.iter().map(|row| row.kind.len()).max().unwrap_or_default();
        for row in &rows {
            let more = if row.sufficient { "" } else { " (not enough alone)" };
            let checkers: Vec<_> = row.checkers.iter().map(Serving::describe).collect();
            print(&format!("{:width$}  {}{more}", row.kind, checkers.join(", ")))?;
        }
        Ok(())
    }
}

impl Row {
    fn json(&self) -> serde_json::Value {
        let checkers = self.checkers.iter();
        let checkers = checkers.map(|it| json!({ "checker": it.name, "forms": it.forms }));
        json!({
            "kind": self.kind,
            "checkers": checkers.collect::<Vec<_>>(),
            "sufficient": self.sufficient,
            "legacy": self.legacy,
        })
    }
}

impl Serving {
    fn describe(&self) -> String {
        match self.forms.is_empty() {
            true => self.name.clone(),
            false => format!("{} ({})", self.name, self.forms.join(", ")),
        }
    }
}

fn row(chain: &Chain, kind: &PresentedKind) -> Row {
    let links = chain.links().iter().filter(|link| link.serves(kind));
    Row {
        kind: kind.name().to_owned(),
        checkers: links.map(|link| serving(link, kind)).collect(),
        sufficient: chain.suffices(std::slice::from_ref(kind)),
        legacy: is_legacy(kind),
    }
}

fn serving(link: &Link, kind: &PresentedKind) -> Serving {
    let (stored, name) = (link.checker.stores(), link.name.clone());
    if link.checker.accepts().contains(kind) {
        return Serving { name, forms: Vec::new() };
    }
    let forms = forms_for(kind).iter().filter(|form| stored.contains(form));
    Serving { name, forms: forms.map(|form| form.name()).collect() }
}
