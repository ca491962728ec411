//! Checks one password, so that a test can count the instructions: `one_check AUTH USER`, with the
//! password on standard input. It prints nothing.

use std::io::Read;

use keyward::Keyward;
use keyward_core::{Attempt, Presented, PresentedKind, Secret};
use keyward_defaults as _;
use keyward_portal::{AuthSpec, Chain, IdentityRealm, Portal, PortalKey, VISITOR};

fn main() -> keyward_core::Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, auth, user] = arguments.as_slice() else { panic!("one_check AUTH USER") };
    let mut password = Vec::new();
    std::io::stdin().read_to_end(&mut password).expect("standard input can be read");
    let (keyward, spec) = (Keyward::open()?, AuthSpec::parse(auth)?);
    let checker = spec.open(keyward.registry(), &keyward.host(), PresentedKind::ALL);
    let chain = Chain::new().with(spec.name(), checker.expect("the checker opens"));
    // The key is always the same, so that an unknown user always imitates the same known one.
    let key = PortalKey::new(Secret::from(&[7; 32][..]))?;
    let portal = Portal::new(IdentityRealm, chain, keyward.host())?.with_key(key);
    let presented = Presented::password(user, Secret::new(password));
    let attempt = Attempt::from_address("192.0.2.1").private();
    let _ = portal.login(&presented, &attempt, &[VISITOR], ())?;
    Ok(())
}
