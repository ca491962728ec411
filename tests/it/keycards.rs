//! Keycards of `keyward serve`: a requester in Python, the commands for administrators, and copies of the
//! server on one store.

mod copies;
mod server;

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use server::{Copy, home};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/rpc/keycards.py");

/// Logs in, waits until the keycard has ended, and asks once more.
const REQUESTER: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import keycards
office = keycards.Bouncer(sys.argv[2], 'office')
wrong = office.log_in('ann', 'wrong', '192.0.2.1')
keycard = office.log_in('ann', 'open sesame', '192.0.2.1')['keycard']
print(wrong['state'], keycard['identity'], office.is_in(keycard['id'], '192.0.2.1'), flush=True)
for ended in office.ended():
    print(ended['id'] == keycard['id'], ended['reason'], office.is_in(keycard['id'], '192.0.2.1'))
    break
print(office.call('list', all=True)['keycards'])
";

#[test]
fn the_python_client_of_the_page_is_told_what_an_administrator_revokes() {
    let home = home("");
    let copy = Copy::start(&home, "");
    let folder = std::path::Path::new(CLIENT).parent().unwrap();
    let script = home.write("requester.py", REQUESTER);
    let mut requester = home.command("python3");
    requester.arg("-B").arg(script).arg(folder).arg(home.path("rpc.sock")).stdout(Stdio::piped());
    let requester = requester.spawn().unwrap();
    // The administrator sees ann as soon as she is in.
    let listed = copy.wait_for_keycards(1);
    let card: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!((&card["identity"], &card["bouncer"]), (&"ann".into(), &"office".into()));
    assert!(!listed.contains("sesame"));
    let shown = copy.keycards("list").run().ends(0).into_text();
    assert!(shown.contains("ann  192.0.2.1  uid:"), "{shown}");
    copy.keycards("revoke --user bob").run().ends(0).says("revoked 0 keycards");
    copy.keycards("revoke --user ann").run().ends(0).says("revoked 1 keycard");
    let said = requester.wait_with_output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said, "refused ann True\nTrue revoked False\n[]\n", "{}", copy.log());
}

#[test]
fn administrators_disable_and_enable_and_wrong_calls_are_explained() {
    let home = home("");
    let copy = Copy::start(&home, "");
    copy.log_in().expect("ann is let in");
    copy.keycards("disable").run().ends(0).says("lets no client in");
    assert!(copy.log_in().is_none());
    copy.keycards("list").run().ends(0).prints("");
    copy.keycards("enable").run().ends(0);
    copy.log_in().expect("ann is let in");
    copy.keycards("revoke").run().ends(2);
    copy.keycards("revoke --id 1").run().ends(2).says("32 lower-case hexadecimal digits");
    let other = home.keyward("keycards list other --socket").arg(home.path("rpc.sock"));
    other.run().ends(3).says("there is no bouncer of this name");
    home.keyward("keycards list office --socket none")
        .run()
        .ends(7)
        .says("does not answer at none");
    let audit = fs::read_to_string(home.path("audit.log")).unwrap();
    assert!(audit.contains("the bouncer is disabled") && !audit.contains("sesame"), "{audit}");
}
