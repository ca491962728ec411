use keyward_core::{Error, PresentedKind, Result};
use keyward_portal::VISITOR;
use keyward_portal::http::Guard;

use super::proxies::Proxy;
use super::{Dialect, Rule, Scheme};
use crate::bouncer::Bouncer;
use crate::config::address::Address;
use crate::config::section::Section;
use crate::listen::Peer;

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
    /// The page on which browsers log in.
    pub login: Option<LoginConfig>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

const KEYS: &[&str] = &["listen", "dialect", "trusted_proxies", "allow_plain", "login", "rule"];

/// The section `[forward.login]`.
#[derive(Clone, Debug)]
pub struct LoginConfig {
    /// Where web servers pass on requests for the page.
    pub listen: Vec<Address>,
    /// Whether a cookie is good only for the address of its login.
    pub binds_address: bool,
}

impl LoginConfig {
    const KEYS: &[&str] = &["listen", "bind_address"];

    fn read(section: &Section<'_>) -> Result<Self> {
        let listen = section.all_parsed("listen", Address::parse)?;
        if listen.is_empty() {
            return Err(section.wrong("listen", "`listen` is missing"));
        }
        Ok(Self { listen, binds_address: section.flag("bind_address")? })
    }
}

impl ForwardConfig {
    pub(crate) fn read(
        top: &Section<'_>,
        bouncer: impl Fn(&Section<'_>) -> Result<String>,
    ) -> Result<Option<Self>> {
        let Some(section) = top.section("forward", "forward", KEYS)? else { return Ok(None) };
        let dialect = section.parsed("dialect", Dialect::find)?;
        let rules = section.sections("rule", "a rule", Rule::KEYS)?;
        let login = section.section("login", "[forward.login]", LoginConfig::KEYS)?;
        Ok(Some(Self {
            login: login.as_ref().map(LoginConfig::read).transpose()?,
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
            let Some(name) = &rule.bouncer else { continue };
            let bouncer = bouncer(name)?;
            if rule.has_http_scheme() {
                guard(bouncer, rule, self.allows_readers)?;
            }
            if rule.schemes.contains(&Scheme::Cookie) {
                self.check_page(bouncer)?;
            }
        }
        Ok(())
    }
}

impl ForwardConfig {
    /// Whether a peer is a web server that is believed.
    pub(super) fn is_proxy(&self, peer: Peer) -> bool {
        self.proxies.iter().any(|proxy| proxy.is(peer))
    }

    /// Checks that browsers can log in at this bouncer on the page.
    fn check_page(&self, bouncer: &Bouncer) -> Result<()> {
        if self.login.is_none() {
            let why = "the scheme `cookie` needs the section [forward.login]";
            return Err(Error::invalid("forward", why));
        }
        let asked = [PresentedKind::PASSWORD, PresentedKind::ONE_TIME_PASSWORD];
        if !bouncer.portal().chain().suffices(&asked) {
            let why = "the page asks for a password and a one-time code, and the policy needs more";
            return Err(Error::invalid("forward", why));
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
    let schemes: Vec<_> = rule.http_schemes().collect();
    let guard = Guard::new(bouncer.portal(), &[VISITOR], &bouncer.realm, &schemes)?;
    Ok(if allows_readers { guard.allowing_readers() } else { guard })
}
