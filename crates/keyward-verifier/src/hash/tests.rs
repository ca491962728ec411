use std::time::Instant;

use keyward_core::Secret;

use super::*;

/// Hashes of `secret` that other programs made: Apache's `htpasswd` 2.4.67, `doveadm pw` of Dovecot 2.3.19,
/// `mkpasswd` of libxcrypt 4.4.33.
const FOREIGN: &[(Scheme, &str)] = &[
    (Scheme::Bcrypt, "$2y$05$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq"),
    (Scheme::Apr1, "$apr1$ScHYUGD4$5il2MNzq2sWLBDLxwoBZK0"),
    (Scheme::Sha1, "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
    (Scheme::DesCrypt, "zYqFZfoOTm4Eo"),
    (Scheme::Sha256Crypt, "$5$Vw1umYj0dfbx5mdw$3HML5M1frSfmzop0Xyvw9Gh6zDO1XsvUoCpcYFfIE01"),
    (
        Scheme::Sha512Crypt,
        "$6$mfOl6w4FvEoigiM3$SZHcBpSZQtWLfW.FtloRMMQMqeiWOzFK7cVSjoEKlbC8JktJW/\
         ZbhEpmDwA4pLmiIJNdDC0G5G8PKgyhcR0n3/",
    ),
    (
        Scheme::Argon2i,
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$hUuYpIyR9PrcU4C3R7J+kg$10OXa/\
         GjThjWPzmbmxP4/kvZEbmNb0nstmpw5/DUN2Q",
    ),
    (
        Scheme::Argon2id,
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$SIgnh2a8r4qfD8SXrFXAyg$\
         nGh1epuZ78q7FgHbN/B6O8GHv7YppQsDkcCS/wAEVMw",
    ),
    (Scheme::Bcrypt, "{BLF-CRYPT}$2y$05$VnPdSXsTzYmnBhad/grNSudzzCIntyYNM3zW7fzo4We4UJVFqLIZe"),
    (
        Scheme::Sha256Crypt,
        "{SHA256-CRYPT}$5$ie4xpQXbGmyNU64S$fZAwtyv1KO.9wpSnG90zry4Iy1BQHbGSaSfEVvJGJZ9",
    ),
    (Scheme::Md5Crypt, "{MD5-CRYPT}$1$3uqc6Eq6$UDb4JrtlLsHBumys1MCa60"),
    (Scheme::Md5Crypt, "{MD5}$1$GcnzAAK4$KHdayup3CPa7dyFHAtDEA."),
    (Scheme::Bcrypt, "{CRYPT}$2y$05$YjRU7qJdxIMgP1QtyU3A3.OLW7bXILDaiXibJ6nF5HbYTljr8XFZS"),
    (Scheme::SaltedSha1, "{SSHA}7sKMUUMpqXjfyIpqvAfaOwMQwvlTLdY1"),
    (Scheme::Sha256, "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="),
    (Scheme::SaltedSha256, "{SSHA256}0XcB21KMygDcKyG1sjLVuLTDLK0jvpaFUa+3Gh2piLxS+O4z"),
    (
        Scheme::Sha512,
        "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW\
         /isg==",
    ),
    (
        Scheme::SaltedSha512,
        "{SSHA512}gGNptRantKvGRTJ26A7V6r+Ev6SlS/hAq6QdfKR9T0BlCUH21FWHUwOqcWNmWC5+NrKJmAStrc5aUwGD\
         YbLa2src4ks=",
    ),
    (Scheme::SaltedMd5, "{SMD5}DVg6yv/RqDehzAKCf4bJavnlEGQ="),
    (Scheme::Md5, "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69"),
    (Scheme::Md5, "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ=="),
    (
        Scheme::Pbkdf2Sha1,
        "{PBKDF2}$1$6OCp9dBpZnhvIo3a$5000$160f56d0612bb240aa2dbc593991f338cd160cc0",
    ),
    (Scheme::DesCrypt, "{DES-CRYPT}siVChCTo5.seg"),
    (Scheme::Sha1, "{sha1}5en6G6MezRroT3XKqkdPOmY/BfQ="),
    (
        Scheme::Sha256,
        "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    ),
    (Scheme::Yescrypt, "$y$j9T$jpyugGe/YacZg92J5k84k0$5PcPWL2es3Qspu2YUCJXmE92Pp2UHWMm6CYAex/Ajq9"),
];

fn parse(stored: &str) -> Result<Hash, Unusable> {
    Hash::parse(&stored.into())
}

#[test]
fn the_hashes_of_other_programs_are_right() {
    for (scheme, stored) in FOREIGN {
        let hash = parse(stored).unwrap();
        assert_eq!(hash.scheme(), *scheme, "{stored}");
        assert!(hash.verify(&"secret".into()), "{stored}");
        for wrong in ["Secret", "secre", "", "s"] {
            assert!(!hash.verify(&wrong.into()), "{stored} {wrong}");
        }
    }
}

/// Hashes in the tests of Twisted and Flumotion.
#[test]
fn des_crypt_is_that_of_unix() {
    for (password, stored) in [
        ("test", "qi1Lftt0GZC0o"),
        ("test", "PSfNpHTkpTx1M"),
        ("test", "giTr6dwDjDymU"),
        ("listen", "Z5WEs3ezyz0E2"),
    ] {
        assert!(parse(stored).unwrap().verify(&password.into()), "{stored}");
    }
}

#[test]
fn salts_and_passwords_of_all_lengths_are_hashed_as_by_crypt() {
    let vectors = include_str!("../../tests/vectors/crypt.txt");
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        let (stored, password) = line.split_once('\t').unwrap();
        assert!(parse(stored).unwrap().verify(&password.into()), "{stored}");
        assert!(!parse(stored).unwrap().verify(&"wrong".into()), "{stored}");
    }
}

#[test]
fn what_is_made_is_read_and_right() {
    for scheme in Scheme::ALL {
        let cost = match scheme {
            Scheme::Bcrypt => Some(4),
            Scheme::Sha512Crypt | Scheme::Sha256Crypt | Scheme::Pbkdf2Sha1 => Some(1000),
            Scheme::Pbkdf2Sha256 | Scheme::Pbkdf2Sha512 => Some(1000),
            Scheme::Scrypt | Scheme::Yescrypt => Some(4),
            Scheme::Argon2d | Scheme::Argon2i | Scheme::Argon2id => Some(64),
            _ => None,
        };
        let stored = make(*scheme, &"Pässwo".into(), cost).unwrap();
        let hash = Hash::parse(&stored).unwrap();
        assert_eq!(hash.scheme(), *scheme);
        assert!(hash.verify(&"Pässwo".into()), "{scheme}");
        assert!(!hash.verify(&"Pässwp".into()), "{scheme}");
        assert!(hash.weakness().is_some(), "{scheme}");
        assert_ne!(stored, make(*scheme, &"other".into(), cost).unwrap());
        assert_eq!(Scheme::from_name(scheme.name()), Some(*scheme));
    }
}

#[test]
fn the_default_is_strong() {
    let stored = make(Scheme::default(), &"secret".into(), None).unwrap();
    assert!(stored.expose().starts_with(b"$argon2id$v=19$m=19456,t=2,p=1$"));
    let hash = Hash::parse(&stored).unwrap();
    assert_eq!((hash.weakness(), hash.memory()), (None, 19 << 20));
    assert_eq!(hash.scheme(), Scheme::Argon2id);
    let example = parse(EXAMPLE).unwrap();
    assert_eq!(example.memory(), hash.memory());
    assert!(!example.verify(&"secret".into()));
}

#[test]
fn every_default_cost_is_strong_and_allowed() {
    for scheme in Scheme::ALL.iter().filter(|scheme| !scheme.is_fast()) {
        let function = Function::with_cost(*scheme, None).unwrap();
        assert!(function.is_allowed() && !function.is_cheap(), "{scheme}");
    }
}

#[test]
fn a_password_that_programs_would_cut_is_refused() {
    assert!(make(Scheme::Bcrypt, &"x".repeat(73).into(), Some(4)).is_err());
    assert!(make(Scheme::DesCrypt, &"123456789".into(), None).is_err());
    for scheme in Scheme::ALL {
        for wrong in ["", "a\0b", &"x".repeat(512)] {
            assert!(make(*scheme, &wrong.into(), None).is_err(), "{scheme}");
        }
    }
    // What another program made from a long password is recognized.
    let long = make(Scheme::Bcrypt, &"x".repeat(72).into(), Some(4)).unwrap();
    assert!(Hash::parse(&long).unwrap().verify(&"x".repeat(80).into()));
    // `{SHA}` of "a\0b" and of the empty password.
    assert!(!parse("{SHA}4+/7KE6kpS5SgJHIOHp28EUXqQI=").unwrap().verify(&"a\0b".into()));
    assert!(!parse("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=").unwrap().verify(&"".into()));
}

#[test]
fn a_cost_above_the_limit_is_refused_at_once() {
    let tail = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let sha_512 = "x".repeat(86);
    let start = Instant::now();
    for stored in [
        format!("$argon2id$v=19$m=4194304,t=1,p=1{tail}"),
        format!("$argon2id$v=19$m=19456,t=4294967295,p=1{tail}"),
        format!("$argon2id$v=19$m=19456,t=1,p=10000{tail}"),
        format!("$2y$31${}", "a".repeat(53)),
        format!("$6$rounds=999999999$salt${sha_512}"),
        format!("$scrypt$ln=30,r=8,p=1{tail}"),
        format!("$scrypt$ln=63,r=8,p=1{tail}"),
        format!("$scrypt$ln=10,r=4294967295,p=4294967295{tail}"),
        format!("$pbkdf2-sha256$4294967295{tail}"),
        format!("$y$jzzzzz{tail}"),
    ] {
        let error = parse(&stored).unwrap_err();
        assert!(matches!(error, Unusable::TooCostly | Unusable::Malformed), "{stored} {error}");
    }
    // yescrypt with N of 2^30, and with several passes.
    let tail = "$jpyugGe/YacZg92J5k84k0$5PcPWL2es3Qspu2YUCJXmE92Pp2UHWMm6CYAex/Ajq9";
    assert_eq!(parse(&format!("$y$jRT{tail}")).unwrap_err(), Unusable::TooCostly);
    assert_eq!(parse(&format!("$y$j9T//{tail}")).unwrap_err(), Unusable::TooCostly);
    assert!(start.elapsed().as_secs() < 5);
}

/// Parameters at the lower limits, which programs do not write, but people can.
#[test]
fn no_allowed_cost_is_a_panic() {
    let tail = "$jpyugGe/YacZg92J5k84k0$5PcPWL2es3Qspu2YUCJXmE92Pp2UHWMm6CYAex/Ajq9";
    let phc = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA";
    let digits = ["", ".", "/", "0", "1", "5", "A", "j"];
    let mut texts = Vec::new();
    for mode in [".", "/", "j"] {
        for n in [".", "/", "0", "1", "3"] {
            for r in [".", "/", "0", "5"] {
                for more in digits {
                    texts.push(format!("$y${mode}{n}{r}{more}{tail}"));
                    texts.extend(digits.map(|last| format!("$y${mode}{n}{r}{more}{last}{tail}")));
                }
            }
        }
    }
    for memory in [0, 1, 7, 8, 9, 15, 16, 64] {
        for lanes in [0, 1, 2, 3, 8] {
            texts.push(format!("$argon2d$m={memory},t=1,p={lanes}{phc}"));
            texts.push(format!("$argon2i$v=19$m={memory},t=0,p={lanes}{phc}"));
            texts.push(format!("$scrypt$ln={lanes},r={memory},p={lanes}{phc}"));
        }
    }
    texts.push(format!("$pbkdf2-sha512$1${phc}").replace("$$", "$"));
    texts.push("$5$rounds=1$$mAwMsDaqjtxAtGqstEIf7OBR15rgcx.jSKGM94IKRj/".into());
    let hashes: Vec<_> = texts.iter().filter_map(|text| parse(text).ok()).collect();
    assert!(hashes.len() > 100, "{}", hashes.len());
    for hash in hashes {
        assert!(!hash.verify(&"x".into()));
        assert!(!hash.verify(&"x".repeat(511).into()));
    }
}

#[test]
fn what_is_no_hash_is_refused() {
    for (stored, why) in [
        ("", Unusable::Locked),
        ("!", Unusable::Locked),
        ("*", Unusable::Locked),
        ("!$6$saltstring$x", Unusable::Locked),
        ("x", Unusable::Unknown),
        ("plaintext", Unusable::Unknown),
        ("{}", Unusable::Unknown),
        ("{SHA", Unusable::Malformed),
        ("{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", Unusable::Malformed),
        ("{SHA}7sKMUUMpqXjfyIpqvAfaOwMQwvlTLdY1", Unusable::Malformed),
        ("{CRAM-MD5}00", Unusable::Unknown),
        ("{ARGON2I}$1$a$b", Unusable::Malformed),
        ("$", Unusable::Malformed),
        ("$$", Unusable::Unknown),
        ("$2x$05$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq", Unusable::Unknown),
        ("$2y$5$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq", Unusable::Malformed),
        ("$2y$05$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHr", Unusable::Malformed),
        ("$2y$05$é0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHr", Unusable::Malformed),
        ("$apr1$ScHYUGD4$short", Unusable::Malformed),
        ("$argon2id$v=19$t=2,m=8,p=1$AAAA$AAAA", Unusable::Malformed),
    ] {
        assert_eq!(parse(stored).unwrap_err(), why, "{stored}");
    }
    assert!(Hash::parse(&vec![0xff, b'$'].into()).is_err());
    assert!(parse(&format!("$6${}${}", "s".repeat(2000), "x".repeat(86))).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_is_a_panic(
        start in "(\\$(y|1|5|6|2y|apr1|scrypt|argon2id|pbkdf2|pbkdf2-sha256)\\$|\\{[A-Z0-9]{2,8}\\})?",
        rest in "[$./0-9A-Za-z=,:]{0,80}",
    ) {
        if let Ok(hash) = parse(&format!("{start}{rest}")) {
            proptest::prop_assert!(hash.memory() <= MAX_MEMORY);
        }
    }

    #[test]
    fn no_bytes_are_a_panic(bytes: Vec<u8>) {
        let _ = Hash::parse(&Secret::new(bytes));
    }
}
