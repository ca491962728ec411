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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a kind of credential is checked.
struct Row {
    kind: String,
    checkers: Vec<String>,
    sufficient: bool,
    legacy: bool,
}

impl Arguments {
    pub(super) fn run(mut self, session: &Session) -> Outcome {
        let Some((_, chain)) = super::chain::open(&mut self.auth, session)? else { return Ok(()) };
        let rows: Vec<_> = chain.kinds().iter().map(|kind| row(&chain, kind)).collect();
        if self.json {
            let shown: Vec<_> = rows.iter().map(Row::json).collect();
            return print(&json!(shown).to_string());
        }
        let width = rows.iter().map(|row| row.kind.len()).max().unwrap_or_default();
        for row in &rows {
            let more = if row.sufficient { "" } else { " (not enough alone)" };
            print(&format!("{:width$}  {}{more}", row.kind, row.checkers.join(", ")))?;
        }
        Ok(())
    }
}

impl Row {
    fn json(&self) -> serde_json::Value {
        json!({
            "kind": self.kind,
            "checkers": self.checkers,
            "sufficient": self.sufficient,
            "legacy": self.legacy,
        })
    }
}

fn row(chain: &Chain, kind: &PresentedKind) -> Row {
    let serving = chain.links().iter().filter(|link| link.serves(kind));
    Row {
        kind: kind.name().to_owned(),
        checkers: serving.map(|link| describe(link, kind)).collect(),
        sufficient: chain.suffices(std::slice::from_ref(kind)),
        legacy: is_legacy(kind),
    }
}

/// Returns the name of a checker, and with what it checks this kind.
fn describe(link: &Link, kind: &PresentedKind) -> String {
    if link.checker.accepts().contains(kind) {
        return link.name.clone();
    }
    let stored = link.checker.stores();
    let forms = forms_for(kind).iter().filter(|form| stored.contains(form));
    let forms: Vec<_> = forms.map(|form| form.name()).collect();
    format!("{} ({})", link.name, forms.join(", "))
}
