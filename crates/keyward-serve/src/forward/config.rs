use keyward_core::Result;
use keyward_portal::VISITOR;
use keyward_portal::http::Guard;

use super::proxies::Proxy;
use super::{Dialect, Rule, Scheme};
use crate::bouncer::Bouncer;
use crate::config::address::Address;
use crate::config::section::Section;

/// The section `[forward]`.
#[derive(Clone, Debug)]
pub struct ForwardConfig {
    /// Where web servers ask.
    pub listen: Vec<Address>,
    /// How they ask.
    pub dialect: &'static Dialect,
    /// Which of them are believed.
    pub(super) proxies: Vec<Proxy>,
    /// Whether passwords and tokens are accepted where others can read them.
    pub(super) allows_readers: bool,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

const KEYS: &[&str] = &["listen", "dialect", "trusted_proxies", "allow_plain", "rule"];

impl ForwardConfig {
    pub(crate) fn read(
        top: &Section<'_>,
        bouncer: impl Fn(&Section<'_>) -> Result<String>,
    ) -> Result<Option<Self>> {
        let Some(section) = top.section("forward", "forward", KEYS)? else { return Ok(None) };
        let dialect = section.parsed("dialect", Dialect::find)?;
        let rules = section.sections("rule", "a rule", Rule::KEYS)?;
        Ok(Some(Self {
            listen: section.all_parsed("listen", Address::parse)?,
            dialect: dialect.ok_or_else(|| section.wrong("dialect", "`dialect` is missing"))?,
            proxies: section.all_parsed("trusted_proxies", Proxy::parse)?,
            allows_readers: section.flag("allow_plain")?,
            rules: rules.iter().map(|rule| Rule::read(rule, &bouncer)).collect::<Result<_>>()?,
        }))
    }

    /// Checks that clients can satisfy the bouncer of each rule with its schemes.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the scheme.
    pub(crate) fn check<'a>(&self, bouncer: impl Fn(&str) -> Result<&'a Bouncer>) -> Result<()> {
        for rule in &self.rules {
            if let Some(name) = &rule.bouncer {
                guard(bouncer(name)?, rule, self.allows_readers)?;
            }
        }
        Ok(())
    }
}

/// Makes what reads the header `Authorization` for a rule.
pub(super) fn guard<'a>(
    bouncer: &'a Bouncer,
    rule: &Rule,
    allows_readers: bool,
) -> Result<Guard<'a, keyward_portal::IdentityRealm>> {
    let schemes: Vec<_> = rule.schemes.iter().map(|Scheme::Http(scheme)| *scheme).collect();
    let guard = Guard::new(bouncer.portal(), &[VISITOR], &bouncer.realm, &schemes)?;
    Ok(if allows_readers { guard.allowing_readers() } else { guard })
}
