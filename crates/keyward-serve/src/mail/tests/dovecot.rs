use super::{Peer, config, plain, site};
use crate::mail::dovecot::MAX_LINE;
use crate::testing::{OFFICE, Site};

/// A client after the beginning, and its cookie.
async fn client(site: &Site) -> (Peer, String) {
    let mut peer = Peer::connect(site, "dovecot").await;
    peer.send("VERSION\t1\t2\nCPID\t77").await;
    let mut cookie = String::new();
    loop {
        let line = peer.line().await;
        assert!(!line.is_empty(), "the connection ends before DONE");
        if let Some(text) = line.strip_prefix("COOKIE\t") {
            text.clone_into(&mut cookie);
        }
        if line == "DONE" {
            return (peer, cookie);
        }
    }
}

fn login(id: u32, user: &str, password: &str) -> String {
    let message = plain(user, password);
    format!("AUTH\t{id}\tPLAIN\tservice=imap\tsecured\trip=192.0.2.1\tresp={message}")
}

#[tokio::test]
async fn a_client_learns_what_it_may_offer_and_who_logs_in() {
    let site = site("").await;
    let mut peer = Peer::connect(&site, "dovecot").await;
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line| line != "DONE") {
        lines.push(peer.line().await);
    }
    assert_eq!(lines[..3], ["VERSION\t1\t2", "MECH\tPLAIN\tplaintext", "MECH\tLOGIN\tplaintext"]);
    peer.send("VERSION\t1\t1\nCPID\t77").await;
    assert_eq!(peer.ask(&login(1, "ann", "open sesame")).await, "OK\t1\tuser=ann");
    let wrong = peer.ask(&login(2, "ann", "wrong")).await;
    let unknown = peer.ask(&login(2, "bob", "wrong")).await;
    assert_eq!((&*wrong, unknown), ("FAIL\t2", wrong.clone()));
    let audit = std::fs::read_to_string(site.path("audit")).unwrap();
    assert!(
        audit.contains(r#""address":"192.0.2.1","bouncer":"office","decision":"accepted""#),
        "{audit}"
    );
    assert!(!audit.contains("sesame") && !audit.contains(&plain("ann", "open sesame")), "{audit}");
}

#[tokio::test]
async fn a_password_is_accepted_on_private_connections_only() {
    let site = site("").await;
    let (mut peer, _) = client(&site).await;
    let line = login(1, "ann", "open sesame").replace("\tsecured", "");
    assert_eq!(peer.ask(&line).await, "FAIL\t1");
    for mechanism in ["ANONYMOUS", "EXTERNAL", "SCRAM-SHA-256-PLUS", "x"] {
        let line = format!("AUTH\t2\t{mechanism}\tservice=imap\tsecured\tresp=");
        assert_eq!(peer.ask(&line).await, "FAIL\t2", "{mechanism}");
    }
}

#[tokio::test]
async fn a_login_can_have_several_rounds_and_can_be_given_up() {
    let site = site("").await;
    let (mut peer, _) = client(&site).await;
    let begin = |id: u32| format!("AUTH\t{id}\tLOGIN\tservice=smtp\tsecured\tnologin");
    assert_eq!(peer.ask(&begin(1)).await, "CONT\t1\tVXNlcm5hbWU6");
    assert_eq!(peer.ask(&begin(2)).await, "CONT\t2\tVXNlcm5hbWU6");
    assert_eq!(peer.ask("CONT\t1\tYW5u").await, "CONT\t1\tUGFzc3dvcmQ6");
    peer.send("CANCEL\t2").await;
    assert_eq!(peer.ask("CONT\t2\tYW5u").await, "FAIL\t2");
    assert_eq!(peer.ask("CONT\t1\tb3BlbiBzZXNhbWU=").await, "OK\t1\tuser=ann");
    assert_eq!(peer.ask("CONT\t1\tb3BlbiBzZXNhbWU=").await, "FAIL\t1");
    // What cannot be read ends the login, and only it.
    assert_eq!(peer.ask(&begin(3)).await, "CONT\t3\tVXNlcm5hbWU6");
    assert_eq!(peer.ask("CONT\t3\t%").await, "FAIL\t3");
    assert_eq!(peer.ask("CONT\t3\tYW5u").await, "FAIL\t3");
    peer.send("FUTURE\tcommand").await;
    assert_eq!(peer.ask(&login(4, "ann", "open sesame")).await, "OK\t4\tuser=ann");
}

#[tokio::test]
async fn who_breaks_the_rules_is_cut_off() {
    let site = site("").await;
    let long = "x".repeat(MAX_LINE);
    let waiting = "AUTH\t1\tLOGIN\tservice=imap\tsecured";
    for lines in
        ["VERSION\t2\t0", "AUTH\tx\tPLAIN", "CONT", &long, &format!("{waiting}\n{waiting}")]
    {
        let (mut peer, _) = client(&site).await;
        peer.send(lines).await;
        let mut line = peer.line().await;
        if line.starts_with("CONT\t1") {
            line = peer.line().await;
        }
        assert_eq!(line, "", "{}", &lines[..lines.len().min(40)]);
    }
    // A login before the client has said who it is.
    let mut peer = Peer::connect(&site, "dovecot").await;
    peer.send(&format!("VERSION\t1\t2\n{waiting}")).await;
    while !matches!(&*peer.line().await, "DONE" | "") {}
    assert_eq!(peer.line().await, "");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_off_and_one_that_waits_is_not() {
    let site = site("[limits]\nidle = '200ms'\n").await;
    let (mut patient, _) = client(&site).await;
    let mut silent = Peer::connect(&site, "dovecot").await;
    while !silent.line().await.is_empty() {}
    assert_eq!(patient.ask(&login(1, "ann", "open sesame")).await, "OK\t1\tuser=ann");
}

#[tokio::test]
async fn the_logins_of_a_connection_have_a_limit() {
    let site = site("").await;
    let (mut peer, _) = client(&site).await;
    for id in 0..1024 {
        let line = format!("AUTH\t{id}\tLOGIN\tservice=imap\tsecured");
        assert_eq!(peer.ask(&line).await, format!("CONT\t{id}\tVXNlcm5hbWU6"));
    }
    let failed = "FAIL\t2000\ttemp\tcode=temp_fail";
    assert_eq!(peer.ask(&login(2000, "ann", "open sesame")).await, failed);
    peer.send("CANCEL\t7").await;
    assert_eq!(peer.ask(&login(2001, "ann", "open sesame")).await, "OK\t2001\tuser=ann");
}

#[tokio::test]
async fn failures_are_counted_for_the_address_that_the_mail_server_says() {
    let site = site("").await;
    let (mut peer, _) = client(&site).await;
    let mut tries = 0;
    // Another user at the address is refused at last, though the password is right.
    while peer.ask(&login(1, "ann", "open sesame")).await != "FAIL\t1" {
        tries += 1;
        assert!(tries < 200, "failures are not counted");
        assert_eq!(peer.ask(&login(2, &format!("user{tries}"), "x")).await, "FAIL\t2");
    }
    let elsewhere = login(3, "ann", "open sesame").replace("192.0.2.1", "192.0.2.2");
    assert_eq!(peer.ask(&elsewhere).await, "OK\t3\tuser=ann");
}

#[tokio::test]
async fn a_master_learns_once_who_has_logged_in() {
    let site = site("").await;
    let (mut peer, cookie) = client(&site).await;
    assert_eq!(peer.ask(&login(1, "ann", "open sesame")).await, "OK\t1\tuser=ann");
    assert_eq!(peer.ask(&(login(2, "ann", "wrong"))).await, "FAIL\t2");
    let for_smtp = login(3, "ann", "open sesame").replace("\tsecured", "\tsecured\tnologin");
    assert_eq!(peer.ask(&for_smtp).await, "OK\t3\tuser=ann");
    let mut master = Peer::connect(&site, "master").await;
    assert_eq!(master.line().await, "VERSION\t1\t2");
    assert_eq!(master.line().await, format!("SPID\t{}", std::process::id()));
    master.send("VERSION\t1\t1").await;
    let request = |login: u32| format!("REQUEST\t5\t77\t{login}\t{cookie}\tsession_pid=1");
    let none = "FAIL\t5\treason=No such login";
    for wrong in [request(2), request(3), request(1).replace("\t77\t", "\t78\t")] {
        assert_eq!(master.ask(&wrong).await, none, "{wrong}");
    }
    let other = "0".repeat(32);
    assert_eq!(master.ask(&request(1).replace(&cookie, &other)).await, none);
    assert_eq!(master.ask(&request(1)).await, "USER\t5\tann");
    assert_eq!(master.ask(&request(1)).await, none);
    assert_eq!(master.ask("USER\t6\tann\tservice=lmtp").await, "FAIL\t6\treason=Not supported");
    assert_eq!(master.ask("nonsense").await, "");
}

#[tokio::test]
async fn an_outage_is_no_refusal() {
    let site = site("").await;
    let (mut peer, _) = client(&site).await;
    std::fs::remove_file(site.path("users")).unwrap();
    let failed = "FAIL\t1\ttemp\tcode=temp_fail";
    assert_eq!(peer.ask(&login(1, "ann", "open sesame")).await, failed);
}

#[tokio::test]
async fn a_connection_goes_on_with_another_configuration() {
    let site = site("").await;
    let (mut peer, _) = client(&site).await;
    assert_eq!(peer.ask(&login(1, "ann", "open sesame")).await, "OK\t1\tuser=ann");
    let denying = OFFICE.replace("htpasswd:%/users", "deny");
    site.reload(&config(&denying, "")).await.unwrap();
    assert_eq!(peer.ask(&login(2, "ann", "open sesame")).await, "FAIL\t2");
}
