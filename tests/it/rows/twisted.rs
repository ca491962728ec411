//! What Twisted cred can do, row by row: TW-01 to TW-80, with its faults T1 to T18, and the rules S1
//! to S20 for servers. `docs/adr/0048` names the rows that are missing, and why.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use keyward_core::{Attempt, Denial, Presented, PresentedKind, Registry};
use keyward_portal::{AuthSpec, Cause, Chain, IdentityRealm, Portal, Progress, VISITOR};
use keyward_testkit::TestHost;

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

mod table;

/// Writes a file that only its owner can write.
fn write(home: &Home, name: &str, text: &str) -> String {
    let path = home.write(name, text);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Checks a user's password with these checkers.
fn check(home: &Home, auth: &[&str], user: &str, password: &str) -> Finished {
    let mut check = home.keyward("auth check --stdin --allow-empty");
    for text in auth {
        check = check.args(["--auth", text]);
    }
    check.args(["--", user]).input(password).run()
}

/// Makes a portal of linked checkers.
fn portal(auth: &[&str]) -> Portal<IdentityRealm> {
    use keyward_defaults as _;
    let host: Arc<dyn keyward_core::Host> = Arc::new(TestHost::new().on_system_time());
    let registry = Registry::linked().unwrap();
    let mut chain = Chain::new().with_legacy();
    for text in auth {
        let spec = AuthSpec::parse(text).unwrap();
        let checker = spec.open(&registry, &host, PresentedKind::ALL).unwrap();
        chain = chain.with(spec.name(), checker);
    }
    Portal::new(IdentityRealm, chain, host).unwrap()
}

fn here() -> Attempt {
    Attempt::from_address("192.0.2.1").private()
}

#[test]
fn tw_06_without_its_file_a_checker_rejects_for_good_and_says_why() {
    let home = Home::in_memory();
    for kind in ["file", "htpasswd", "htdigest"] {
        let auth = format!("{kind}:{}", home.path("missing").display());
        check(&home, &[&auth], "ann", "pw").ends(7).says("does not exist");
    }
    // A second factor that cannot be checked also refuses everybody.
    let users = format!("memory:@{}", write(&home, "users", "ann:pw\n"));
    let code = write(&home, "code", "123456");
    let run = home.keyward("auth check ann --stdin --auth-policy").args(["memory and totp"]);
    let run = run.args(["--auth", &users, "--auth", "totp:/missing", "--code-file", &code]);
    run.input("pw").run().ends(7).says("/missing does not exist");
}

#[test]
fn tw_07_names_with_and_without_case() {
    let home = Home::in_memory();
    let file = write(&home, "users", "Ann:pw\n");
    let strict = format!("file:{file}");
    let loose = format!("file:{file}:case_sensitive=false");
    assert_eq!(check(&home, &[&strict], "Ann", "pw").ends(0).text(), "Ann\n");
    check(&home, &[&strict], "ann", "pw").ends(9);
    // The identity is the name in lower case, whatever was typed.
    for name in ["ann", "ANN", "Ann"] {
        assert_eq!(check(&home, &[&loose], name, "pw").ends(0).text(), "ann\n");
    }
}

#[test]
fn tw_08_a_file_of_passwords_serves_passwords_and_their_proofs() {
    use hmac::{Hmac, KeyInit, Mac};

    let home = Home::in_memory();
    let file = write(&home, "users", "tim:tanstaaftanstaaf\n");
    let portal = portal(&[&format!("file:{file}")]);
    let presented = Presented::password("tim", "tanstaaftanstaaf");
    let progress = portal.login(&presented, &here(), &[VISITOR], ()).unwrap();
    assert!(matches!(progress, Progress::LoggedIn(_)));
    for (password, is_right) in [("tanstaaftanstaaf", true), ("other", false)] {
        let asked = portal.begin(&PresentedKind::CRAM_MD5, &here()).unwrap();
        let mut mac = Hmac::<md5::Md5>::new_from_slice(password.as_bytes()).unwrap();
        mac.update(asked.message.expose());
        let proof = keyward_core::hex::encode(&mac.finalize().into_bytes());
        let answer = format!("tim {proof}").into();
        let progress = portal.step(&asked.session, &answer, &here(), &[VISITOR], ()).unwrap();
        assert_eq!(matches!(progress, Progress::LoggedIn(_)), is_right);
    }
}

#[test]
fn tw_10_all_layouts_of_a_file_with_and_without_cache_and_hashes() {
    let home = Home::in_memory();
    let sha512 = "$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40";
    let (plain, hashed) = ("test", sha512);
    for (hash, stored) in [("none", plain), ("auto", hashed)] {
        let layouts = [
            (format!("user:{stored}\n"), ""),
            (format!("{stored} x y user\n"), ":delim= :user_field=3:password_field=0"),
            (
                format!("a,b,User,c,{stored}\n"),
                ":delim=,:user_field=2:password_field=4:case_sensitive=false",
            ),
        ];
        for (number, (text, layout)) in layouts.iter().enumerate() {
            let file = write(&home, &format!("{hash}{number}"), text);
            for cache in [true, false] {
                let auth = format!("file:{file}{layout}:hash={hash}:cache={cache}");
                let portal = portal(&[&auth]).with_penalties(None);
                let login = |user: &str, password: &str| {
                    let presented = Presented::password(user, password);
                    portal.login(&presented, &here(), &[VISITOR], ()).unwrap()
                };
                let accepted = login("user", "test");
                assert!(matches!(accepted, Progress::LoggedIn(_)), "{auth}: {accepted:?}");
                for (user, password) in [("user", "wrong"), ("other", "test"), ("user", "")] {
                    let refused = login(user, password);
                    assert!(matches!(refused, Progress::Refused(_)), "{auth} {user}");
                }
            }
        }
    }
}

#[test]
fn tw_49_users_in_memory() {
    let home = Home::in_memory();
    let users = format!("memory:@{}", write(&home, "users", "ann:pw\nbob:other:with colon\n"));
    assert_eq!(check(&home, &[&users], "ann", "pw").ends(0).text(), "ann\n");
    check(&home, &[&users], "bob", "other:with colon").ends(0);
    check(&home, &[&users], "ann", "no").ends(9);
    check(&home, &[&users], "cid", "pw").ends(9);
    // Passwords in arguments are refused, whatever their number.
    for text in ["memory:ann:pw", "memory:ann:pw:bob", "memory:"] {
        check(&home, &[text], "ann", "pw").ends(2);
    }
}

#[test]
fn tw_50_anonymous_clients_are_nobody() {
    let home = Home::in_memory();
    let run = home.keyward("auth check --auth anonymous --kind anonymous").run();
    assert_eq!(run.ends(0).text(), "anonymous\n");
    let json = home.keyward("auth check --auth anonymous --kind anonymous --json").run();
    let json = json.ends(0).json();
    assert_eq!(json[0]["identity"], serde_json::Value::Null);
    let users = format!("memory:@{}", write(&home, "users", "ann:pw\n"));
    let run = home.keyward("auth check --kind anonymous").args(["--auth", &users]).run();
    run.ends(2).says("anonymous is offered, but cannot be checked by memory");
}

/// A user of `/etc/passwd` and the user's line in `/etc/shadow`.
fn unix(home: &Home, hash: &str) -> String {
    let passwd = write(home, "passwd", "ann:x:1000:1000::/:/bin/sh\n");
    let shadow = write(home, "shadow", &format!("ann:{hash}:19000:0:99999:7:::\n"));
    format!("unix:{passwd}:shadow={shadow}")
}

#[test]
fn tw_51_52_users_of_unix_with_each_scheme_of_crypt() {
    let home = Home::in_memory();
    for hash in [
        "$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40",
        "$5$saltsalt$q6kNPzk9GPb3dpYKO2TUS45z2kiVxsUVz7eWVJcih.0",
        "$1$saltsalt$tTWg0JeO/sYmHvtKmZE8c.",
    ] {
        let auth = unix(&home, hash);
        assert_eq!(check(&home, &[&auth], "ann", "test").ends(0).text(), "ann\n", "{hash}");
        for (user, password) in [("ann", "tes"), ("ann", ""), ("bob", "test"), ("\u{e4}nn", "test")]
        {
            check(&home, &[&auth], user, password).ends(9);
        }
        // A hash that was damaged is wrong for everybody, and no fault.
        let damaged = unix(&home, &hash[..hash.len() - 4]);
        check(&home, &[&damaged], "ann", "test").ends(9);
    }
    let des = unix(&home, "qi1Lftt0GZC0o");
    check(&home, &[&des], "ann", "test").ends(9);
    check(&home, &[&format!("{des}:legacy=true")], "ann", "test").ends(0);
}

#[test]
fn tw_53_a_file_needs_a_name_and_must_exist_when_it_is_used() {
    let home = Home::in_memory();
    let file = write(&home, "users", "ann:pw\n");
    check(&home, &[&format!("file:{file}")], "ann", "pw").ends(0);
    check(&home, &[&format!("file:{file}")], "ann", "no").ends(9);
    check(&home, &["file:"], "ann", "pw").ends(2);
    check(&home, &["file:/missing"], "ann", "pw").ends(7).says("/missing does not exist");
}

#[test]
fn tw_55_57_58_checkers_are_asked_in_the_order_of_the_arguments() {
    let home = Home::in_memory();
    let first = format!("memory:@{}", write(&home, "first", "ann:one\n"));
    let second = format!("memory:@{}", write(&home, "second", "ann:two\nbob:two\n"));
    check(&home, &[&first], "bob", "two").ends(9);
    let both = [first.as_str(), &second];
    check(&home, &both, "bob", "two").ends(0);
    check(&home, &both, "ann", "one").ends(0);
    check(&home, &both, "ann", "two").ends(9);
    let run = home.keyward("auth matrix --json").args(["--auth", &first, "--auth", &second]).run();
    let rows = run.ends(0).json();
    let passwords = rows.iter().find(|row| row["kind"] == "password").unwrap();
    let checkers = ["memory", "memory-2"]
        .map(|name| serde_json::json!({ "checker": name, "forms": ["plaintext"] }));
    assert_eq!(passwords["checkers"], serde_json::json!(checkers));
}

#[test]
fn tw_77_hashes_that_are_none_let_nobody_in() {
    let home = Home::in_memory();
    for hash in [
        "",
        "x",
        "*",
        "!",
        "!!",
        "*LK*",
        "!$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40",
    ] {
        let auth = unix(&home, hash);
        for password in ["", "test", "x", "*", "!"] {
            check(&home, &[&auth], "ann", password).ends(9);
        }
    }
    // An unknown user is unknown, though the shadow file has a line.
    let passwd = write(&home, "passwd", "bob:x:1000:1000::/:/bin/sh\n");
    let auth = format!("unix:{passwd}:shadow={}", home.path("shadow").display());
    check(&home, &[&auth], "ann", "test").ends(9).says("no checker knows the user");
}

#[test]
fn t_05_text_and_bytes_are_the_same_for_every_checker() {
    let home = Home::in_memory();
    let name = "J\u{f6}rg";
    let password = "p\u{e4}ss";
    let text = format!("{name}:{password}\n");
    let users = write(&home, "users", &text);
    for auth in [format!("memory:@{users}"), format!("file:{users}")] {
        assert_eq!(check(&home, &[&auth], name, password).ends(0).text(), format!("{name}\n"));
        // The same name with the letter and its dots apart is the same user.
        check(&home, &[&auth], "Jo\u{308}rg", password).ends(0);
        check(&home, &[&auth], name, "p\u{e4}s").ends(9);
    }
}

#[test]
fn t_06_a_digest_response_counts_once() {
    use keyward_portal::mechanisms::digest::DigestHash;

    let home = Home::in_memory();
    let users = write(&home, "users", "ann:pw\n");
    let portal = portal(&[&format!("memory:@{users}")]);
    let portal = portal.with_digest("r", &[DigestHash::Sha256.into()]).unwrap();
    let offer = portal.digest_offer().unwrap().unwrap();
    let host = TestHost::new().on_system_time();
    let nonce = offer.nonce(keyward_core::Host::now(&host)).unwrap();
    let hash = |parts: &[&str]| {
        use sha2::Digest;
        keyward_core::hex::encode(&sha2::Sha256::digest(parts.join(":")))
    };
    let respond = |count: &str| {
        let (ha1, ha2) = (hash(&["ann", "r", "pw"]), hash(&["GET", "/x"]));
        let response = hash(&[&ha1, &nonce, count, "c", "auth", &ha2]);
        let header = format!(
            "Digest username=\"ann\", realm=\"r\", nonce=\"{nonce}\", uri=\"/x\", algorithm=SHA-256, \
             qop=auth, nc={count}, cnonce=\"c\", response=\"{response}\""
        );
        let presented = Presented::new(PresentedKind::DIGEST)
            .with("response", header)
            .with("method", "GET")
            .with("target", "/x");
        portal.login(&presented, &here(), &[VISITOR], ()).unwrap()
    };
    assert!(matches!(respond("00000002"), Progress::LoggedIn(_)));
    for replayed in ["00000002", "00000001"] {
        let Progress::Refused(refusal) = respond(replayed) else { panic!("it was replayed") };
        assert_eq!(refusal.cause, Cause::Denied(Denial::Replayed));
    }
    assert!(matches!(respond("00000003"), Progress::LoggedIn(_)));
}
