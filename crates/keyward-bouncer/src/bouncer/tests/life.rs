//! How long keycards live, and what ends them.

use super::*;

#[test]
fn the_ttl_is_checked_at_use_while_nothing_sweeps() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let keycard = log_in(&bouncer, "ann", &request().with_ttl(seconds(60)));
    assert_eq!(keycard.state, State::Authenticated);
    setting.set_time(59);
    assert!(is_in(&bouncer, &keycard));
    setting.set_time(60);
    assert!(!is_in(&bouncer, &keycard));
    assert!(bouncer.list(&Selection::All).unwrap().is_empty());
}

#[test]
fn fl_02_an_expired_keycard_is_told_to_its_requester_once() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let keycard = log_in(&bouncer, "ann", &request().with_ttl(seconds(60)).with_notices());
    setting.set_time(59);
    assert_eq!(bouncer.sweep().unwrap(), 0);
    setting.set_time(60);
    assert_eq!(bouncer.sweep().unwrap(), 1);
    assert_eq!(bouncer.sweep().unwrap(), 0);
    let ended = bouncer.ended(&web()).unwrap();
    assert_eq!((&ended[0].id, ended[0].reason, ended.len()), (&keycard.id, EndReason::Expired, 1));
    assert!(bouncer.ended(&RequesterId::new("other")).unwrap().is_empty());
    // Another requester cannot confirm it.
    bouncer.confirm(&RequesterId::new("other"), std::slice::from_ref(&keycard.id)).unwrap();
    assert_eq!(bouncer.ended(&web()).unwrap().len(), 1);
    bouncer.confirm(&web(), &[keycard.id]).unwrap();
    assert!(bouncer.ended(&web()).unwrap().is_empty());
}

#[test]
fn fl_03_only_its_issuer_keeps_a_keycard_alive() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let asked = request().with_ttl(seconds(60)).issued_by("streamer");
    let keycard = log_in(&bouncer, "ann", &asked);
    setting.set_time(50);
    bouncer.keep_alive(&web(), "other", seconds(60)).unwrap();
    bouncer.keep_alive(&RequesterId::new("other"), "streamer", seconds(60)).unwrap();
    setting.set_time(60);
    assert!(!is_in(&bouncer, &keycard));

    let keycard = log_in(&bouncer, "ann", &asked);
    for time in [110, 160, 210] {
        setting.set_time(time);
        bouncer.keep_alive(&web(), "streamer", seconds(60)).unwrap();
        assert!(is_in(&bouncer, &keycard), "{time}");
    }
    setting.set_time(269);
    assert!(is_in(&bouncer, &keycard));
    // A shorter life does not shorten it.
    bouncer.keep_alive(&web(), "streamer", seconds(60)).unwrap();
    bouncer.keep_alive(&web(), "streamer", seconds(1)).unwrap();
    setting.set_time(328);
    assert!(is_in(&bouncer, &keycard));
    setting.set_time(329);
    assert!(!is_in(&bouncer, &keycard));
}

#[test]
fn an_active_client_stays_and_an_idle_one_does_not() {
    let setting = Setting::new();
    let settings = Settings::default().with_ttl(seconds(60)).with_duration(seconds(300));
    let bouncer = setting.copy().with_settings(settings);
    let keycard = log_in(&bouncer, "ann", &request().issued_by("browser"));
    let lease = || -> Option<Lease> {
        bouncer.entries.read(&crate::entries::lease(&web(), "browser")).unwrap()
    };
    setting.set_time(30);
    bouncer.keep_active(&keycard).unwrap();
    assert_eq!(lease(), None);
    for time in (31..300).step_by(59) {
        setting.set_time(time);
        assert!(is_in(&bouncer, &keycard), "{time}");
        bouncer.keep_active(&keycard).unwrap();
        assert_eq!(lease().unwrap().until, START + time + 60);
    }
    setting.set_time(299);
    assert!(is_in(&bouncer, &keycard));
    setting.set_time(300);
    assert!(!is_in(&bouncer, &keycard));

    let idle = log_in(&bouncer, "ann", &request().issued_by("another"));
    setting.set_time(360);
    assert!(!is_in(&bouncer, &idle));
    bouncer.keep_active(&idle).unwrap();
    assert!(!is_in(&bouncer, &idle));
    let without_issuer = log_in(&bouncer, "ann", &request());
    assert!(bouncer.keep_active(&without_issuer).is_err());
}

#[test]
fn an_expired_keycard_does_not_come_back() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let asked = request().with_ttl(seconds(60)).issued_by("streamer");
    let early = log_in(&bouncer, "ann", &asked);
    setting.set_time(60);
    bouncer.keep_alive(&web(), "streamer", seconds(60)).unwrap();
    assert!(!is_in(&bouncer, &early));
    // Nor after a lease that ended.
    let late = log_in(&bouncer, "ann", &asked);
    setting.set_time(120);
    bouncer.keep_alive(&web(), "streamer", seconds(60)).unwrap();
    assert!(!is_in(&bouncer, &late));
}

#[test]
fn nothing_moves_the_end_of_a_keycard() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let asked = request().with_ttl(seconds(60)).with_duration(seconds(100)).issued_by("a");
    let keycard = log_in(&bouncer, "ann", &asked);
    setting.set_time(50);
    bouncer.keep_alive(&web(), "a", seconds(1000)).unwrap();
    setting.set_time(99);
    assert!(is_in(&bouncer, &keycard));
    setting.set_time(100);
    assert!(!is_in(&bouncer, &keycard));
}

#[test]
fn f_15_the_end_is_the_minimum_of_all_contributors() {
    let setting = Setting::new();
    let bouncer = setting.copy_with(Some("users and office"));
    setting.doors.until.store(START + 30, Ordering::Relaxed);
    let keycard = log_in(&bouncer, "ann", &request().with_duration(seconds(100)));
    assert_eq!(keycard.ends, START + 30);
    setting.doors.until.store(START + 300, Ordering::Relaxed);
    let keycard = log_in(&bouncer, "ann", &request().with_duration(seconds(100)));
    assert_eq!(keycard.ends, START + 100);
    let settings = bouncer.settings().with_duration(seconds(10)).with_ttl(seconds(5));
    let bouncer = bouncer.with_settings(settings);
    let keycard = log_in(&bouncer, "ann", &request().with_duration(seconds(100)));
    assert_eq!((keycard.expires, keycard.ends), (START + 5, START + 10));
}

#[test]
fn fl_04_a_ttl_of_nothing_is_refused_and_leaves_nothing() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let presented = Presented::password("ann", "s3cret");
    for asked in [request().with_ttl(Duration::ZERO), request().with_duration(Duration::ZERO)] {
        let answer = bouncer.authenticate(&presented, &asked.with_notices(), &web()).unwrap();
        assert_eq!(refused(answer), Why::NoLife);
    }
    assert!(bouncer.keep_alive(&web(), "a", Duration::ZERO).is_err());
    assert_eq!(bouncer.sweep().unwrap(), 0);
    assert!(reasons(&bouncer).is_empty());
}

#[test]
fn a_revoked_keycard_ends_at_every_copy_at_once() {
    let setting = Setting::new();
    let (one, two) = (setting.copy(), setting.copy());
    let anns = log_in(&one, "ann", &request().with_notices());
    let bobs = log_in(&two, "bob", &request());
    assert!(is_in(&two, &anns) && is_in(&one, &bobs));
    assert_eq!(two.revoke(&Selection::User("ann".into())).unwrap(), 1);
    assert!(!is_in(&one, &anns) && is_in(&one, &bobs));
    assert_eq!(reasons(&one), [EndReason::Revoked]);
    assert_eq!(one.revoke(&Selection::All).unwrap(), 1);
    assert!(!is_in(&two, &bobs));
    assert_eq!(two.revoke(&Selection::All).unwrap(), 0);
}

#[test]
fn a_revocation_that_was_interrupted_holds_and_is_finished() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let keycard = log_in(&bouncer, "ann", &request().with_notices().issued_by("a"));
    // The process died after the mark.
    let end = Some(crate::entries::End { reason: EndReason::Revoked, time: START });
    let name = crate::entries::card(&keycard.id);
    let mark =
        &mut |stored: Option<Stored>| crate::entries::Edit::Put(Stored { end, ..stored.unwrap() });
    bouncer.entries.update(&name, None, mark).unwrap();
    bouncer.keep_alive(&web(), "a", seconds(60)).unwrap();
    assert!(!is_in(&bouncer, &keycard));
    assert_eq!(bouncer.sweep().unwrap(), 1);
    assert_eq!(reasons(&bouncer), [EndReason::Revoked]);
}

#[test]
fn a_disabled_bouncer_lets_none_in_and_forgets_all() {
    let setting = Setting::new();
    let (one, two) = (setting.copy(), setting.copy());
    let keycard = log_in(&one, "ann", &request().with_notices());
    let asked = Presented::new(PresentedKind::CONVERSATION).named("ann");
    let waiting = session(one.authenticate(&asked, &request(), &web()).unwrap());
    two.disable().unwrap();
    assert!(!one.is_enabled().unwrap());
    assert!(!is_in(&one, &keycard));
    let presented = Presented::password("ann", "s3cret");
    let answer = one.authenticate(&presented, &request(), &web()).unwrap();
    assert_eq!(refused(answer), Why::Disabled);
    assert_eq!(reasons(&one), [EndReason::Disabled]);
    one.enable().unwrap();
    // Neither the keycard nor the login that waited comes back.
    assert!(!is_in(&two, &keycard));
    let right = Secret::from("42");
    let answer = two.respond(&waiting, Response::Answer(&right), &home(), &web()).unwrap();
    assert_eq!(refused(answer), Why::Disabled);
    assert!(is_in(&two, &log_in(&one, "ann", &request())));
}

#[test]
fn a_keycard_that_disabling_has_missed_is_dead_all_the_same() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let keycard = log_in(&bouncer, "ann", &request().with_notices());
    // The process died before it came to the keycards.
    bouncer.turn(true).unwrap();
    bouncer.turn(false).unwrap();
    assert!(!is_in(&bouncer, &keycard));
    bouncer.sweep().unwrap();
    assert_eq!(reasons(&bouncer), [EndReason::Disabled]);
}

#[test]
fn a_condition_is_asked_again_and_only_a_false_policy_ends_a_keycard() {
    let setting = Setting::new();
    let both = setting.copy_with(Some("users and office"));
    let either = setting.copy_with(Some("users or office"));
    let keycard = log_in(&both, "ann", &request().with_notices());
    setting.doors.open.store(false, Ordering::Relaxed);
    assert!(!is_in(&both, &keycard));
    // Under the other policy, the password is enough.
    assert!(is_in(&either, &keycard));
    assert_eq!(either.sweep().unwrap(), 0);
    setting.doors.broken.store(true, Ordering::Relaxed);
    assert!(both.check(&keycard.id, &web(), &home()).is_err());
    assert_eq!(both.sweep().unwrap(), 0);
    setting.doors.broken.store(false, Ordering::Relaxed);
    assert_eq!(both.sweep().unwrap(), 1);
    assert_eq!(reasons(&both), [EndReason::Withdrawn]);
    setting.doors.open.store(true, Ordering::Relaxed);
    assert!(!is_in(&both, &keycard));
}

#[test]
fn the_circumstances_of_a_request_refuse_that_request_only() {
    let setting = Setting::new();
    let bouncer = setting.copy_with(Some("users and office"));
    let keycard = log_in(&bouncer, "ann", &request());
    let closed = home().with_detail("path", "/closed");
    assert!(bouncer.check(&keycard.id, &web(), &closed).unwrap().is_none());
    assert!(is_in(&bouncer, &keycard));
}

#[test]
fn f_7_any_number_of_keycards_expires_and_every_notice_is_kept() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let asked = request().with_ttl(seconds(60)).with_notices();
    let first = log_in(&bouncer, "ann", &asked);
    // More than a page, written as the bouncer writes them.
    let name = crate::entries::card(&first.id);
    let stored: Stored = bouncer.entries.read(&name).unwrap().unwrap();
    for _ in 0..2_500 {
        let mut stored = stored.clone();
        stored.keycard.id = KeycardId::random().unwrap();
        let put = &mut |_: Option<Stored>| crate::entries::Edit::Put(stored.clone());
        bouncer.entries.update(&crate::entries::card(&stored.keycard.id), None, put).unwrap();
    }
    setting.set_time(60);
    assert_eq!(bouncer.sweep().unwrap(), 2_501);
    assert_eq!(bouncer.ended(&web()).unwrap().len(), 2_501);
    // Notices that no requester wants are removed after a week.
    setting.set_time(60 + 7 * 24 * 3600);
    bouncer.sweep().unwrap();
    assert!(bouncer.ended(&web()).unwrap().is_empty());
}

#[test]
fn a_client_that_leaves_takes_its_keycard_along() {
    let setting = Setting::new();
    let bouncer = setting.copy();
    let keycard = log_in(&bouncer, "ann", &request().with_notices());
    assert!(!bouncer.remove(&keycard.id, &RequesterId::new("other")).unwrap());
    assert!(is_in(&bouncer, &keycard));
    assert!(bouncer.remove(&keycard.id, &web()).unwrap());
    assert!(!bouncer.remove(&keycard.id, &web()).unwrap());
    assert!(!is_in(&bouncer, &keycard));
    assert!(reasons(&bouncer).is_empty());
}
