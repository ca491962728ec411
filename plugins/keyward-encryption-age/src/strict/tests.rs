use age::Decryptor;
use proptest::prelude::*;

use super::*;

const HEADER: &str = "age-encryption.org/v1
-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc
hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE
-> grease

--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg
nonce of 16 byte";

#[test]
fn any_change_of_a_header_is_refused() {
    assert_eq!(check(HEADER.as_bytes(), 22), Ok(Sealed::ToRecipients));
    for (from, to) in [
        ("grease\n\n", "grease\n"),
        ("grease", "grease "),
        ("v1", "v2"),
        ("OCc\n", "OCd\n"),
        ("FLE\n", "FLE=\n"),
        ("cNg\n", "cNh\n"),
        ("\n", "\r\n"),
        ("byte", ""),
        ("X25519 ", "X25519 a "),
    ] {
        assert!(HEADER.contains(from));
        let changed = HEADER.replacen(from, to, 1);
        assert_eq!(check(changed.as_bytes(), 22), Err(Failure::Header), "{from:?} to {to:?}");
    }
}

#[test]
fn a_header_without_end_is_refused() {
    let stanza = "-> grease\n\n";
    let endless = HEADER.replacen(stanza, &stanza.repeat(MAX_HEADER / stanza.len()), 1);
    assert_eq!(check(endless.as_bytes(), 22), Err(Failure::Header));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = dearmor(&bytes);
        let _ = check(&bytes, 22);
    }

    #[test]
    fn the_age_crate_reads_every_file_that_check_accepts(
        at in 0..HEADER.len(),
        len in 0..40_usize,
        with in "([-> \n=]|[A-Z]|[a-z0-9]|\\PC|scrypt|X25519){0,12}",
    ) {
        let mut changed = HEADER.as_bytes().to_vec();
        let end = (at + len).min(changed.len());
        changed.splice(at..end, with.bytes());
        let file = dearmor(&changed).map(Cow::into_owned);
        if let Ok(file) = file && check(&file, 22).is_ok() {
            prop_assert!(Decryptor::new_buffered(&file[..]).is_ok());
        }
    }
}
